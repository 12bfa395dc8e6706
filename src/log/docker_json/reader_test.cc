// SPDX-License-Identifier: Apache-2.0
#include "log/docker_json/reader.h"

#include "log/test_row.h"
#include "log/test_support.h"

namespace ekshume::log::docker_json {
namespace {

using namespace ekshume::log::testing;

constexpr std::string_view kLine =
    R"({"log":"Fluent Bit is logging\n","stream":"stdout","time":"2019-04-01T17:58:33.598656444Z"})";

std::string Part(std::string_view text, std::string_view stream) {
  return R"({"log":")" + std::string(text) + R"(","stream":")" + std::string(stream) +
         R"(","time":"2019-04-01T17:58:33.5Z"})";
}

TEST(DockerJson, ReadsALine) {
  Parsed parsed;
  Parse(DockerJsonFormat(), kLine, parsed);
  ASSERT_EQ(parsed.outcome, Outcome::kEvents);
  ASSERT_EQ(parsed.events.size(), 1U);
  EXPECT_EQ(Row(parsed.events[0]), R"(time=2019-04-01T17:58:33.598656444Z
time_kind=Event Time
message=Fluent Bit is logging
tags=stdout
)");
  EXPECT_TRUE(parsed.diagnostics.Sorted().empty());
}

TEST(DockerJson, ReadsATimeWithoutZoneAndFurtherMembers) {
  Parsed parsed;
  Parse(DockerJsonFormat(),
        R"({"log":"ls\r\n","stream":"stderr","attrs":{"a":"b"},"time":"2016-01-07T16:49:10.0"})",
        parsed);
  ASSERT_EQ(parsed.events.size(), 1U);
  EXPECT_EQ(Row(parsed.events[0]),
            "time=2016-01-07T16:49:10.000000000Z\ntime_kind=Event Time\nmessage=ls\ntags=stderr\n");
}

TEST(DockerJson, JoinsThePartsOfEachStream) {
  const std::string half(16384, 'a');
  const std::string first = Part(half, "stdout");
  const std::string second = Part("error\\n", "stderr");
  const std::string third = Part("b\\n", "stdout");
  const Format& format = DockerJsonFormat();
  EXPECT_TRUE(format.Continues(first, second));
  EXPECT_TRUE(format.Continues(first + '\n' + second, third));
  const std::string record = first + '\n' + second + '\n' + third;
  EXPECT_FALSE(format.Continues(record, third));
  Parsed parsed;
  Parse(format, record, parsed);
  ASSERT_EQ(parsed.outcome, Outcome::kEvents);
  ASSERT_EQ(parsed.events.size(), 2U);
  EXPECT_EQ(parsed.events[0][Text::kMessage], half + 'b');
  EXPECT_EQ(parsed.events[0].raw, first + '\n' + third);
  EXPECT_EQ(parsed.events[1][Text::kMessage], "error");
  // A damaged part damages the record; nothing of it is added.
  Parsed damaged;
  Parse(format, first + '\n' + R"({"log":"b)", damaged);
  EXPECT_EQ(damaged.outcome, Outcome::kDamaged);
  EXPECT_TRUE(damaged.events.empty());
}

TEST(DockerJson, DoesNotJoinShortLinesWithoutNewline) {
  EXPECT_FALSE(DockerJsonFormat().Continues(Part("hello from uat pod", "stdout"), kLine));
  EXPECT_FALSE(DockerJsonFormat().Continues(Part(std::string(16384, 'a'), "stdout"), "other"));
}

TEST(DockerJson, KnowsItsRecords) {
  EXPECT_EQ(DockerJsonFormat().Sniff(kLine), Match::kYes);
  for (const std::string_view other :
       {R"({"log":"x","stream":"stdout","time":"x","kubernetes":{}})", R"({"log":"x"})",
        R"({"log":"\"stream\":\"time\":"})", R"({"kind":"Event"})", ""}) {
    EXPECT_EQ(DockerJsonFormat().Sniff(other), Match::kNo) << other;
  }
  for (const std::string_view other : {R"({"log":"x"})", R"({"kind":"Event"})", "text", ""}) {
    Parsed parsed;
    Parse(DockerJsonFormat(), other, parsed);
    EXPECT_EQ(parsed.outcome, Outcome::kNotMine) << other;
  }
}

TEST(DockerJson, SurvivesEveryDamage) {
  ParseEveryDamage(DockerJsonFormat(), kLine);
  ParseEveryDamage(DockerJsonFormat(), std::string(kLine) + '\n' + std::string(kLine));
}

TEST(DockerJson, ReadsRealLines) {
  const std::optional<std::string> file = SharedLog(
      "plaso/test_data/docker/containers/"
      "e7d0b7ea5ccf08366e2b0c8afa2318674e8aefe802315378125d2bb83fe3110c/container-json.log");
  if (!file) GTEST_SKIP() << kNoSharedLogs;
  Parsed parsed;
  size_t lines = 0;
  for (std::string_view rest = *file; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.empty()) continue;
    ++lines;
    Parse(DockerJsonFormat(), line, parsed);
    ASSERT_EQ(parsed.outcome, Outcome::kEvents) << line;
    EXPECT_TRUE(parsed.events.back().time) << line;
  }
  EXPECT_EQ(parsed.events.size(), lines);
}

}  // namespace
}  // namespace ekshume::log::docker_json
