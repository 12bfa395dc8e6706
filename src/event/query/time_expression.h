// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/time.h"

namespace ekshume::event {

// The time that a text means: from `begin` up to but without `end`, nanoseconds since 1970. A date
// is its whole day, an hour its whole hour. Times that 64 bits cannot hold (before 1677-09-21,
// after 2262-04-11) become the first or last one that they can.
struct TimeSpan {
  int64_t begin = 0;
  int64_t end = 0;
};

// Reads 2026, 2026-01, 2026-01-02, 2026-01-02T10, …T10:00, …T10:00:00.5, with `Z` or an offset
// behind the hour and a space for the `T` if wanted; seconds, milli-, micro- or nanoseconds since
// 1970 (10, 13, 16 or 19 digits); `now`, `now-1h`, `now-2d/d` (of that whole day). Units: s m h d w
// M (month) y. Otherwise a sentence for the user.
std::expected<TimeSpan, std::string> ParseTimeExpression(std::string_view text, Timestamp now);

// The span from `text` (24h, 30m, 7d) before `now` until `now`.
std::expected<TimeSpan, std::string> ParseLast(std::string_view text, Timestamp now);

}  // namespace ekshume::event
