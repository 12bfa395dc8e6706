// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <thread>

namespace ekshume {
namespace {

struct Vector {
  Timestamp time;
  std::string_view text;
};

// `date -u -d @SECONDS`, and the edges of on-disk clocks: the ext4 inode's 34-bit seconds, XFS
// bigtime, 32-bit overflow, leap years by the rules of 4, 100 and 400.
constexpr std::array kVectors = {
    Vector{{0, 0}, "1970-01-01T00:00:00.000000000Z"},
    Vector{{-1, 999999999}, "1969-12-31T23:59:59.999999999Z"},
    Vector{{1764020348, 785895897}, "2025-11-24T21:39:08.785895897Z"},
    Vector{{2147483647, 0}, "2038-01-19T03:14:07.000000000Z"},
    Vector{{2147483648, 0}, "2038-01-19T03:14:08.000000000Z"},
    Vector{{-2147483648, 0}, "1901-12-13T20:45:52.000000000Z"},
    Vector{{15032385535, 0}, "2446-05-10T22:38:55.000000000Z"},
    Vector{{16299260424, 709551615}, "2486-07-02T20:20:24.709551615Z"},
    Vector{{951782400, 0}, "2000-02-29T00:00:00.000000000Z"},
    Vector{{4107542400, 1}, "2100-03-01T00:00:00.000000001Z"},
    Vector{{-62135596800, 0}, "0001-01-01T00:00:00.000000000Z"},
    Vector{{253402300799, 0}, "9999-12-31T23:59:59.000000000Z"},
};

TEST(TimeTest, FormatsAndParsesTheVectors) {
  for (const Vector& vector : kVectors) {
    EXPECT_EQ(FormatTimestamp(vector.time), vector.text);
    EXPECT_EQ(ParseTimestamp(vector.text), vector.time) << vector.text;
  }
}

TEST(TimeTest, KeepsYearsOutsideFourDigits) {
  EXPECT_EQ(FormatTimestamp({253402300800, 0}), "10000-01-01T00:00:00.000000000Z");
  EXPECT_EQ(FormatTimestamp({-62167219201, 0}), "-0001-12-31T23:59:59.000000000Z");
  // The largest values must neither overflow the buffer nor the arithmetic.
  std::array<char, 48> buffer;
  EXPECT_LE(FormatTimestampTo({INT64_MAX, 999999999}, buffer.data()), 40U);
  EXPECT_LE(FormatTimestampTo({INT64_MIN, 999999999}, buffer.data()), 40U);
}

TEST(TimeTest, KeepsNoTextOfAnotherSecondOrDay) {
  EXPECT_EQ(FormatTimestamp({86399, 5}), "1970-01-01T23:59:59.000000005Z");
  EXPECT_EQ(FormatTimestamp({86399, 123456789}), "1970-01-01T23:59:59.123456789Z");
  EXPECT_EQ(FormatTimestamp({86400, 0}), "1970-01-02T00:00:00.000000000Z");
  EXPECT_EQ(FormatTimestamp({253402300800, 1}), "10000-01-01T00:00:00.000000001Z");
  EXPECT_EQ(FormatTimestamp({86400, 0}), "1970-01-02T00:00:00.000000000Z");
  // The first that a thread formats.
  std::thread([] {
    EXPECT_EQ(FormatTimestamp({INT64_MIN, 0}), "-292277022657-01-27T08:29:52.000000000Z");
  }).join();
}

TEST(TimeTest, ParsesOffsetsAndFractions) {
  EXPECT_EQ(ParseTimestamp("1970-01-01T02:00:00+02:00"), (Timestamp{0, 0}));
  EXPECT_EQ(ParseTimestamp("1969-12-31T18:30:00-0530"), (Timestamp{0, 0}));
  EXPECT_EQ(ParseTimestamp("1970-01-01t00:00:00.5z"), (Timestamp{0, 500000000}));
  EXPECT_EQ(ParseTimestamp("1970-01-01 00:00:00,123Z"), (Timestamp{0, 123000000}));
  EXPECT_EQ(ParseTimestamp("1970-01-01T00:00:00.1234567899999Z"), (Timestamp{0, 123456789}));
}

TEST(TimeTest, RefusesWhatIsNoTimestamp) {
  for (const std::string_view text :
       {"", "1970", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z",
        "1970-00-01T00:00:00Z", "1970-01-32T00:00:00Z", "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z", "1970-01-01T00:00:61Z", "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00Zx", "1970-01-01T00:00:00+2", "+970-01-01T00:00:00Z",
        "197a-01-01T00:00:00Z"}) {
    EXPECT_EQ(ParseTimestamp(text), std::nullopt) << text;
  }
}

TEST(TimeTest, RoundsNanosecondsTowardsThePast) {
  EXPECT_EQ(TimestampFromNanoseconds(-1), (Timestamp{-1, 999999999}));
  EXPECT_EQ(TimestampFromNanoseconds(-1000000000), (Timestamp{-1, 0}));
  EXPECT_EQ(TimestampFromNanoseconds(1500000000), (Timestamp{1, 500000000}));
  EXPECT_EQ(TimestampFromNanoseconds(INT64_MIN), (Timestamp{-9223372037, 145224192}));
}

TEST(TimeTest, DoesNotDependOnTheTimeZone) {
  const char* const kept = std::getenv("TZ");
  const std::string before = kept != nullptr ? kept : "";
  setenv("TZ", "Pacific/Kiritimati", 1);
  tzset();
  EXPECT_EQ(FormatTimestamp({0, 0}), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(ParseTimestamp("1970-01-01T00:00:00Z"), (Timestamp{0, 0}));
  if (kept != nullptr) {
    setenv("TZ", before.c_str(), 1);
  } else {
    unsetenv("TZ");
  }
  tzset();
}

TEST(TimeTest, RoundTripsEveryDayOfManyYears) {
  // 1600 to 2500 covers two periods of the leap rule.
  for (int64_t day = -135140; day < 193500; ++day) {
    const Timestamp time{day * 86400 + 86399, 7};
    ASSERT_EQ(ParseTimestamp(FormatTimestamp(time)), time) << day;
  }
}

}  // namespace
}  // namespace ekshume
