// SPDX-License-Identifier: Apache-2.0
#include "server/event_index.h"

#include <gtest/gtest.h>

namespace ekshume::server {
namespace {

// Three stretches of ten nanoseconds with 2, 0 and 3 rows, and one row without a time.
EventIndex Example() {
  EventIndex index;
  index.total = 6;
  index.without_time = 1;
  index.first = 100;
  index.last = 129;
  index.width = 10;
  index.counts = {2, 0, 3};
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

}  // namespace
}  // namespace ekshume::server
