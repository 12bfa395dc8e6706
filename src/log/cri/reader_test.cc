// SPDX-License-Identifier: Apache-2.0
#include "log/cri/reader.h"

#include <algorithm>

#include "log/container_lines.h"
#include "log/test_row.h"
#include "log/test_support.h"

namespace ekshume::log::cri {
namespace {

using namespace ekshume::log::testing;

constexpr std::string_view kLine = "2016-10-06T00:17:09.669794202Z stdout F The first line";

// The records of a file, put together as the carriers do it.
std::vector<std::string> Records(const std::vector<std::string>& lines) {
  std::vector<std::string> records;
  for (const std::string& line : lines) {
    if (!records.empty() && CriFormat().Continues(records.back(), line)) {
      records.back() += '\n' + line;
    } else {
      records.push_back(line);
    }
  }
  return records;
}

TEST(Cri, ReadsALine) {
  Parsed parsed;
  Parse(CriFormat(), kLine, parsed);
  ASSERT_EQ(parsed.outcome, Outcome::kEvents);
  ASSERT_EQ(parsed.events.size(), 1U);
  EXPECT_EQ(Row(parsed.events[0]), R"(time=2016-10-06T00:17:09.669794202Z
time_kind=Event Time
message=The first line
tags=stdout
)");
  EXPECT_TRUE(parsed.diagnostics.Sorted().empty());
}

TEST(Cri, ReadsZonesEmptyTextsAndFurtherTags) {
  for (const auto& [line, row] : std::vector<std::pair<std::string, std::string>>{
           {"2016-10-06T02:17:09.66+02:00 stderr F:x ",
            "time=2016-10-06T00:17:09.660000000Z\ntime_kind=Event Time\ntags=stderr\n"},
           {"2016-10-06T00:17:09.669794202Z stdout F",
            "time=2016-10-06T00:17:09.669794202Z\ntime_kind=Event Time\ntags=stdout\n"},
           {"2016-10-06T00:17:09.669794202Z stdout F ls\r",
            "time=2016-10-06T00:17:09.669794202Z\ntime_kind=Event "
            "Time\nmessage=ls\ntags=stdout\n"}}) {
    Parsed parsed;
    Parse(CriFormat(), line, parsed);
    ASSERT_EQ(parsed.events.size(), 1U) << line;
    EXPECT_EQ(Row(parsed.events[0]), row);
  }
}

TEST(Cri, JoinsThePartsOfEachStream) {
  const std::vector<std::string> records = Records({
      "2016-10-06T00:17:01.1Z stdout F before",
      "2016-10-06T00:17:02.1Z stdout P one ",
      "2016-10-06T00:17:02.2Z stderr P ONE ",
      "2016-10-06T00:17:02.3Z stdout P two ",
      "2016-10-06T00:17:02.4Z stdout F three",
      "2016-10-06T00:17:02.5Z stderr F TWO",
      "2016-10-06T00:17:03.1Z stdout F after",
  });
  ASSERT_EQ(records.size(), 3U);
  Parsed parsed;
  Parse(CriFormat(), records[1], parsed);
  ASSERT_EQ(parsed.outcome, Outcome::kEvents);
  ASSERT_EQ(parsed.events.size(), 2U);
  EXPECT_EQ(parsed.events[0][Text::kMessage], "one two three");
  EXPECT_EQ(FormatTimestamp(*parsed.events[0].time), "2016-10-06T00:17:02.100000000Z");
  EXPECT_EQ(parsed.events[0].raw,
            "2016-10-06T00:17:02.1Z stdout P one \n2016-10-06T00:17:02.3Z stdout P two \n"
            "2016-10-06T00:17:02.4Z stdout F three");
  EXPECT_EQ(parsed.events[1][Text::kMessage], "ONE TWO");
  EXPECT_EQ(parsed.events[1][Text::kTags], "stderr");
}

TEST(Cri, SaysWhenTheRestOfALineIsMissing) {
  Parsed parsed;
  Parse(CriFormat(), "2016-10-06T00:17:02.1Z stdout P one", parsed);
  ASSERT_EQ(parsed.events.size(), 1U);
  EXPECT_EQ(parsed.events[0][Text::kTags], "stdout truncated");
  // What is no part ends the record.
  EXPECT_FALSE(CriFormat().Continues("2016-10-06T00:17:02.1Z stdout P one", "two"));
  Parse(CriFormat(), "2016-10-06T00:17:02.1Z stdout P one\ntwo", parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kDamaged);
}

TEST(Cri, LetsKnownFormatsReadWhatTheirProgramsPrint) {
  Parsed parsed;
  Parse(CriFormat(),
        "2021-12-31T23:59:59.9Z stderr F E1231 23:59:59.123456       1 proxier.go:1] \"Failed\" "
        "pod=\"shop/web\"",
        parsed);
  ASSERT_EQ(parsed.events.size(), 1U);
  EXPECT_EQ(parsed.events[0][Text::kSource], "klog");
  EXPECT_EQ(FormatTimestamp(*parsed.events[0].time), "2021-12-31T23:59:59.123456000Z");
  EXPECT_EQ(parsed.events[0][Text::kPod], "web");
  EXPECT_EQ(parsed.events[0][Text::kTags], "source=proxier.go:1 stderr");
  // The text of two records: each keeps its own lines.
  Parsed both;
  Parse(CriFormat(),
        "2023-10-06T22:03:57.1Z stdout P {\"process_exec\":{\"process\":\n"
        "2023-10-06T22:03:57.2Z stderr F hello\n"
        "2023-10-06T22:03:57.3Z stdout F {\"binary\":\"/bin/id\"}}}",
        both);
  ASSERT_EQ(both.events.size(), 2U);
  EXPECT_EQ(both.events[0][Text::kSource], "tetragon");
  EXPECT_EQ(both.events[0][Text::kMessage], "started /bin/id");
  EXPECT_EQ(FormatTimestamp(*both.events[0].time), "2023-10-06T22:03:57.100000000Z");
  EXPECT_EQ(std::ranges::count(both.events[0].raw, '\n'), 1);
  EXPECT_EQ(both.events[1][Text::kSource], "");
  EXPECT_EQ(both.events[1][Text::kMessage], "hello");
  // Broken JSON is a line like any other.
  Parsed broken;
  Parse(CriFormat(), "2023-10-06T22:03:57.1Z stdout F {\"process_exec\":{\"process\":", broken);
  ASSERT_EQ(broken.events.size(), 1U);
  EXPECT_EQ(broken.events[0][Text::kMessage], "{\"process_exec\":{\"process\":");
}

TEST(Cri, ForgetsAPartThatWasLeftOpen) {
  std::string record = "2016-10-06T00:17:02.1Z stderr P lost";
  const std::string line = "2016-10-06T00:17:02.1Z stdout F x";
  for (int i = 1; i < kPartsLookedBack; ++i) record += '\n' + line;
  EXPECT_TRUE(CriFormat().Continues(record, line));
  EXPECT_FALSE(CriFormat().Continues(record + '\n' + line, line));
}

TEST(Cri, KnowsItsRecords) {
  EXPECT_EQ(CriFormat().Sniff(kLine), Match::kYes);
  for (const std::string_view other :
       {"2016-10-06T00:17:09.669794202Z stdin F x", "2016-10-06T00:17:09Z stdout G x",
        "2016-10-06T00:17:09.669794202Z INFO x", "aaaaaaaaaaaaaaaaaaaaa stdout F x", "", "x"}) {
    EXPECT_EQ(CriFormat().Sniff(other), Match::kNo) << other;
    Parsed parsed;
    Parse(CriFormat(), other, parsed);
    EXPECT_EQ(parsed.outcome, Outcome::kNotMine) << other;
  }
}

TEST(Cri, SurvivesEveryDamage) {
  ParseEveryDamage(CriFormat(), kLine);
  ParseEveryDamage(CriFormat(),
                   "2016-10-06T00:17:02.1Z stdout P one\n2016-10-06T00:17:02.1Z stdout F two");
}

}  // namespace
}  // namespace ekshume::log::cri
