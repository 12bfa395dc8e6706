// SPDX-License-Identifier: Apache-2.0
#include "log/container_lines.h"

#include <algorithm>

namespace ekshume::log {

using event::Event;
using event::Text;

namespace {

// The formats that programs in containers write to their output.
constexpr std::string_view kInnerFormats[] = {"k8s_audit", "authenticator", "falco", "tetragon",
                                              "klog"};

// The format that surely knows a line; null for most lines, which a look at the beginning tells.
const Format* FormatOf(std::string_view text) {
  if (text.empty()) return nullptr;
  const char first = text.front();
  const bool digits_follow = text.size() > 1 && text[1] >= '0' && text[1] <= '9';
  const bool is_json = first == '{';
  const bool is_text = text.starts_with("time=") || digits_follow;
  if (!is_json && !is_text) return nullptr;
  for (const std::string_view name : kInnerFormats) {
    const Format* format = FindFormat(name);
    if (format != nullptr && format->Sniff(text) == Match::kYes) return format;
  }
  return nullptr;
}

// Says of which stream and format an event is, and passes it on.
class InnerSink final : public event::Sink {
 public:
  InnerSink(const Format& format, const OutputPart& part, std::string_view raw, event::Sink& sink)
      : format_(format), part_(part), raw_(raw), sink_(sink) {}

  void Add(Event& event) override {
    event[Text::kSource] = format_.name();
    if (!event.time) event.time = part_.time;
    event.AddTag(part_.is_stderr ? "stderr" : "stdout");
    event.raw = raw_;
    sink_.Add(event);
  }

 private:
  const Format& format_;
  const OutputPart& part_;
  std::string_view raw_;
  event::Sink& sink_;
};

void FillOutputEvent(const OutputPart& part, std::string_view text, std::string_view raw,
                     Event& event) {
  event.time = part.time;
  event[Text::kTimeKind] = "Event Time";
  event[Text::kMessage] = text;
  event.AddTag(part.is_stderr ? "stderr" : "stdout");
  if (part.open) event.AddTag("truncated");
  event.raw = raw;
}

}  // namespace

bool EndsWithOpenPart(std::string_view record, ReadPart read) {
  bool seen[2] = {false, false};
  for (int i = 0; i < kPartsLookedBack && !record.empty(); ++i) {
    const size_t newline = record.rfind('\n');
    const size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
    const std::optional<OutputPart> part = read(record.substr(begin));
    if (part && !seen[part->is_stderr ? 1 : 0]) {
      if (part->open) return true;
      seen[part->is_stderr ? 1 : 0] = true;
      if (seen[0] && seen[1]) return false;
    }
    record = record.substr(0, newline == std::string_view::npos ? 0 : newline);
  }
  return false;
}

void OutputLines::Add(const OutputPart& part, std::string_view text, std::string_view raw) {
  std::optional<size_t>& open = open_[part.is_stderr ? 1 : 0];
  if (open) {
    Line& line = lines_[*open];
    line.first.open = part.open;
    line.text += text;
    line.raw += '\n';
    line.raw += raw;
    if (!part.open) open.reset();
    return;
  }
  if (part.open) open = lines_.size();
  lines_.push_back({part, std::string(text), std::string(raw)});
}

void OutputLines::Emit(const Record& record, Event& event, event::Sink& sink,
                       DiagnosticSink& diagnostics) {
  for (Line& line : lines_) {
    AddOutputEvent(record, line.first, line.text, lines_.size() > 1 ? line.raw : std::string_view(),
                   event, sink, diagnostics);
    event.Clear();
  }
}

void AddOutputEvent(const Record& record, const OutputPart& part, std::string_view text,
                    std::string_view raw, Event& event, event::Sink& sink,
                    DiagnosticSink& diagnostics) {
  // A terminal's lines end in "\r\n".
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  if (const Format* format = FormatOf(text)) {
    // The text may lie in the thread's JSON parser and has no padding there.
    std::string padded(text);
    padded.append(kRecordPadding, '\0');
    const Record inner{std::string_view(padded).substr(0, text.size()), part.time, record.stream};
    InnerSink inner_sink(*format, part, raw, sink);
    if (format->Parse(inner, event, inner_sink, diagnostics) == Outcome::kEvents) return;
    event.Clear();
    FillOutputEvent(part, inner.bytes, raw, event);
  } else {
    FillOutputEvent(part, text, raw, event);
  }
  sink.Add(event);
}

}  // namespace ekshume::log
