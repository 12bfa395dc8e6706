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

// A stretch of time: from `start` up to, but not with, `end`.
struct TimeRange {
  Timestamp start;
  Timestamp end;
};

}  // namespace ekshume::live::cloud
