// SPDX-License-Identifier: Apache-2.0
#include "log/generic/reader.h"

#include "log/test_row.h"
#include "log/test_support.h"

namespace ekshume::log::generic {
namespace {

using testing::Parsed;
using testing::Row;
using testing::Text;

TEST(Generic, ReadsALineAndThoseThatContinueIt) {
  constexpr std::string_view kFirst = "2026-11-24 21:39:08,250 [ERROR] it broke";
  ASSERT_EQ(GenericFormat().Sniff(kFirst), Match::kMaybe);
  ASSERT_TRUE(GenericFormat().spans_lines());
  EXPECT_TRUE(GenericFormat().Continues(kFirst, "  at Main.run(Main.java:7)"));
  EXPECT_FALSE(GenericFormat().Continues(kFirst, "2026-11-24 21:39:09,000 [INFO] next"));
  Parsed parsed;
  testing::Parse(GenericFormat(), std::string(kFirst) + "\n  at Main.run(Main.java:7)", parsed);
  ASSERT_EQ(parsed.events.size(), 1u);
  EXPECT_EQ(Row(parsed.events[0]),
            "time=2026-11-24T21:39:08.250000000Z\n"
            "time_kind=Event Time\n"
            "severity=error\n"
            "message=[ERROR] it broke\n  at Main.run(Main.java:7)\n");
}

TEST(Generic, FindsLevels) {
  const std::pair<const char*, const char*> cases[] = {{"INFO started", "info"},
                                                       {"[main] WARN x", "warning"},
                                                       {"level=debug msg=x", "debug"},
                                                       {"pod-1 <crit> x", "critical"},
                                                       {"an information desk", "info"},
                                                       {"nothing to see here, error", ""},
                                                       {"", ""},
                                                       {"errors", ""}};
  for (const auto& [rest, severity] : cases) {
    Parsed parsed;
    testing::Parse(GenericFormat(), "2026-11-24T21:39:08Z " + std::string(rest), parsed);
    ASSERT_EQ(parsed.events.size(), 1u) << rest;
    EXPECT_EQ(parsed.events[0][Text::kSeverity], severity) << rest;
    EXPECT_EQ(parsed.events[0][Text::kMessage], rest);
  }
}

TEST(Generic, CutsLongMessages) {
  Parsed parsed;
  testing::Parse(GenericFormat(), "2026-11-24 21:39:08 " + std::string(100000, 'x'), parsed);
  ASSERT_EQ(parsed.events.size(), 1u);
  EXPECT_EQ(parsed.events[0][Text::kMessage].size(), 4000u);
}

TEST(Generic, LeavesOtherLinesAlone) {
  Parsed parsed;
  testing::Parse(GenericFormat(), "no time here", parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kNotMine);
  Stream table;
  table.header = "datetime,message,timestamp_desc";
  testing::Parse(GenericFormat(), "2026-11-24 21:39:08 x,y,z", parsed, table);
  EXPECT_EQ(parsed.outcome, Outcome::kNotMine);
}

TEST(Generic, SurvivesEveryDamage) {
  testing::ParseEveryDamage(GenericFormat(), "[2026-11-24 21:39:08,250 +0100] [ERROR] it broke\nx");
}

}  // namespace
}  // namespace ekshume::log::generic
