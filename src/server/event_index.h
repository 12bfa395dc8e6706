// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "event/store/store.h"
#include "server/selection.h"

namespace ekshume::server {

// How the rows of a condition lie in time: counts of stretches of it. It gives the histogram, the
// number of rows, and the way to the row of any number without sorting all that stand before it.
// Stretches are parts of equal bars; where most rows lie in few bars (one file of 1970 beside the
// logs of a week), these are cut further, so that no stretch has a large share of the rows.
struct EventIndex {
  struct Stretch {
    int64_t start = 0;  // nanoseconds since 1970; it ends where the next one starts
    uint64_t rows = 0;
  };

  uint64_t total = 0;
  uint64_t without_time = 0;
  int64_t first = 0;  // nanoseconds since 1970, of the rows that have a time
  int64_t last = 0;
  int64_t bar = 1;                 // of how many nanoseconds a bar is
  std::vector<Stretch> stretches;  // in order of time, from `first` on; empty without any time

  // Where a row of that number lies, in order of time or, reversed, newest first; rows without a
  // time are last either way.
  struct Place {
    std::string where;  // a condition that holds for it and what follows; "" for none
    uint64_t skip = 0;  // rows that fit `where` and stand before it
  };
  Place PlaceOf(uint64_t row, bool reverse) const;

  // The rows in equal bars from `first` on, `most` (1 or more) at most.
  Histogram Bars(uint64_t most) const;
};

// Reads the index of `where` from the store.
Result<EventIndex> ReadEventIndex(event::Store& store, const std::string& where);

// How bars are laid over a span of time: parts of equal length, in nanoseconds.
struct BarShape {
  int64_t width = 1;
  uint64_t bars = 1;
};
// The bars of an index, in nanoseconds.
int64_t BarOf(int64_t first, int64_t last);
// At most `most` (1 or more) of them, each made of some of those of an index.
BarShape ShapeOfBars(int64_t first, int64_t last, int64_t bar, uint64_t most);
// So many nanoseconds later. The caller knows that it is a time that can be stored.
int64_t After(int64_t time, uint64_t nanoseconds);

}  // namespace ekshume::server
