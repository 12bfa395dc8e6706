// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/story.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <mutex>

namespace ekshume::casefile {
namespace {

using event::Text;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

// Six audit events: of three users, each from an address and with a key of its own, and one more
// name each that the same key joins to the user.
class Source final : public event::RowSource {
 public:
  bool Next(event::RowBatch& batch) override {
    const std::lock_guard lock(mutex_);
    if (done_) return false;
    done_ = true;
    for (int i = 0; i < 6; ++i) {
      event::Event event;
      const int user = i % 3;
      event[Text::kSource] = i < 3 ? "k8s_audit" : "cloudtrail";
      if (i < 3) event[Text::kUserName] = fmt::format("user-{}", user);
      event[Text::kUserArn] = fmt::format("arn:aws:iam::123456789012:user/user-{}", user);
      event[Text::kAccessKeyId] = fmt::format("AKIAEXAMPLE{}", user);
      event[Text::kSourceIp] = fmt::format("203.0.113.{}", user + 1);
      event.identity = fmt::format("{}", i);
      event.time = Timestamp{1700000000 + i, 0};
      batch.Add(event, {0, "e", static_cast<uint64_t>(i), 0}, batch.AddRaw("{}"), 2);
    }
    return true;
  }
  void Duplicate(uint32_t) override {}
  std::string_view ItemKey(uint32_t) override { return "k"; }

 private:
  std::mutex mutex_;
  bool done_ = false;
};

class StoryTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "ekshume-story-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    auto store = event::Store::Open(folder_, event::Store::Access::kWrite);
    ASSERT_TRUE(store) << store.error().message;
    store_ = *std::move(store);
    Source source;
    ASSERT_TRUE(store_->Ingest(
        source, []() -> Result<std::vector<event::Item>> { return std::vector<event::Item>(1); }));
    ASSERT_TRUE(store_->Finish());
    const auto rows = store_->Query("SELECT id FROM events ORDER BY time");
    ASSERT_TRUE(rows);
    for (int i = 0;; ++i) {
      const Result<bool> more = (*rows)->Next();
      ASSERT_TRUE(more);
      if (!*more) break;
      detect::Finding finding;
      finding.id = fmt::format("f{}", i);
      finding.rule = finding.title = "read secrets";
      finding.level = "high";
      finding.pod = fmt::format("pod-{}", i);
      finding.events = {std::string((*rows)->Text(0))};
      findings_.push_back(finding);
    }
    ASSERT_EQ(findings_.size(), 6U);
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  // What a story within these limits says was left out.
  std::vector<std::string> LeftOut(const StoryLimits& limits) {
    DiagnosticSink diagnostics;
    Progress progress;
    const auto story = StoryJson(*store_, findings_, nullptr, diagnostics, progress, limits);
    EXPECT_TRUE(story) << story.error().message;
    if (story) {
      EXPECT_EQ((*story)["verdict"]["findings"], 6);
      EXPECT_EQ((*story)["verdict"]["findings_left_out"], 6 - std::min<size_t>(limits.findings, 6));
    }
    std::vector<std::string> said;
    for (const Diagnostic& diagnostic : diagnostics.Sorted()) {
      EXPECT_EQ(diagnostic.code, DiagnosticCode::kStoryLimit);
      said.push_back(diagnostic.detail);
    }
    return said;
  }

  std::string folder_;
  std::unique_ptr<event::Store> store_;
  std::vector<detect::Finding> findings_;
};

TEST_F(StoryTest, LeavesNothingOutWithinItsLimits) { EXPECT_THAT(LeftOut({}), ElementsAre()); }

TEST_F(StoryTest, SaysWhichFindingsWereNotJoined) {
  StoryLimits limits;
  limits.findings = 2;
  EXPECT_THAT(LeftOut(limits), ElementsAre("4 of the mildest were not joined (kMaxToldFindings)"));
}

TEST_F(StoryTest, SaysHowManyEventsWereNotRead) {
  StoryLimits limits;
  limits.events = 1;
  EXPECT_THAT(LeftOut(limits),
              ElementsAre("5 events behind findings were not read (kMaxToldEvents)"));
}

TEST_F(StoryTest, SaysWhichActorsWereNotLookedUp) {
  StoryLimits limits;
  limits.actors = 1;
  // Each actor has a key, which is asked first and brings the other names with it.
  EXPECT_THAT(LeftOut(limits), ElementsAre(testing::HasSubstr("(kMaxToldActors)")));
  limits = {};
  limits.actor_names = 1;
  EXPECT_THAT(LeftOut(limits), ElementsAre(testing::HasSubstr("(kMaxActorNames)")));
}

TEST_F(StoryTest, SaysWhichValuesWereNotLookedUp) {
  StoryLimits limits;
  limits.values = 2;
  EXPECT_THAT(LeftOut(limits),
              UnorderedElementsAre("4 pods were not looked up (kMaxToldValues)",
                                   "1 addresses were not looked up (kMaxToldValues)",
                                   "1 access keys were not looked up (kMaxToldValues)"));
}

}  // namespace
}  // namespace ekshume::casefile
