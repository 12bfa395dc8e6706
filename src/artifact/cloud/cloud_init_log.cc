// SPDX-License-Identifier: Apache-2.0
#include "artifact/cloud/cloud_init_log.h"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "artifact/command_line.h"
#include "artifact/reading.h"

namespace ekshume::artifact::cloud {
namespace {

// The strings of a list as Python's repr writes it: "['sh', '-c', \"a b\"]".
std::vector<std::string> WordsOfList(std::string_view list) {
  std::vector<std::string> words;
  for (size_t i = 1; i < list.size() && list[i] != ']';) {
    const char quote = list[i];
    if (quote != '\'' && quote != '"') {
      ++i;  // comma, blank, or the b of bytes
      continue;
    }
    std::string& word = words.emplace_back();
    for (++i; i < list.size() && list[i] != quote; ++i) {
      if (list[i] == '\\' && i + 1 < list.size()) ++i;
      word.push_back(list[i]);
    }
    ++i;
  }
  return words;
}

}  // namespace

std::optional<CloudInitLine> ParseCloudInitLine(std::string_view line) {
  // "2026-11-24 21:39:08,785 - "
  constexpr size_t kTimeLength = 23;
  constexpr std::string_view kRunning = "Running command ";
  if (line.size() < kTimeLength + 3 || line.substr(kTimeLength, 3) != " - ") return std::nullopt;
  std::string time(line.substr(0, kTimeLength));
  time[10] = 'T';
  time[19] = '.';
  const auto parsed = ParseTimestamp(time + "Z");
  if (!parsed) return std::nullopt;
  std::string_view rest = line.substr(kTimeLength + 3);
  const size_t open = rest.find('[');
  const size_t close = rest.find("]: ");
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::nullopt;
  }
  CloudInitLine result{*parsed, std::string(rest.substr(0, open)),
                       std::string(rest.substr(open + 1, close - open - 1)),
                       std::string(rest.substr(close + 3)), ""};
  const std::string_view message = result.message;
  if (message.starts_with(kRunning)) {
    const std::string_view command = message.substr(kRunning.size());
    result.command = command.starts_with('[')
                         ? CommandLine(WordsOfList(command))
                         : std::string(command.substr(0, command.find(" with allowed")));
  }
  return result;
}

std::optional<Timestamp> ParseStageLine(std::string_view line) {
  if (!line.starts_with("Cloud-init v.")) return std::nullopt;
  const size_t at = line.find(" at ");
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = line.substr(at + 4);
  TakeWord(rest);  // "Tue,"
  const std::string_view day = TakeWord(rest);
  const std::string_view month = TakeWord(rest);
  const std::string_view year = TakeWord(rest);
  const std::string_view clock = TakeWord(rest);
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (size_t i = 0; i < kMonths.size(); ++i) {
    if (month != kMonths[i]) continue;
    return ParseTimestamp(
        fmt::format("{}-{:02}-{}{}T{}Z", year, i + 1, day.size() < 2 ? "0" : "", day, clock));
  }
  return std::nullopt;
}

}  // namespace ekshume::artifact::cloud
