// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "detect/sigma/engine.h"
#include "detect/sigma/load.h"
#include "log/carrier/records.h"
#include "log/carrier/unpack.h"
#include "log/dispatch.h"

// SigmaHQ's rules and real records, where they are: EKSHUME_SHARED.
namespace ekshume::detect::sigma {
namespace {

namespace fs = std::filesystem;
using event::Event;
using event::Text;

fs::path Shared() {
  const char* const set = std::getenv("EKSHUME_SHARED");
  return set != nullptr ? fs::path(set) : fs::path(EKSHUME_SOURCE_DIR).parent_path() / "shared";
}

struct Found {
  Event event;
  std::string raw;
};

// Every event of the files below a folder.
std::vector<Found> EventsBelow(const fs::path& folder) {
  std::vector<Found> found;
  DiagnosticSink diagnostics;
  log::Dispatcher dispatcher(diagnostics);
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream stream(entry.path(), std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(stream), {}};
    log::MemoryInput input(content);
    const log::Leaf name{entry.path().string(), entry.path().string(), {}, nullptr};
    const auto visit = [&](const log::Leaf& leaf) {
      log::RecordReader reader(*leaf.input, {.evidence = leaf.evidence}, diagnostics);
      log::RecordBatch batch;
      for (;;) {
        const Result<bool> more = reader.Next(batch);
        if (!more || !*more) return;
        event::RowBatch rows;
        dispatcher.Read(batch, 0, leaf.evidence, rows);
        for (size_t i = 0; i < rows.count(); ++i) {
          Found& one = found.emplace_back();
          one.raw = rows.raw(rows.row(i));
          for (const event::RowBatch::Value& value : rows.values(rows.row(i))) {
            for (size_t column = 0; column < event::kTextCount; ++column) {
              const auto text = static_cast<Text>(column);
              if (value.is_text && event::StoredColumn(text) == value.column) {
                one.event[text] = rows.text(value);
              }
            }
          }
        }
      }
    };
    EXPECT_TRUE(log::Unpack(input, content.size(), name, diagnostics, visit));
  }
  return found;
}

class SigmaShared : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::is_directory(Shared() / "sigma") || !fs::is_directory(Shared() / "logs")) {
      GTEST_SKIP() << Shared() << " holds no rules and logs; set EKSHUME_SHARED";
    }
  }
};

TEST_F(SigmaShared, LoadsEveryRule) {
  const Result<RuleSet> set = LoadRules({(Shared() / "sigma").string()}, {});
  ASSERT_TRUE(set);
  EXPECT_GE(set->documents, 323U);
  EXPECT_EQ(set->loaded(), set->documents);
  for (const Problem& problem : set->refused)
    ADD_FAILURE() << problem.file << ": " << problem.reason;
}

// Words that are looked for first must never cost a match.
TEST_F(SigmaShared, FindsTheSameWithAndWithoutThePrefilter) {
  Result<RuleSet> set = LoadRules({(Shared() / "sigma").string()}, {});
  ASSERT_TRUE(set);
  std::vector<Problem> doubtful;
  const auto engine = Engine::Make(std::move(set->rules), doubtful);
  Engine::Session session(*engine);
  const std::vector<Found> events = EventsBelow(Shared() / "logs");
  ASSERT_GT(events.size(), 500U);
  std::map<std::string, size_t> titles;
  for (const Found& found : events) {
    const Input input{found.event, found.raw};
    const std::vector<uint32_t> plainly = session.MatchPlainly(input);
    EXPECT_EQ(session.Match(input), plainly) << found.raw.substr(0, 500);
    for (const uint32_t rule : plainly) ++titles[engine->rules()[rule].head.title];
  }
  // Found only because fields are mapped to where a real audit event has them.
  EXPECT_GT(titles["Privileged Container Deployed"], 0U);
  EXPECT_GT(titles["Container With A hostPath Mount Created"], 0U);
  EXPECT_GT(titles["Potential Remote Command Execution In Pod Container"], 0U);
  EXPECT_GT(titles["AWS VPC Flow Logs Deleted"], 0U);
  EXPECT_GT(titles.size(), 20U);
}

// The same with every command line that the process rules themselves look for.
TEST_F(SigmaShared, FindsTheSameInCommandLinesMadeOfTheRules) {
  Result<RuleSet> set = LoadRules({(Shared() / "sigma").string()}, {});
  ASSERT_TRUE(set);
  std::vector<Problem> doubtful;
  const auto engine = Engine::Make(std::move(set->rules), doubtful);
  Engine::Session session(*engine);
  size_t matches = 0;
  for (const Rule& rule : engine->rules()) {
    if (rule.log_source.category != "process_creation") continue;
    for (const Search& search : rule.detection.searches) {
      std::string line;
      for (const std::vector<Item>& items : search.alternatives) {
        for (const Item& item : items) {
          for (const Matcher& matcher : item.matchers) {
            if (matcher.kind == Matcher::Kind::kPattern) line += matcher.pattern.literal() + " ";
          }
        }
      }
      Event event;
      event[Text::kSource] = "falco";
      event[Text::kCommandLine] = line;
      event[Text::kProcess] = line.substr(0, line.find(' '));
      const Input input{event, "{}"};
      const std::vector<uint32_t> plainly = session.MatchPlainly(input);
      EXPECT_EQ(session.Match(input), plainly) << line;
      matches += plainly.size();
    }
  }
  EXPECT_GT(matches, 100U);
}

}  // namespace
}  // namespace ekshume::detect::sigma
