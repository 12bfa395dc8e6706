// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace ekshume::artifact::cron {

// Who runs the jobs of a table.
enum class Dialect : uint8_t {
  kSystem,   // the sixth column says: /etc/crontab, /etc/cron.d
  kUser,     // the table's owner: a spool
  kAnacron,  // root: period, delay and name come before the command
};

struct Job {
  std::string_view line;  // as found
  uint64_t offset = 0;
  std::string schedule;  // "*/5 * * * *", "@reboot", "every 7 days"
  std::string user;      // "" when the table does not say
  std::string command;
};
// The jobs of a table; comments, settings (NAME=value) and what is no job are left out.
std::vector<Job> ParseTable(std::string_view content, Dialect dialect);

// When a job of at(1) is to run, from its name: queue letter, five hexadecimal digits of a number
// and eight of minutes since 1970. Nothing when the name is not of that form.
std::optional<Timestamp> AtTime(std::string_view name);

}  // namespace ekshume::artifact::cron
