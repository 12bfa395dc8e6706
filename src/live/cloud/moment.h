// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace ekshume::live::cloud {

// A moment as users write it: RFC 3339 (`2026-11-24T21:00:00Z`), a day (`2026-11-24`, its
// beginning in UTC), or how long before `now`: `90m`, `24h`, `7d`.
std::optional<Timestamp> ParseMoment(std::string_view text, Timestamp now);

// Milliseconds since the epoch, as CloudWatch Logs counts.
int64_t Milliseconds(Timestamp time);

// 20261124T210000Z: a moment as a part of a file's name.
std::string NameOf(Timestamp time);
// A log group, a detector or a stream as a part of a file's name: other characters become '-'.
std::string NameOf(std::string_view text);

// A stretch of time: from `start` up to, but not with, `end`.
struct TimeRange {
  Timestamp start;
  Timestamp end;
};

}  // namespace ekshume::live::cloud
