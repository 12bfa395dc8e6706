// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/coverage_sources.h"

#include <gmock/gmock.h>

namespace ekshume::casefile {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(AuditLevelTest, TakesTheServersOwnMember) {
  EXPECT_EQ(AuditLevel(R"({"kind":"Event","level":"Metadata","auditID":"a"})"), "Metadata");
  EXPECT_EQ(AuditLevel(R"({"level" : "RequestResponse","requestObject":{"level":"None"}})"),
            "RequestResponse");
  EXPECT_EQ(AuditLevel(R"({"level":"loud"})"), "");
  EXPECT_EQ(AuditLevel(R"({"level")"), "");
  EXPECT_EQ(AuditLevel(""), "");
}

TEST(FindSilencesTest, ComparesWithTheUsualDistance) {
  std::vector<int64_t> slots;
  for (int64_t i = 0; i < 40; ++i) slots.push_back(100 + i);
  EXPECT_THAT(FindSilences(slots), IsEmpty());
  for (int64_t i = 0; i < 40; ++i) slots.push_back(160 + i);
  EXPECT_THAT(FindSilences(slots), ElementsAre(Pair(139, 160)));
  // What rests between any two events has no silence.
  std::vector<int64_t> rare;
  for (int64_t i = 0; i < 40; ++i) rare.push_back(i * 20);
  rare.push_back(40 * 20 + 60);
  EXPECT_THAT(FindSilences(rare), IsEmpty());
  EXPECT_THAT(FindSilences({1, 100, 5000}), IsEmpty()) << "too few to know a habit";
}

}  // namespace
}  // namespace ekshume::casefile
