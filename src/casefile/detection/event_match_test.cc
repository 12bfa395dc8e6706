// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/event_match.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <mutex>

#include "detect/sigma/load.h"
#include "detect/sigma/parse.h"

namespace ekshume::casefile {
namespace {

namespace sigma = detect::sigma;
using event::Text;

// A folder that is gone afterwards.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "ekshume-match-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// `count` audit events of four users, a second apart; every 50th has no time, every tenth is of
// eve, who reads secrets.
class Source final : public event::RowSource {
 public:
  explicit Source(size_t count) : count_(count) {}
  bool Next(event::RowBatch& batch) override {
    const std::lock_guard lock(mutex_);
    if (next_ == count_) return false;
    for (size_t i = 0; i < 100 && next_ < count_; ++i, ++next_) {
      event::Event event;
      const std::string user = next_ % 10 == 0 ? "eve" : fmt::format("user-{}", next_ % 3);
      event[Text::kSource] = "k8s_audit";
      event[Text::kUserName] = user;
      event[Text::kObjectName] = fmt::format("secret-{}", next_ % 7);
      event[Text::kMessage] = fmt::format("read number {}", next_);
      event.identity = std::to_string(next_);
      if (next_ % 50 != 49) event.time = Timestamp{1700000000 + static_cast<int64_t>(next_), 0};
      const std::string raw = fmt::format(
          R"({{"verb":"get","user":{{"username":"{}"}},"objectRef":{{"resource":"secrets","name":"secret-{}"}}}})",
          user, next_ % 7);
      batch.Add(event, {0, "e", next_, 0}, batch.AddRaw(raw), static_cast<uint32_t>(raw.size()));
    }
    return true;
  }
  void Duplicate(uint32_t) override {}
  std::string_view ItemKey(uint32_t) override { return "k"; }

 private:
  const size_t count_;
  std::mutex mutex_;
  size_t next_ = 0;
};

constexpr std::string_view kRules = R"(title: read
id: read
logsource: {product: kubernetes, service: audit}
detection:
  s: {verb: get, objectRef.resource: secrets, user.username: eve}
  condition: s
level: low
---
title: many reads
correlation:
  type: event_count
  rules: [read]
  group-by: [user.username]
  timespan: 45s
  condition: {gte: 4}
  generate: true
level: high
---
title: many secrets
id: many
correlation:
  type: value_count
  rules: [read]
  group-by: [user.username]
  timespan: 5m
  condition: {field: objectRef.name, eq: 7}
level: medium
)";

class EventMatch : public testing::Test {
 protected:
  void SetUp() override {
    auto store = event::Store::Open(folder_.path(), event::Store::Access::kWrite);
    ASSERT_TRUE(store) << store.error().message;
    store_ = *std::move(store);
    Source source(3000);
    ASSERT_TRUE(store_->Ingest(
        source, []() -> Result<std::vector<event::Item>> { return std::vector<event::Item>(1); }));
    std::vector<sigma::RuleFile> files;
    files.push_back(sigma::ParseRules(kRules, "rules.yml", {}));
    set_ = sigma::JoinRules(std::move(files));
    ASSERT_EQ(set_.loaded(), 3U);
    std::vector<detect::Problem> doubtful;
    engine_ = sigma::Engine::Make(set_.rules, doubtful);
  }

  // All that findings say.
  std::string Found(size_t matches_in_order) {
    Progress progress;
    const auto findings =
        MatchEvents(*store_, *engine_, set_.correlations, diagnostics_, progress, matches_in_order);
    EXPECT_TRUE(findings) << findings.error().message;
    if (!findings) return "";
    std::string text;
    for (const detect::Finding& finding : *findings) {
      text += fmt::format("{} {} {} {} {} [{}] {}\n", finding.id, finding.title, finding.count,
                          finding.actor, finding.first ? FormatTimestamp(*finding.first) : "",
                          fmt::join(finding.events, " "), finding.explanation);
    }
    return text;
  }

  Folder folder_;
  std::unique_ptr<event::Store> store_;
  sigma::RuleSet set_;
  std::unique_ptr<sigma::Engine> engine_;
  DiagnosticSink diagnostics_;
};

TEST_F(EventMatch, FindsSingleRulesAndCorrelations) {
  const std::string found = Found(kMatchesInOrder);
  EXPECT_NE(found.find(" read 300 eve 2023-11-14T22:13:20"), std::string::npos) << found;
  // The first windows that hold begin with the first event; every later event extends them.
  EXPECT_NE(found.find(" many reads 300 eve 2023-11-14T22:13:20"), std::string::npos) << found;
  EXPECT_NE(found.find(" many secrets 300 eve 2023-11-14T22:13:20"), std::string::npos) << found;
  EXPECT_NE(found.find("read number 0"), std::string::npos) << found;
  EXPECT_EQ(std::ranges::count(found, '\n'), 3);
}

// Matches that do not fit into memory at once are told to correlations in order all the same.
TEST_F(EventMatch, FindsTheSameInSeveralRounds) {
  const std::string found = Found(kMatchesInOrder);
  for (const size_t most : {7U, 20U, 100U, 300U}) {
    EXPECT_EQ(Found(most), found) << most;
  }
}

TEST_F(EventMatch, EndsWhenItIsCancelled) {
  Progress progress;
  progress.Cancel();
  const auto findings =
      MatchEvents(*store_, *engine_, set_.correlations, diagnostics_, progress, 10);
  ASSERT_TRUE(findings);
  EXPECT_TRUE(findings->empty());
}

}  // namespace
}  // namespace ekshume::casefile
