// SPDX-License-Identifier: Apache-2.0
#include "artifact/shell_history/parse.h"

#include <algorithm>

#include "artifact/reading.h"
#include "artifact/users.h"

namespace ekshume::artifact::shell_history {
namespace {

std::optional<Timestamp> Seconds(std::string_view digits) {
  const auto number = ParseNumber(digits);
  if (!number || *number <= 0) return std::nullopt;
  return Timestamp{*number, 0};
}

// The digits at the beginning of `text`, which are cut off.
std::string_view TakeDigits(std::string_view& text) {
  const size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view digits = text.substr(0, end);
  text.remove_prefix(end);
  return digits;
}

// bash's time line: '#' and digits, nothing else.
std::optional<Timestamp> BashTime(std::string_view line) {
  if (!line.starts_with('#') || line.size() < 2) return std::nullopt;
  return Seconds(line.substr(1));
}

// Of a word between quotes as viminfo writes it: \" and \\ and \n.
std::string UnquoteViminfo(std::string_view text) {
  if (text.starts_with('"')) text.remove_prefix(1);
  if (text.ends_with('"')) text.remove_suffix(1);
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    plain.push_back(text[i]);
  }
  return plain;
}

}  // namespace

Commands ParsePlain(std::string_view content) {
  Commands commands;
  for (const Line& line : Lines(content)) {
    if (!Trim(line.text).empty()) commands.push_back({std::string(line.text), line.offset, {}, {}});
  }
  return commands;
}

Commands ParseBash(std::string_view content) {
  Commands commands;
  std::optional<Timestamp> time;  // of the line before
  uint64_t time_offset = 0;
  bool spans_lines = false;
  bool first = true;
  for (const Line& line : Lines(content)) {
    const auto line_time = BashTime(line.text);
    if (first) spans_lines = line_time.has_value();
    first = false;
    if (line_time) {
      time = line_time;
      time_offset = line.offset;
    } else if (time) {
      commands.push_back({std::string(line.text), time_offset, time, {}});
      time.reset();
    } else if (spans_lines && !commands.empty()) {
      commands.back().text.append("\n").append(line.text);
    } else if (!Trim(line.text).empty()) {
      commands.push_back({std::string(line.text), line.offset, {}, {}});
    }
  }
  return commands;
}

Commands ParseZsh(std::string_view content) {
  constexpr char kMeta = '\x83';
  Commands commands;
  bool continues = false;
  for (const Line& line : Lines(content)) {
    std::string text;
    for (size_t i = 0; i < line.text.size(); ++i) {
      if (line.text[i] == kMeta && i + 1 < line.text.size()) {
        text.push_back(static_cast<char>(line.text[++i] ^ 32));
      } else {
        text.push_back(line.text[i]);
      }
    }
    const bool goes_on = text.ends_with('\\');
    if (goes_on) text.pop_back();
    if (continues) {
      commands.back().text.append("\n").append(text);
      continues = goes_on;
      continue;
    }
    Command command{"", line.offset, {}, {}};
    std::string_view rest = text;
    if (rest.starts_with(": ")) {
      rest.remove_prefix(2);
      rest = rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
      const std::string_view start = TakeDigits(rest);
      const bool timed = !start.empty() && rest.starts_with(':');
      if (timed) rest.remove_prefix(1);
      const std::string_view duration = TakeDigits(rest);
      if (timed && rest.starts_with(';')) {
        command.time = Seconds(start);
        command.duration_seconds = ParseNumber(duration);
        text.erase(0, text.size() - rest.size() + 1);
      }
    }
    command.text = std::move(text);
    continues = goes_on;
    if (goes_on || !Trim(command.text).empty()) commands.push_back(std::move(command));
  }
  return commands;
}

