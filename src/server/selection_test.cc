// SPDX-License-Identifier: Apache-2.0
#include "server/selection.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "event/store/ordered_events.h"

namespace ekshume::server {
namespace {

const std::atomic<bool> kGoOn{false};

// Some thousand events: many of one moment, some without a time, and holes where rows were removed.
// What the database answers is compared with what is answered out of memory.
class SelectionTest : public testing::Test {
 protected:
  static constexpr int kEvents = 3000;

  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "ekshume-select-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    auto store = event::Store::Open(folder_, event::Store::Access::kWrite);
    ASSERT_TRUE(store) << store.error().message;
    store_ = *std::move(store);
    Run("INSERT INTO stored_events BY NAME SELECT md5(i::VARCHAR)::UUID AS id, CASE WHEN i % 40 = "
        "7 "
        "THEN NULL ELSE make_timestamp_ns(1795000000000000000 + (hash(i) % 300)::BIGINT * "
        "1000000000) END AS time, ['k8s_audit', 'vpc_flow', 'file'][(1 + hash(i, 1) % 3)::BIGINT] "
        "AS source, "
        "CASE WHEN hash(i, 2) % 3 > 0 THEN 'pod-' || (hash(i, 2) % 90) END AS pod, 'user-' || "
        "(hash(i, 3) % 400) AS user_name, 'Secret-' || (i % 5) AS object_name, 'event ' || i AS "
        "message FROM range(3500) AS t(i)");
    Run("DELETE FROM stored_events WHERE substr(message, 7)::INTEGER % 7 = 3");
    auto events = store_->ReadCoded(kGoOn);
    ASSERT_TRUE(events) << events.error().message;
    events_ = *std::move(events);
    EXPECT_EQ(events_->size(), static_cast<size_t>(kEvents));
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void Run(const std::string& sql) {
    const Result<void> done = store_->Execute(sql);
    ASSERT_TRUE(done) << done.error().message;
  }
  std::shared_ptr<Selection> Coded(const std::string& where) {
    auto selection = CodedSelection(events_, *store_, where);
    EXPECT_TRUE(selection) << selection.error().message;
    return selection ? *selection : nullptr;
  }
  // The messages of a page.
  std::vector<std::string> Messages(Selection& selection, uint64_t offset, uint64_t limit,
                                    bool reverse) {
    std::vector<std::string> messages;
    const auto page = selection.PageOf(*store_, offset, limit, reverse);
    EXPECT_TRUE(page) << page.error().message;
    if (!page || !*page) return messages;
    const auto rows = store_->Query(
        event::OrderedEventsSql("message", (*page)->where, reverse, limit + (*page)->skip));
    EXPECT_TRUE(rows) << rows.error().message;
    for (uint64_t i = 0; rows && *(*rows)->Next(); ++i) {
      if (i >= (*page)->skip) messages.emplace_back((*rows)->Text(0));
    }
    return messages;
  }

