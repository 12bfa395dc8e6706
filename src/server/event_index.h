// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "event/store/store.h"

namespace ekshume::server {

// How the rows of a condition lie in time: counts of equal stretches. It gives the histogram, the
// number of rows, and the way to the row of any number without sorting all that stand before it.
struct EventIndex {
  uint64_t total = 0;
  uint64_t without_time = 0;
  int64_t first = 0;  // nanoseconds since 1970, of the rows that have a time
  int64_t last = 0;
  int64_t width = 1;             // of a stretch, in nanoseconds
  std::vector<uint64_t> counts;  // of the stretches, from `first` on; empty without any time

  // Where a row of that number lies, in order of time or, reversed, newest first; rows without a
  // time are last either way.
  struct Place {
    std::string where;  // a condition that holds for it and what follows; "" for none
    uint64_t skip = 0;  // rows that fit `where` and stand before it
  };
  Place PlaceOf(uint64_t row, bool reverse) const;
};

// Reads the index of `where` from the store.
Result<EventIndex> ReadEventIndex(event::Store& store, const std::string& where);

// The indexes of the last few conditions. Any thread.
class EventIndexes {
 public:
  // `store` is used only when the index is not there yet; the caller holds it.
  Result<std::shared_ptr<const EventIndex>> Of(event::Store& store, const std::string& where);

 private:
  std::mutex mutex_;
  std::deque<std::pair<std::string, std::shared_ptr<const EventIndex>>> kept_;  // newest first
};

// A moment as SQL.
std::string SqlTime(int64_t nanoseconds);

}  // namespace ekshume::server
