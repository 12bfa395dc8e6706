// SPDX-License-Identifier: Apache-2.0
#include "artifact/cron/table.h"

#include <fmt/format.h>

#include <charconv>

#include "artifact/reading.h"

namespace ekshume::artifact::cron {
namespace {

// "NAME = value": what comes before the first '=' is one word without a schedule's characters.
bool IsSetting(std::string_view line) {
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view name = Trim(line.substr(0, equals));
  return !name.empty() && name[0] != '@' && name[0] != '*' && (name[0] < '0' || name[0] > '9') &&
         name.find_first_of(" \t") == std::string_view::npos;
}

// The first characters of the five columns.
bool IsScheduleColumn(std::string_view column) {
  return !column.empty() && column.find_first_not_of(
                                "0123456789*/,-~?#LWabcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKMNOPQRSTUVXYZ") == std::string_view::npos;
}

// Takes the schedule from the front of `rest`; "" when there is none.
std::string TakeSchedule(std::string_view& rest) {
  if (rest.starts_with('@')) return std::string(TakeWord(rest));
  std::string schedule;
  for (int column = 0; column < 5; ++column) {
    const std::string_view word = TakeWord(rest);
    const bool may_start = word.find_first_of("0123456789*?") != std::string_view::npos;
    if (!IsScheduleColumn(word) || (column < 3 && !may_start)) return "";
    if (!schedule.empty()) schedule.push_back(' ');
    schedule.append(word);
  }
  return schedule;
}

}  // namespace

std::vector<Job> ParseTable(std::string_view content, Dialect dialect) {
  std::vector<Job> jobs;
  for (const Line& line : Lines(content)) {
    std::string_view rest = Trim(line.text);
    if (rest.empty() || rest.starts_with('#') || IsSetting(rest)) continue;
    // cronie and Debian's cron take a leading '-' (do not log the job).
    if (rest.starts_with('-')) rest.remove_prefix(1);
    Job job{line.text, line.offset, "", "", ""};
    if (dialect == Dialect::kAnacron) {
      const std::string_view period = TakeWord(rest);
      TakeWord(rest);  // delay in minutes
      TakeWord(rest);  // name
      job.schedule =
          period.starts_with('@') ? std::string(period) : fmt::format("every {} days", period);
      job.user = "root";
    } else {
      job.schedule = TakeSchedule(rest);
      if (job.schedule.empty()) continue;
      if (dialect == Dialect::kSystem) job.user = TakeWord(rest);
    }
    job.command = rest;
    if (!job.command.empty()) jobs.push_back(std::move(job));
  }
  return jobs;
}

std::optional<Timestamp> AtTime(std::string_view name) {
  constexpr size_t kNumberDigits = 5;
  constexpr size_t kMinuteDigits = 8;
  if (name.size() != 1 + kNumberDigits + kMinuteDigits) return std::nullopt;
  if (name.substr(1).find_first_not_of("0123456789abcdef") != std::string_view::npos) {
    return std::nullopt;
  }
  uint32_t minutes = 0;
  const std::string_view digits = name.substr(1 + kNumberDigits);
  std::from_chars(digits.data(), digits.data() + digits.size(), minutes, 16);
  return Timestamp{int64_t{minutes} * 60, 0};
}

}  // namespace ekshume::artifact::cron
