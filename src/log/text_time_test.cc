// SPDX-License-Identifier: Apache-2.0
#include "log/text_time.h"

#include <gtest/gtest.h>

namespace ekshume::log {
namespace {

TEST(ParseClfTime, ReadsWebServersTimes) {
  EXPECT_EQ(ParseClfTime("06/Feb/2019:00:00:38 +0000"), ParseTimestamp("2019-02-06T00:00:38Z"));
  EXPECT_EQ(ParseClfTime("06/Feb/2019:00:00:38 +0230"), ParseTimestamp("2019-02-05T21:30:38Z"));
  EXPECT_EQ(ParseClfTime("06/Feb/2019:00:00:38 -0100"), ParseTimestamp("2019-02-06T01:00:38Z"));
  for (const char* bad :
       {"", "06/Feb/2019:00:00:38", "30/Feb/2019:00:00:38 +0000", "06/Fab/2019:00:00:38 +0000",
        "06/Feb/2019:25:00:38 +0000", "06-Feb-2019:00:00:38 +0000"}) {
    EXPECT_FALSE(ParseClfTime(bad)) << bad;
  }
}

TEST(ParseSyslogTime, TakesTheYearFromTheNewestMoment) {
  const std::optional<Timestamp> january = ParseTimestamp("2026-01-03T12:00:00Z");
  EXPECT_EQ(ParseSyslogTime("Jan  3 11:59:59", january), ParseTimestamp("2026-01-03T11:59:59Z"));
  EXPECT_EQ(ParseSyslogTime("Dec 31 23:59:59", january), ParseTimestamp("2025-12-31T23:59:59Z"));
  EXPECT_EQ(ParseSyslogTime("Jan  4 11:00:00", january), ParseTimestamp("2026-01-04T11:00:00Z"));
  EXPECT_EQ(ParseSyslogTime("Jan  5 11:00:00", january), ParseTimestamp("2025-01-05T11:00:00Z"));
  EXPECT_EQ(ParseSyslogTime("Feb 29 10:00:00", january), ParseTimestamp("2024-02-29T10:00:00Z"));
  // At the end of a year the day after is of the next.
  EXPECT_EQ(ParseSyslogTime("Jan  1 00:30:00", ParseTimestamp("2025-12-31T23:59:00Z")),
            ParseTimestamp("2026-01-01T00:30:00Z"));
}

TEST(ParseSyslogTime, RefusesOtherText) {
  const std::optional<Timestamp> newest = ParseTimestamp("2026-01-03T12:00:00Z");
  EXPECT_FALSE(ParseSyslogTime("Jan  3 11:59:59", std::nullopt));
  for (const char* bad : {"", "Jan 3 11:59:59", "Jan  0 11:59:59", "Foo  3 11:59:59",
                          "Feb 30 11:59:59", "Jan  3 24:59:59", "Jan  3 11-59-59"}) {
    EXPECT_FALSE(ParseSyslogTime(bad, newest)) << bad;
  }
}

TEST(TakeLeadingTime, ReadsWhatProgramsWrite) {
  struct Case {
    const char* line;
    const char* time;
    const char* rest;
  };
  const Case cases[] = {
      {"2026-11-24 21:39:08 started", "2026-11-24T21:39:08Z", "started"},
      {"2026-11-24T21:39:08.123456789Z  x y", "2026-11-24T21:39:08.123456789Z", "x y"},
      {"2026-11-24 21:39:08,250 INFO x", "2026-11-24T21:39:08.25Z", "INFO x"},
      {"2026-11-24T21:39:08+02:00 x", "2026-11-24T19:39:08Z", "x"},
      {"2026-11-24T21:39:08.5-0130 x", "2026-11-24T23:09:08.5Z", "x"},
      {"2026-11-24 21:39:08 +0100 x", "2026-11-24T20:39:08Z", "x"},
      {"2026/11/24 21:39:08 [error] x", "2026-11-24T21:39:08Z", "[error] x"},
      {"[2026-11-24 21:39:08] x", "2026-11-24T21:39:08Z", "x"},
      {"2026-11-24 21:39:08", "2026-11-24T21:39:08Z", ""},
      {"2026-11-24 21:39:08 -5 left", "2026-11-24T21:39:08Z", "-5 left"},
  };
  for (const Case& c : cases) {
    const std::optional<LeadingTime> found = TakeLeadingTime(c.line);
    ASSERT_TRUE(found) << c.line;
    EXPECT_EQ(found->time, ParseTimestamp(c.time)) << c.line;
    EXPECT_EQ(found->rest, c.rest) << c.line;
  }
}

TEST(TakeLeadingTime, RefusesOtherLines) {
  for (const char* line :
       {"", "2026-11-24", "x 2026-11-24 21:39:08", "2026-13-24 21:39:08 x", "2026-11-24 21:39:08x",
        "[2026-11-24 21:39:08 x", "2026-11-24 21:39 x", "20261124 213908 x", "[", "2026-11-24 2"}) {
    EXPECT_FALSE(TakeLeadingTime(line)) << line;
  }
}

}  // namespace
}  // namespace ekshume::log
