// SPDX-License-Identifier: Apache-2.0
#include "casefile/body_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace ekshume::casefile {
namespace {

using event::Number;
using event::Text;

constexpr size_t kFieldsBehindName = 9;

struct Kind {
  char letter;
  std::string_view description;
  std::string_view action;
  int strength;  // the strongest of several at one moment names it
};
constexpr std::array<Kind, 4> kKinds = {{
    {'M', "Content Modification Time", "modified", 2},
    {'A', "Last Access Time", "accessed", 0},
    {'C', "Metadata Modification Time", "changed", 1},
    {'B', "Creation Time", "created", 3},
}};

template <typename T>
std::optional<T> Whole(std::string_view text) {
  T value{};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

// Seconds since 1970, with or without a fraction. False when it is no number.
bool TakeTime(std::string_view text, std::optional<Timestamp>& time) {
  const size_t point = text.find('.');
  const auto seconds = Whole<int64_t>(text.substr(0, point));
  if (!seconds) return text.empty() || text == "-";
  if (*seconds <= 0) return true;
  uint32_t nanoseconds = 0;
  if (point != std::string_view::npos) {
    std::string digits(text.substr(point + 1).substr(0, 9));
    digits.resize(9, '0');
    const auto fraction = Whole<uint32_t>(digits);
    if (!fraction) return false;
    nanoseconds = *fraction;
  }
  time = Timestamp{*seconds, nanoseconds};
  return true;
}

std::string_view KindOf(std::string_view mode) {
  switch (mode.empty() ? '?' : mode.front()) {
    case 'r':
    case '-': return "file";
    case 'd': return "directory";
    case 'l': return "symlink";
    case 'c': return "character device";
    case 'b': return "block device";
    case 'p': return "fifo";
    case 's':
    case 'h': return "socket";
    default: return "unknown";
  }
}

}  // namespace

std::optional<BodyLine> ParseBodyLine(std::string_view line) {
  while (line.ends_with('\r')) line.remove_suffix(1);
  std::array<std::string_view, kFieldsBehindName> fields;
  for (size_t i = kFieldsBehindName; i > 0; --i) {
    const size_t bar = line.rfind('|');
    if (bar == std::string_view::npos) return std::nullopt;
    fields[i - 1] = line.substr(bar + 1);
    line = line.substr(0, bar);
  }
  const size_t bar = line.find('|');
  if (bar == std::string_view::npos) return std::nullopt;
  BodyLine body;
  body.name = line.substr(bar + 1);
  body.mode = fields[1];
  body.uid = fields[2];
  const auto size = Whole<uint64_t>(fields[4]);
  // Access stands first in the line.
  if (body.name.empty() || !size || !TakeTime(fields[5], body.times[1]) ||
      !TakeTime(fields[6], body.times[0]) || !TakeTime(fields[7], body.times[2]) ||
      !TakeTime(fields[8], body.times[3])) {
    return std::nullopt;
  }
  body.size_bytes = *size;
  if (body.mode.starts_with('l')) {
    const size_t arrow = body.name.find(" -> ");
    if (arrow != std::string_view::npos) {
      body.target = body.name.substr(arrow);
      body.name = body.name.substr(0, arrow);
    }
  }
  return body;
}

void VisitBodyEvents(const BodyLine& line, event::Event& event, const std::function<void()>& add) {
  const std::string_view kind = KindOf(line.mode);
  event[Text::kObjectKind] = kind;
  event[Text::kPath] = line.name;
  event[Text::kUserName] = fmt::format("uid {}", line.uid);
  event[Number::kSize] =
      static_cast<int64_t>(std::min<uint64_t>(line.size_bytes, static_cast<uint64_t>(INT64_MAX)));
  const std::string_view permissions =
      line.mode.substr(line.mode.size() > 9 ? line.mode.size() - 9 : 0);
  event[Text::kTags].clear();
  if (kind == "file" && permissions.find_first_of("xs") != std::string_view::npos) {
    event.AddTag("executable");
  }
  if (kind == "file" && permissions.size() == 9) {
    if (permissions[2] == 's' || permissions[2] == 'S') event.AddTag("setuid");
    if (permissions[5] == 's' || permissions[5] == 'S') event.AddTag("setgid");
  }
  const size_t slash = line.name.rfind('/');
  if (slash != std::string_view::npos && line.name.substr(slash + 1).starts_with('.')) {
    event.AddTag("hidden");
  }
  std::array<bool, 4> done = {};
  for (size_t i = 0; i < kKinds.size(); ++i) {
    if (!line.times[i] || done[i]) continue;
    std::string letters;
    std::string kinds;
    const Kind* strongest = nullptr;
    for (size_t j = 0; j < kKinds.size(); ++j) {
      const bool same = !done[j] && line.times[j] == line.times[i];
      letters.push_back(same ? kKinds[j].letter : '.');
      if (!same) continue;
      done[j] = true;
      if (!kinds.empty()) kinds += "; ";
      kinds += kKinds[j].description;
      if (strongest == nullptr || kKinds[j].strength > strongest->strength) strongest = &kKinds[j];
    }
    event.time = line.times[i];
    event[Text::kTimeKind] = kinds;
    event[Text::kAction] = strongest->action;
    event[Text::kMessage] = fmt::format("{} {}{} ({}, {} bytes, uid {})", letters, line.name,
                                        line.target, kind, line.size_bytes, line.uid);
    add();
  }
}

}  // namespace ekshume::casefile
