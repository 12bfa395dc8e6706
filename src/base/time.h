// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ekshume {

// A moment in UTC: seconds since 1970-01-01T00:00:00Z (may be negative) and nanoseconds in
// [0, 999999999]. Covers every on-disk clock that ekshume reads.
struct Timestamp {
  int64_t seconds = 0;
  uint32_t nanoseconds = 0;

  friend constexpr auto operator<=>(const Timestamp&, const Timestamp&) = default;
};

// RFC 3339 with nine digits: 2026-11-24T21:39:08.785895897Z. Years outside 0..9999 keep their sign
// and digits. Independent of locale and time zone.
std::string FormatTimestamp(Timestamp time);
// Writes the same to `out` (at least 40 bytes) and returns the length: the fast path of listings.
size_t FormatTimestampTo(Timestamp time, char* out);

// Parses RFC 3339 with any number of fraction digits (digits past nanoseconds are cut) and an
// offset ("Z", "+02:00"); nothing when the text is not of that form.
std::optional<Timestamp> ParseTimestamp(std::string_view text);

// From nanoseconds since the epoch, negative ones rounded towards the past.
Timestamp TimestampFromNanoseconds(int64_t nanoseconds);

}  // namespace ekshume