Commands ParseFish(std::string_view content) {
  constexpr std::string_view kCommand = "- cmd: ";
  constexpr std::string_view kWhen = "  when: ";
  Commands commands;
  for (const Line& line : Lines(content)) {
    if (line.text.starts_with(kCommand)) {
      std::string text;
      const std::string_view escaped = line.text.substr(kCommand.size());
      for (size_t i = 0; i < escaped.size(); ++i) {
        if (escaped[i] != '\\' || i + 1 == escaped.size()) {
          text.push_back(escaped[i]);
        } else {
          ++i;
          text.push_back(escaped[i] == 'n' ? '\n' : escaped[i]);
        }
      }
      commands.push_back({std::move(text), line.offset, {}, {}});
    } else if (line.text.starts_with(kWhen) && !commands.empty()) {
      commands.back().time = Seconds(Trim(line.text.substr(kWhen.size())));
    }
  }
  return commands;
}

Commands ParseEditline(std::string_view content) {
  constexpr std::string_view kMagic = "_HiStOrY_V2_";
  Commands commands = ParsePlain(content);
  // psql keeps a statement on one line: it writes newlines as byte 1 (input.c, NL_IN_HISTORY).
  for (Command& command : commands) std::ranges::replace(command.text, '\x01', '\n');
  if (!content.starts_with(kMagic)) return commands;
  commands.erase(commands.begin());
  for (Command& command : commands) {
    std::string text;
    const std::string_view escaped = command.text;
    for (size_t i = 0; i < escaped.size(); ++i) {
      const std::string_view digits = escaped.substr(i).substr(0, 4);
      const bool is_octal = digits.size() == 4 && digits[0] == '\\' &&
                            digits.find_first_not_of("01234567", 1) == std::string_view::npos;
      if (!is_octal) {
        text.push_back(escaped[i]);
        continue;
      }
      text.push_back(
          static_cast<char>((digits[1] - '0') * 64 + (digits[2] - '0') * 8 + (digits[3] - '0')));
      i += 3;
    }
    command.text = std::move(text);
  }
  return commands;
}

Commands ParseLess(std::string_view content) {
  Commands commands;
  char mark = '/';
  for (const Line& line : Lines(content)) {
    if (line.text == ".search") mark = '/';
    if (line.text == ".shell") mark = '!';
    if (!line.text.starts_with('"')) continue;
    commands.push_back({mark + std::string(line.text.substr(1)), line.offset, {}, {}});
  }
  return commands;
}

Commands ParseViminfo(std::string_view content) {
  Commands commands;
  for (const Line& line : Lines(content)) {
    std::string_view rest = line.text;
    const bool is_history = rest.starts_with("|2,");
    const bool is_mark = rest.starts_with("|4,");
    if (!is_history && !is_mark) continue;
    rest.remove_prefix(3);
    std::string_view fields[5];
    const size_t count = is_history ? 3 : 4;  // numbers before the quoted text
    for (size_t i = 0; i < count; ++i) {
      fields[i] = TakeDigits(rest);
      if (rest.starts_with(',')) rest.remove_prefix(1);
    }
    // A history line has one more field, a separator's character code, which may be empty.
    if (is_history) {
      TakeDigits(rest);
      if (rest.starts_with(',')) rest.remove_prefix(1);
    }
    if (!rest.starts_with('"')) continue;
    const std::string text = UnquoteViminfo(rest);
    Command command{"", line.offset, Seconds(fields[is_history ? 1 : 3]), {}};
    if (is_mark) {
      command.text = "vim " + text;
    } else if (fields[0] == "0") {
      command.text = ":" + text;
    } else if (fields[0] == "1") {
      command.text = "/" + text;
    } else {
      command.text = text;
    }
    commands.push_back(std::move(command));
  }
  return commands;
}

Commands ParseWgetHsts(std::string_view content) {
  Commands commands;
  for (const Line& line : Lines(content)) {
    if (line.text.starts_with('#')) continue;
    std::string_view rest = line.text;
    const std::string_view host = TakeWord(rest);
    TakeWord(rest);  // port
    TakeWord(rest);  // whether it holds for subdomains
    const auto created = Seconds(TakeWord(rest));
    if (host.empty() || !created) continue;
    commands.push_back({std::string(host), line.offset, created, {}});
  }
  return commands;
}

}  // namespace ekshume::artifact::shell_history
