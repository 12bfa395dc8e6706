// SPDX-License-Identifier: Apache-2.0
#include "server/event_index.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "server/limits.h"

namespace ekshume::server {
namespace {

// Three stretches of ten nanoseconds with 2, 0 and 3 rows, and one row without a time.
EventIndex Example() {
  EventIndex index;
  index.total = 6;
  index.without_time = 1;
  index.first = 100;
  index.last = 129;
  index.bar = 10;
  index.stretches = {{100, 2}, {110, 0}, {120, 3}};
  return index;
}

TEST(EventIndex, LeadsToARowFromTheFront) {
  const EventIndex index = Example();
  EXPECT_EQ(index.PlaceOf(0, false).where, "");
  EXPECT_EQ(index.PlaceOf(1, false).skip, 1U);
  const EventIndex::Place third = index.PlaceOf(3, false);
  EXPECT_EQ(third.where, "(time >= make_timestamp_ns(120) OR time IS NULL)");
  EXPECT_EQ(third.skip, 1U);
}

TEST(EventIndex, LeadsToARowFromTheBack) {
  const EventIndex index = Example();
  EXPECT_EQ(index.PlaceOf(2, true).where, "");
  EXPECT_EQ(index.PlaceOf(2, true).skip, 2U);
  const EventIndex::Place fourth = index.PlaceOf(4, true);
  EXPECT_EQ(fourth.where, "(time < make_timestamp_ns(110) OR time IS NULL)");
  EXPECT_EQ(fourth.skip, 1U);
}

TEST(EventIndex, RowsWithoutATimeAreLast) {
  const EventIndex index = Example();
  for (const bool reverse : {false, true}) {
    EXPECT_EQ(index.PlaceOf(5, reverse).where, "time IS NULL");
    EXPECT_EQ(index.PlaceOf(5, reverse).skip, 0U);
  }
}

TEST(EventIndex, BarsAreEqualAndCutStretchesComeTogetherInThem) {
  EventIndex index = Example();
  index.stretches = {{100, 2}, {110, 0}, {120, 1}, {124, 2}};
  EXPECT_EQ(index.Bars(10).bars, (std::vector<uint64_t>{2, 0, 3}));
  EXPECT_EQ(index.Bars(10).width, 10);
  EXPECT_EQ(index.Bars(2).bars, (std::vector<uint64_t>{2, 3}));
  EXPECT_EQ(index.Bars(2).width, 20);
  EXPECT_TRUE(EventIndex().Bars(5).bars.empty());
}

// A store with a table of its own in place of the events.
class StoredRows : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "ekshume-index-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    Result<std::unique_ptr<event::Store>> store =
        event::Store::Open(folder_, event::Store::Access::kWrite);
    ASSERT_TRUE(store) << store.error().message;
    store_ = *std::move(store);
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  // Rows of which column `time` has these nanoseconds since 1970.
  void Fill(const std::string& select) {
    ASSERT_TRUE(store_->Execute("DROP VIEW events"));
    const Result<void> done = store_->Execute(
        "CREATE TEMP TABLE events AS SELECT uuid() AS id, make_timestamp_ns(ns) AS time FROM (" +
        select + ")");
    ASSERT_TRUE(done) << done.error().message;
  }
  uint64_t Count(const std::string& where) {
    const auto rows = store_->Query("SELECT count(*) FROM events WHERE " + where);
    EXPECT_TRUE(rows) << rows.error().message;
    if (!rows || !(*rows)->Next()) return 0;
    return static_cast<uint64_t>((*rows)->Integer(0));
  }

  std::string folder_;
  std::unique_ptr<event::Store> store_;
};

TEST_F(StoredRows, AnOldFileDoesNotSpoilTheWayToTheRowsOfADay) {
  constexpr uint64_t kRows = 60'000;  // one a second, in 2026
  Fill(
      fmt::format("SELECT 1 AS ns UNION ALL SELECT NULL UNION ALL SELECT 1795000000000000000 + i "
                  "* 1000000000 FROM range({}) AS t(i)",
                  kRows));
  const Result<EventIndex> index = ReadEventIndex(*store_, "true");
  ASSERT_TRUE(index) << index.error().message;
  EXPECT_EQ(index->total, kRows + 2);
  EXPECT_EQ(index->without_time, 1U);
  EXPECT_EQ(index->first, 1);
  uint64_t sum = 0;
  for (const EventIndex::Stretch& stretch : index->stretches) {
    sum += stretch.rows;
    EXPECT_LE(stretch.rows, limits::kRowsOfStretch);
  }
  EXPECT_EQ(sum, kRows + 1);
  EXPECT_TRUE(std::ranges::is_sorted(index->stretches, {}, &EventIndex::Stretch::start));
  const Histogram bars = index->Bars(200);
  ASSERT_FALSE(bars.bars.empty());
  EXPECT_LE(bars.bars.size(), 200U);
  EXPECT_EQ(bars.bars.front(), 1U);
  EXPECT_EQ(std::accumulate(bars.bars.begin(), bars.bars.end(), uint64_t{0}), kRows + 1);
  for (const bool reverse : {false, true}) {
    for (const uint64_t row : {uint64_t{1}, kRows / 3, kRows - 1}) {
      const EventIndex::Place place = index->PlaceOf(row, reverse);
      EXPECT_LE(place.skip, limits::kRowsOfStretch);
      const uint64_t follow = place.where.empty() ? index->total : Count(place.where);
      EXPECT_EQ(follow - place.skip, index->total - row) << row << " " << reverse;
    }
  }
}

TEST_F(StoredRows, TheWholeRangeOfTimesIsNoTrouble) {
  Fill("SELECT unnest([-9223372036854775000, 0, 9223372036854775000]) AS ns");
  const Result<EventIndex> index = ReadEventIndex(*store_, "true");
  ASSERT_TRUE(index) << index.error().message;
  EXPECT_EQ(index->total, 3U);
  const Histogram bars = index->Bars(4096);
  EXPECT_EQ(std::accumulate(bars.bars.begin(), bars.bars.end(), uint64_t{0}), 3U);
  EXPECT_EQ(index->PlaceOf(2, false).skip, 0U);
}

TEST_F(StoredRows, NoRowsAndRowsOfOneMoment) {
  Fill("SELECT 5 AS ns FROM range(10000)");
  const Result<EventIndex> none = ReadEventIndex(*store_, "false");
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_EQ(none->total, 0U);
  EXPECT_TRUE(none->stretches.empty());
  const Result<EventIndex> one = ReadEventIndex(*store_, "true");
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->PlaceOf(9999, false).skip, 9999U);
  EXPECT_EQ(one->Bars(100).bars, (std::vector<uint64_t>{10000}));
}

}  // namespace
}  // namespace ekshume::server
