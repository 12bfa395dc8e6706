// SPDX-License-Identifier: Apache-2.0
#include "server/event_index.h"

#include <fmt/format.h>

#include <algorithm>

#include "server/limits.h"

namespace ekshume::server {

std::string SqlTime(int64_t nanoseconds) {
  return fmt::format("make_timestamp_ns({})", nanoseconds);
}

EventIndex::Place EventIndex::PlaceOf(uint64_t row, bool reverse) const {
  const uint64_t with_time = total - without_time;
  if (row >= with_time) return {"time IS NULL", row - with_time};
  uint64_t before = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const size_t at = reverse ? counts.size() - 1 - i : i;
    if (row < before + counts[at]) {
      const int64_t start = first + width * static_cast<int64_t>(at);
      // Rows without a time follow all others, and are never before this one.
      const std::string where =
          reverse ? fmt::format("(time < {} OR time IS NULL)", SqlTime(start + width))
                  : fmt::format("(time >= {} OR time IS NULL)", SqlTime(start));
      return {i == 0 ? "" : where, row - before};
    }
    before += counts[at];
  }
  return {"time IS NULL", 0};
}

Result<EventIndex> ReadEventIndex(event::Store& store, const std::string& where) {
  EventIndex index;
  {
    const auto rows =
        EKSHUME_TRY(store.Query(fmt::format("SELECT count(*), count(time), min(epoch_ns(time)), "
                                            "max(epoch_ns(time)) FROM events WHERE {}",
                                            where)));
    while (EKSHUME_TRY(rows->Next())) {
      index.total = static_cast<uint64_t>(rows->Integer(0));
      index.without_time = index.total - static_cast<uint64_t>(rows->Integer(1));
      if (rows->IsNull(2)) continue;
      index.first = rows->Integer(2);
      index.last = rows->Integer(3);
    }
  }
  if (index.total == index.without_time) return index;
  // As unsigned numbers: the years 1678 to 2261 are more than 63 bits of nanoseconds apart.
  const uint64_t span = static_cast<uint64_t>(index.last) - static_cast<uint64_t>(index.first);
  index.width = static_cast<int64_t>(span / limits::kIndexBuckets + 1);
  index.counts.resize(span / static_cast<uint64_t>(index.width) + 1);
  const auto rows = EKSHUME_TRY(store.Query(
      fmt::format("SELECT CAST((CAST(epoch_ns(time) AS HUGEINT) - {}) // {} AS BIGINT) AS bucket, "
                  "count(*) FROM events WHERE time IS NOT NULL AND ({}) GROUP BY bucket",
                  index.first, index.width, where)));
  while (EKSHUME_TRY(rows->Next())) {
    const int64_t bucket = rows->Integer(0);
    if (bucket < 0 || static_cast<size_t>(bucket) >= index.counts.size()) continue;
    index.counts[static_cast<size_t>(bucket)] = static_cast<uint64_t>(rows->Integer(1));
  }
  return index;
}

Result<std::shared_ptr<const EventIndex>> EventIndexes::Of(event::Store& store,
                                                           const std::string& where) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(kept_, where, [](const auto& pair) { return pair.first; });
    if (found != kept_.end()) return found->second;
  }
  auto index = std::make_shared<const EventIndex>(EKSHUME_TRY(ReadEventIndex(store, where)));
  const std::lock_guard lock(mutex_);
  kept_.emplace_front(where, index);
  if (kept_.size() > limits::kKeptIndexes) kept_.pop_back();
  return std::shared_ptr<const EventIndex>(index);
}

}  // namespace ekshume::server
