// SPDX-License-Identifier: Apache-2.0
#include "casefile/annotations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace ekshume::casefile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class AnnotationsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "ekshume-notes-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    case_ = *Case::OpenOrCreate(folder + "/mine");
    annotations_ = *Annotations::Open(*case_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result<Json> Apply(std::string kind, std::vector<std::string> targets, Json value) {
    return annotations_->Apply({"ana", std::move(kind), std::move(targets), std::move(value)});
  }

  std::filesystem::path folder_;
  std::unique_ptr<Case> case_;
  std::unique_ptr<Annotations> annotations_;
};

TEST_F(AnnotationsTest, AreThereAgainWhenOpened) {
  ASSERT_TRUE(Apply("star", {"event:a", "event:b"}, true));
  ASSERT_TRUE(Apply("star", {"event:b"}, false));
  ASSERT_TRUE(Apply("tag", {"event:b"}, "exec"));
  ASSERT_TRUE(Apply("tag", {"event:b"}, "exec"));
  ASSERT_TRUE(Apply("comment", {"file:host:/tmp/x"}, "the dropper"));
  ASSERT_TRUE(Apply("colour", {"event:a"}, "red"));
  ASSERT_TRUE(Apply("finding", {"finding:f"}, {{"state", "dismissed"}, {"reason", "a test"}}));
  ASSERT_TRUE(Apply("search", {"search:mine"}, {{"query", "verb:create"}}));
  ASSERT_TRUE(Apply("notes", {"report"}, "# Notes"));
  const auto again = *Annotations::Open(*case_);
  const Json state = again->State();
  EXPECT_EQ(state, annotations_->State());
  EXPECT_EQ(state["revision"], 9);
  EXPECT_EQ(state["targets"]["event:b"]["tags"], Json::array({"exec"}));
  EXPECT_EQ(state["targets"]["finding:f"]["by"], "ana");
  EXPECT_EQ(state["searches"][0]["name"], "mine");
  EXPECT_EQ(state["notes"], "# Notes");
  EXPECT_THAT(again->StarredEvents(), ElementsAre("a"));
  EXPECT_THAT(again->TaggedEvents("exec"), ElementsAre("b"));
  EXPECT_THAT(again->MarkedEvents(), ElementsAre("a", "b"));
}

TEST_F(AnnotationsTest, EveryChangeIsInTheLedgerUnderTheAnalystsName) {
  ASSERT_TRUE(Apply("tag", {"event:a"}, "exec"));
  const auto records = *case_->CustodyRecords();
  ASSERT_EQ(records.size(), 1U);
  const Json record = Json::parse(records[0]);
  EXPECT_EQ(record["action"], "annotate");
  EXPECT_EQ(record["analyst"], "ana");
  EXPECT_EQ(record["change"]["value"], "exec");
  EXPECT_EQ(case_->VerifyCustody(), 1U);
}

TEST_F(AnnotationsTest, RefusesWhatMakesNoSenseAndKeepsNothingOfIt) {
  EXPECT_FALSE(Apply("star", {}, true));
  EXPECT_FALSE(Apply("star", {"event:"}, true));
  EXPECT_FALSE(Apply("star", {"search:x"}, true));
  EXPECT_FALSE(Apply("star", {"event:a"}, "yes"));
  EXPECT_FALSE(Apply("tag", {"event:a"}, "two words"));
  EXPECT_FALSE(Apply("tag", {"event:a"}, std::string(61, 'x')));
  EXPECT_FALSE(Apply("colour", {"event:a"}, "url(http://evil.test)"));
  EXPECT_FALSE(Apply("comment", {"event:a"}, std::string(16385, 'x')));
  EXPECT_FALSE(Apply("comment", {"event:\xff"}, "x"));
  EXPECT_FALSE(Apply("finding", {"event:a"}, {{"state", "accepted"}}));
  EXPECT_FALSE(Apply("finding", {"finding:a"}, {{"state", "dismissed"}}));
  EXPECT_FALSE(Apply("finding", {"finding:a"}, {{"state", "gone"}}));
  EXPECT_FALSE(Apply("search", {"search:a"}, "x"));
  EXPECT_FALSE(Apply("notes", {"event:a"}, "x"));
  EXPECT_FALSE(Apply("rename", {"event:a"}, "x"));
  EXPECT_FALSE(Apply("star", std::vector<std::string>(1001, "event:a"), true));
  EXPECT_EQ(annotations_->State()["revision"], 0);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "mine/annotations.jsonl"));
}

TEST_F(AnnotationsTest, NamesTheLineThatIsNone) {
  ASSERT_TRUE(Apply("star", {"event:a"}, true));
  std::ofstream(folder_ / "mine/annotations.jsonl", std::ios::app) << "{\"half\n";
  const auto opened = Annotations::Open(*case_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(opened.error().message, HasSubstr("line 2"));
}

}  // namespace
}  // namespace ekshume::casefile
