// SPDX-License-Identifier: Apache-2.0
#include "log/container_lines.h"

#include "log/inner_line.h"

namespace ekshume::log {

using event::Event;
using event::Text;

namespace {

void Finish(const OutputPart& part, std::string_view raw, Event& event) {
  event.AddTag(part.is_stderr ? "stderr" : "stdout");
  if (part.open) event.AddTag("truncated");
  event.raw = raw;
}

void FillOutputEvent(const OutputPart& part, std::string_view text, std::string_view raw,
                     Event& event) {
  event.time = part.time;
  event[Text::kTimeKind] = "Event Time";
  event[Text::kMessage] = text;
  Finish(part, raw, event);
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
  // Events of other formats first: `text` may lie in the parser that they use.
  const std::string copy = text.starts_with('{') ? std::string(text) : std::string();
  if (ReadInnerLine(text, part.time, *record.stream, event, sink, diagnostics,
                    [&](Event& inner) { Finish(part, raw, inner); })) {
    return;
  }
  FillOutputEvent(part, copy.empty() ? text : std::string_view(copy), raw, event);
  sink.Add(event);
}

}  // namespace ekshume::log