  std::string folder_;
  std::unique_ptr<event::Store> store_;
  std::shared_ptr<const event::CodedEvents> events_;
};

constexpr const char* kConditions[] = {"(true)",
                                       "source = 'vpc_flow'",
                                       "pod IS NULL",
                                       "(pod = 'pod-7') IS NOT TRUE",
                                       "contains(message, '77') OR time IS NULL",
                                       "time IS NULL",
                                       "locator IS NULL AND user_name = 'user-3'",
                                       "time >= make_timestamp_ns(1795000100000000000)",
                                       "false"};

TEST_F(SelectionTest, TheHistogramIsThatOfTheDatabase) {
  for (const char* where : kConditions) {
    const auto asked = AskedSelection(where);
    const auto coded = Coded(where);
    for (const uint64_t most : {1, 7, 240, 5000}) {
      const auto expected = asked->Bars(*store_, most);
      const auto found = coded->Bars(*store_, most);
      ASSERT_TRUE(expected && found) << where;
      EXPECT_EQ(found->total, expected->total) << where;
      EXPECT_EQ(found->without_time, expected->without_time) << where;
      EXPECT_EQ(found->extent, expected->extent) << where;
      EXPECT_EQ(found->width, expected->width) << where << " " << most;
      EXPECT_EQ(found->bars, expected->bars) << where << " " << most;
    }
  }
}

TEST_F(SelectionTest, EveryPageIsThatOfTheDatabase) {
  for (const char* where : kConditions) {
    const auto coded = Coded(where);
    for (const bool reverse : {false, true}) {
      std::vector<std::string> all;
      const auto rows = store_->Query(event::OrderedEventsSql("message", where, reverse));
      ASSERT_TRUE(rows) << rows.error().message;
      while (*(*rows)->Next()) all.emplace_back((*rows)->Text(0));
      std::vector<std::string> pages;
      for (uint64_t offset = 0; offset <= all.size(); offset += 170) {
        const auto page = Messages(*coded, offset, 170, reverse);
        pages.insert(pages.end(), page.begin(), page.end());
      }
      EXPECT_EQ(pages, all) << where << " " << reverse;
    }
  }
}

TEST_F(SelectionTest, TheDatabasesPagesFollowEachOther) {
  const auto asked = AskedSelection("source = 'vpc_flow'");
  const auto coded = Coded("source = 'vpc_flow'");
  for (const bool reverse : {false, true}) {
    for (const uint64_t offset : {0, 1, 333, 900, 100000}) {
      EXPECT_EQ(Messages(*asked, offset, 50, reverse), Messages(*coded, offset, 50, reverse))
          << offset << " " << reverse;
    }
  }
}

TEST_F(SelectionTest, TheFacetsAreThoseOfTheDatabase) {
  // `node` has no value at all; `message` is not in memory.
  const std::vector<std::string> columns = {"source", "pod", "user_name", "node", "message"};
  for (const char* where : kConditions) {
    for (const uint64_t size : {1, 8, 200}) {
      const auto expected = AskedSelection(where)->Facets(*store_, columns, size);
      const auto found = Coded(where)->Facets(*store_, columns, size);
      ASSERT_TRUE(expected && found) << where;
      ASSERT_EQ(found->size(), expected->size());
      for (size_t i = 0; i < columns.size(); ++i) {
        EXPECT_EQ((*found)[i].column, (*expected)[i].column);
        ASSERT_EQ((*found)[i].values.size(), (*expected)[i].values.size())
            << where << " " << columns[i];
        for (size_t j = 0; j < (*found)[i].values.size(); ++j) {
          EXPECT_EQ((*found)[i].values[j].text, (*expected)[i].values[j].text) << columns[i];
          EXPECT_EQ((*found)[i].values[j].count, (*expected)[i].values[j].count) << columns[i];
        }
      }
    }
  }
}

TEST_F(SelectionTest, EachEventHasTheNumberThatTheDatabaseSays) {
  std::vector<std::string> ids;
  const auto rows = store_->Query("SELECT id FROM events WHERE hash(id) % 60 = 0");
  ASSERT_TRUE(rows);
  while (*(*rows)->Next()) ids.emplace_back((*rows)->Text(0));
  ASSERT_GT(ids.size(), 20U);
  ids.emplace_back("00000000-0000-0000-0000-000000000000");  // none
  for (const char* where : {"(true)", "source = 'vpc_flow'", "time IS NULL"}) {
    const auto asked = AskedSelection(where);
    const auto coded = Coded(where);
    for (const std::string& id : ids) {
      for (const bool reverse : {false, true}) {
        const auto expected = asked->NumberOf(*store_, id, reverse);
        const auto found = coded->NumberOf(*store_, id, reverse);
        ASSERT_TRUE(expected && found) << where;
        EXPECT_EQ(*found, *expected) << where << " " << id << " " << reverse;
      }
    }
  }
}

TEST_F(SelectionTest, ValuesThatContainATextAreListedWhenTheyAreFew) {
  using Values = std::vector<std::string>;
  EXPECT_EQ(events_->Containing("object_name", "secret-3", 4), (Values{"Secret-3"}));
  EXPECT_EQ(events_->Containing("object_name", "missing", 4), Values());
  EXPECT_EQ(events_->Containing("node", "a", 4), Values());
  EXPECT_EQ(events_->Containing("object_name", "secret", 4), std::nullopt);
  EXPECT_EQ(events_->Containing("message", "event", 4), std::nullopt);
}

TEST_F(SelectionTest, AColumnThatIsTooLargeIsLeftOut) {
  Run(fmt::format("UPDATE stored_events SET user_name = repeat('x', {}) WHERE message = 'event 0'",
                  event::CodedEvents::kMostValueBytes + 1));
  Run("UPDATE stored_events SET user_name = NULL WHERE message <> 'event 0'");
  const auto events = store_->ReadCoded(kGoOn);
  ASSERT_TRUE(events) << events.error().message;
  EXPECT_FALSE((*events)->Counts("user_name"));
  EXPECT_TRUE((*events)->Counts("source"));
}

TEST_F(SelectionTest, ReadingStopsWhenItShould) {
  const std::atomic<bool> stop{true};
  const auto events = store_->ReadCoded(stop);
  ASSERT_FALSE(events);
  EXPECT_EQ(events.error().code, ErrorCode::kCancelled);
  // And the store still answers.
  EXPECT_EQ(Coded("(true)")->Bars(*store_, 1)->total, static_cast<uint64_t>(kEvents));
}

}  // namespace
}  // namespace ekshume::server
