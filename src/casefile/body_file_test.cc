// SPDX-License-Identifier: Apache-2.0
#include "casefile/body_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace ekshume::casefile {
namespace {

using event::Text;
using testing::ElementsAre;

TEST(BodyFile, ReadsALine) {
  const auto line =
      ParseBodyLine("0|/tmp/a|b|77|-rwsr-xr-x|1000|0|12|1764252003|1764252000.5|1764252000.5|0");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->name, "/tmp/a|b");
  EXPECT_EQ(line->size_bytes, 12U);
  EXPECT_EQ(line->times[0], (Timestamp{1764252000, 500000000}));
  EXPECT_EQ(line->times[1], (Timestamp{1764252003, 0}));
  EXPECT_FALSE(line->times[3]);
  event::Event event;
  std::vector<std::string> seen;
  VisitBodyEvents(*line, event, [&] {
    seen.push_back(event[Text::kAction] + " " + event[Text::kMessage].substr(0, 4));
  });
  EXPECT_THAT(seen, ElementsAre("modified M.C.", "accessed .A.."));
  EXPECT_EQ(event[Text::kTags], "executable setuid");
  EXPECT_EQ(event[Text::kPath], "/tmp/a|b");
}

TEST(BodyFile, TakesTargetsOfLinksAway) {
  const auto line = ParseBodyLine("0|/bin -> usr/bin|7|lrwxrwxrwx|0|0|7|1|2|3|4");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->name, "/bin");
  EXPECT_EQ(line->target, " -> usr/bin");
}

TEST(BodyFile, RefusesWhatIsNoLine) {
  for (const char* text : {"", "a|b", "0|/x|7|-rwx|0|0|many|1|2|3|4", "0||7|-rwx|0|0|1|1|2|3|4",
                           "0|/x|7|-rwx|0|0|1|one|2|3|4", "0|/x|7|-rwx|0|0|1|1.x|2|3|4"}) {
    EXPECT_FALSE(ParseBodyLine(text)) << text;
  }
}

}  // namespace
}  // namespace ekshume::casefile
