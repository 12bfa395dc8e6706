// SPDX-License-Identifier: Apache-2.0
#include "log/syslog/line.h"

#include <algorithm>

#include "base/ascii.h"
#include "log/fields.h"
#include "log/text_time.h"

namespace ekshume::log::syslog {
namespace {

constexpr size_t kMaxHostBytes = 255;
constexpr size_t kMaxProgramBytes = 128;
constexpr int kHighestPriority = 191;

bool IsNameOf(std::string_view text, std::string_view more, size_t max) {
  return !text.empty() && text.size() <= max && std::ranges::all_of(text, [&](char c) {
    return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           more.find(c) != std::string_view::npos;
  });
}

bool IsHost(std::string_view text) { return IsNameOf(text, "-._:", kMaxHostBytes); }

// "<34>" at the beginning.
std::optional<int> TakePriority(std::string_view& text) {
  const size_t end = text.find('>');
  if (!text.starts_with('<') || end == std::string_view::npos || end > 4) return std::nullopt;
  const std::optional<int64_t> priority = ParseInteger(text.substr(1, end - 1));
  if (!priority || *priority < 0 || *priority > kHighestPriority) return std::nullopt;
  text.remove_prefix(end + 1);
  return static_cast<int>(*priority);
}

// "sshd[123]: message" or "kernel: message".
bool TakeProgram(std::string_view text, Line& line) {
  const size_t colon = text.find(':');
  const size_t bracket = text.find('[');
  std::string_view program = text.substr(0, std::min(colon, bracket));
  size_t end = colon;
  if (bracket < colon) {
    const size_t close = text.find(']', bracket);
    if (close == std::string_view::npos || close + 1 >= text.size() || text[close + 1] != ':') {
      return false;
    }
    line.pid = ParseInteger(text.substr(bracket + 1, close - bracket - 1));
    if (!line.pid) return false;
    end = close + 1;
  }
  if (end == std::string_view::npos || !IsNameOf(program, "-._/@()+", kMaxProgramBytes))
    return false;
  if (end + 1 < text.size() && text[end + 1] != ' ') return false;
  line.program = program;
  line.message = text.substr(std::min(end + 2, text.size()));
  return true;
}

// HOST PROGRAM[PID]: MESSAGE, what follows the time.
std::optional<Line> ParseRest(std::string_view text, Line line) {
  line.host = TakeWord(text);
  if (!IsHost(line.host) || text.empty()) return std::nullopt;
  if (TakeProgram(text, line)) {
    line.surely = true;
  } else {
    line.message = text;
  }
  return line;
}

// Many programs begin their lines with an ISO time, and some then write "INFO main: message". What
// has a process id is of syslog, or what is of a program that has none in syslog either; without,
// the first word must at least look like a host's name.
std::optional<Line> ParseIsoRest(std::string_view text, Line line) {
  constexpr std::string_view kWithoutPid[] = {"kernel", "sudo", "su", "audit"};
  line.host = TakeWord(text);
  if (!IsHost(line.host) || !TakeProgram(text, line)) return std::nullopt;
  line.surely = line.pid || std::ranges::find(kWithoutPid, line.program) != std::end(kWithoutPid);
  const bool host_like = line.host.find_first_of("0123456789-.") != std::string_view::npos;
  return line.surely || host_like ? std::optional(line) : std::nullopt;
}

// The structured data of RFC 5424: "-" or "[id name=\"value\"]...", where \" does not end a value.
bool SkipStructuredData(std::string_view& text) {
  if (text == "-" || text.starts_with("- ")) {
    TakeWord(text);
    return true;
  }
  bool quoted = false;
  size_t i = 0;
  if (!text.starts_with('[')) return false;
  for (; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && text[i] == ']' && (i + 1 == text.size() || text[i + 1] == ' ')) {
      break;
    }
  }
  if (i >= text.size()) return false;
  text.remove_prefix(std::min(i + 2, text.size()));
  return true;
}

// RFC 5424: "<34>1 TIME HOST PROGRAM PID MESSAGE-ID STRUCTURED-DATA MESSAGE", "-" for what is
// absent.
std::optional<Line> Parse5424(std::string_view text, int priority) {
  Line line;
  line.priority = priority;
  line.surely = true;
  const auto said = [](std::string_view word) { return word == "-" ? std::string_view() : word; };
  TakeWord(text);
  const std::string_view time = TakeWord(text);
  line.time = ParseTimestamp(time);
  if (!line.time && time != "-") return std::nullopt;
  line.host = said(TakeWord(text));
  line.program = said(TakeWord(text));
  line.pid = ParseInteger(TakeWord(text));
  TakeWord(text);
  if (!SkipStructuredData(text)) return std::nullopt;
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  line.message = text;
  return line;
}

}  // namespace

std::optional<Line> ParseLine(std::string_view text, std::optional<Timestamp> newest) {
  const std::optional<int> priority = TakePriority(text);
  if (priority && text.starts_with("1 ")) return Parse5424(text, *priority);
  Line line;
  line.priority = priority;
  if (text.size() > kSyslogTimeBytes && MonthOf(text.substr(0, 3)) != 0 &&
      text[kSyslogTimeBytes] == ' ') {
    // Any moment does to see whether it is a time.
    if (!ParseSyslogTime(text.substr(0, kSyslogTimeBytes), Timestamp{4102444800, 0})) {
      return std::nullopt;
    }
    line.time = ParseSyslogTime(text.substr(0, kSyslogTimeBytes), newest);
    return ParseRest(text.substr(kSyslogTimeBytes + 1), line);
  }
  const size_t space = text.find(' ');
  if (space == std::string_view::npos || space < 19 || text[10] != 'T') return std::nullopt;
  line.time = ParseTimestamp(text.substr(0, space));
  if (!line.time) return std::nullopt;
  return ParseIsoRest(text.substr(space + 1), line);
}

}  // namespace ekshume::log::syslog
