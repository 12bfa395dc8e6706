// SPDX-License-Identifier: Apache-2.0
#include "log/cri/reader.h"

#include <algorithm>

#include "log/container_lines.h"
#include "log/fields.h"

namespace ekshume::log::cri {
namespace {

using event::Event;

// Takes the head off `line`, which then is the text.
std::optional<OutputPart> TakeHead(std::string_view& line) {
  const size_t time_end = line.find(' ');
  if (time_end == std::string_view::npos || time_end < 20 || time_end > 40) return std::nullopt;
  OutputPart part;
  std::string_view rest = line.substr(time_end + 1);
  if (rest.starts_with("stderr ")) {
    part.is_stderr = true;
  } else if (!rest.starts_with("stdout ")) {
    return std::nullopt;
  }
  rest.remove_prefix(7);
  // Tags between colons; the first one says whether more follows.
  const size_t tags_end = std::min(rest.find(' '), rest.size());
  const std::string_view tags = rest.substr(0, tags_end);
  const std::string_view first = tags.substr(0, tags.find(':'));
  if (first != "P" && first != "F") return std::nullopt;
  part.open = first == "P";
  part.time = ParseTimestamp(line.substr(0, time_end));
  if (!part.time) return std::nullopt;
  line = rest.substr(std::min(tags_end + 1, rest.size()));
  return part;
}

std::optional<OutputPart> ReadHead(std::string_view line) { return TakeHead(line); }

class Reader final : public Format {
 public:
  std::string_view name() const override { return "cri"; }
  std::string_view description() const override {
    return "Output of containers as containerd and CRI-O keep it";
  }

  Match Sniff(std::string_view record) const override {
    return TakeHead(record) ? Match::kYes : Match::kNo;
  }

  bool spans_lines() const override { return true; }
  bool Continues(std::string_view record, std::string_view line) const override {
    return EndsWithOpenPart(record, ReadHead) && ReadHead(line);
  }

  Outcome Parse(const Record& record, Event& event, event::Sink& sink,
                DiagnosticSink& diagnostics) const override {
    std::string_view rest = record.bytes;
    const size_t newline = rest.find('\n');
    if (newline == std::string_view::npos) {
      const std::optional<OutputPart> part = TakeHead(rest);
      if (!part) return Outcome::kNotMine;
      AddOutputEvent(record, *part, rest, {}, event, sink, diagnostics);
      return Outcome::kEvents;
    }
    OutputLines lines;
    while (!rest.empty()) {
      const std::string_view raw = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(raw.size() + 1, rest.size()));
      std::string_view text = raw;
      const std::optional<OutputPart> part = TakeHead(text);
      if (!part) return raw.data() == record.bytes.data() ? Outcome::kNotMine : Outcome::kDamaged;
      lines.Add(*part, text, raw);
    }
    lines.Emit(record, event, sink, diagnostics);
    return Outcome::kEvents;
  }
};

}  // namespace

const Format& CriFormat() {
  static const Reader reader;
  return reader;
}

}  // namespace ekshume::log::cri
