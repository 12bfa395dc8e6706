// SPDX-License-Identifier: Apache-2.0
#include "log/container_lines.h"

#include <algorithm>

namespace ekshume::log {

using event::Event;
using event::Text;

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
  for (Line& line : lines_) {
    if (!line.open || line.first.is_stderr != part.is_stderr) continue;
    line.text += text;
    line.raw += '\n';
    line.raw += raw;
    line.open = part.open;
    return;
  }
  lines_.push_back({part, part.open, std::string(text), std::string(raw)});
}

void OutputLines::Emit(Event& event, event::Sink& sink) {
  for (Line& line : lines_) {
    line.first.open = line.open;
    FillOutputEvent(line.first, line.text, event);
    if (lines_.size() > 1) event.raw = line.raw;
    sink.Add(event);
    event.Clear();
  }
}

void FillOutputEvent(const OutputPart& part, std::string_view text, Event& event) {
  event.time = part.time;
  event[Text::kTimeKind] = "Event Time";
  // A terminal's lines end in "\r\n".
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  event[Text::kMessage] = text;
  event.AddTag(part.is_stderr ? "stderr" : "stdout");
  if (part.open) event.AddTag("truncated");
}

}  // namespace ekshume::log
