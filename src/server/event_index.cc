// SPDX-License-Identifier: Apache-2.0
#include "server/event_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/text.h"
#include "server/limits.h"

namespace ekshume::server {
namespace {

// Times are set against each other as unsigned numbers: the years 1678 to 2261 are more than 63
// bits of nanoseconds apart.
uint64_t Since(int64_t first, int64_t time) {
  return static_cast<uint64_t>(time) - static_cast<uint64_t>(first);
}

// Reads how many rows there are and where they begin and end. Gives the times of a few of them,
// taken by their id as if by chance, in order.
Result<std::vector<int64_t>> ReadExtent(event::Store& store, const std::string& where,
                                        EventIndex& index) {
  const auto rows = EKSHUME_TRY(store.Query(
      fmt::format("SELECT count(*), count(time), min(epoch_ns(time)), max(epoch_ns(time)), "
                  "array_to_string(list(epoch_ns(time)) FILTER (hash(id) % {} = 0 AND time IS NOT "
                  "NULL), ',') FROM events WHERE {}",
                  limits::kRowsPerSample, where)));
  std::vector<int64_t> sample;
  while (EKSHUME_TRY(rows->Next())) {
    index.total = static_cast<uint64_t>(rows->Integer(0));
    index.without_time = index.total - static_cast<uint64_t>(rows->Integer(1));
    if (rows->IsNull(2)) continue;
    index.first = rows->Integer(2);
    index.last = rows->Integer(3);
    if (rows->IsNull(4)) continue;
    for (const std::string_view text : SplitNonEmpty(rows->Text(4), ',')) {
      int64_t time = 0;
      std::from_chars(text.data(), text.data() + text.size(), time);
      sample.push_back(time);
    }
  }
  std::ranges::sort(sample);
  return sample;
}

// Cuts the stretches from number `begin` to before `end` at times of the sample.
Result<void> Cut(event::Store& store, const std::string& where, const std::vector<int64_t>& sample,
                 size_t begin, size_t end, EventIndex& index) {
  const int64_t start = index.stretches[begin].start;
  const int64_t stop = end < index.stretches.size() ? index.stretches[end].start - 1 : index.last;
  std::set<int64_t> lasts;  // the last moment of each new stretch
  const size_t step = sample.size() / limits::kMostCuts + 1;
  for (size_t i = 0; i < sample.size(); i += step) {
    if (sample[i] >= start && sample[i] < stop) lasts.insert(sample[i]);
  }
  for (size_t i = begin + 1; i < end; ++i) lasts.insert(index.stretches[i].start - 1);
  lasts.insert(stop);
  const auto rows = EKSHUME_TRY(store.Query(fmt::format(
      "SELECT unnest(map_keys(h)) AS last, CAST(unnest(map_values(h)) AS BIGINT) AS n FROM (SELECT "
      "histogram(epoch_ns(time), [{}]) AS h FROM events WHERE time >= {} AND time <= {} AND ({}))",
      fmt::join(lasts, ","), event::SqlTime(start), event::SqlTime(stop), where)));
  std::vector<EventIndex::Stretch> cut;
  int64_t next = start;
  while (EKSHUME_TRY(rows->Next())) {
    const int64_t last = rows->Integer(0);
    cut.push_back({next, static_cast<uint64_t>(rows->Integer(1))});
    next = last + 1;
  }
  const auto at = index.stretches.erase(index.stretches.begin() + static_cast<ptrdiff_t>(begin),
                                        index.stretches.begin() + static_cast<ptrdiff_t>(end));
  index.stretches.insert(at, cut.begin(), cut.end());
  return {};
}

}  // namespace

int64_t After(int64_t time, uint64_t nanoseconds) {
  return static_cast<int64_t>(static_cast<uint64_t>(time) + nanoseconds);
}

int64_t BarOf(int64_t first, int64_t last) {
  return static_cast<int64_t>(Since(first, last) / limits::kIndexBars + 1);
}

BarShape ShapeOfBars(int64_t first, int64_t last, int64_t bar, uint64_t most) {
  const auto width = static_cast<uint64_t>(bar);
  const uint64_t bars = Since(first, last) / width + 1;
  const uint64_t together = (bars + most - 1) / most;
  return {static_cast<int64_t>(width * together), (bars + together - 1) / together};
}

EventIndex::Place EventIndex::PlaceOf(uint64_t row, bool reverse) const {
  const uint64_t with_time = total - without_time;
  if (row >= with_time) return {"time IS NULL", row - with_time};
  uint64_t before = 0;
  for (size_t i = 0; i < stretches.size(); ++i) {
    const size_t at = reverse ? stretches.size() - 1 - i : i;
    if (row < before + stretches[at].rows) {
      if (i == 0) return {"", row};
      // Rows without a time follow all others, and are never before this one.
      return {
          reverse
              ? fmt::format("(time < {} OR time IS NULL)", event::SqlTime(stretches[at + 1].start))
              : fmt::format("(time >= {} OR time IS NULL)", event::SqlTime(stretches[at].start)),
          row - before};
    }
    before += stretches[at].rows;
  }
  return {"time IS NULL", 0};
}

Histogram EventIndex::Bars(uint64_t most) const {
  Histogram histogram;
  histogram.total = total;
  histogram.without_time = without_time;
  if (stretches.empty()) return histogram;
  const BarShape shape = ShapeOfBars(first, last, bar, most);
  histogram.extent = std::pair(first, last);
  histogram.width = shape.width;
  histogram.bars.resize(shape.bars);
  for (const Stretch& stretch : stretches) {
    histogram.bars[Since(first, stretch.start) / static_cast<uint64_t>(shape.width)] +=
        stretch.rows;
  }
  return histogram;
}

Result<EventIndex> ReadEventIndex(event::Store& store, const std::string& where) {
  EventIndex index;
  const std::vector<int64_t> sample = EKSHUME_TRY(ReadExtent(store, where, index));
  const uint64_t with_time = index.total - index.without_time;
  if (with_time == 0) return index;
  index.bar = BarOf(index.first, index.last);
  const auto width = static_cast<uint64_t>(index.bar);
  index.stretches.resize(Since(index.first, index.last) / width + 1);
  for (size_t i = 0; i < index.stretches.size(); ++i) {
    index.stretches[i].start = After(index.first, width * i);
  }
  // Numbers of 128 bits take ten times as long: only where 64 would overflow.
  const bool is_wide = Since(index.first, index.last) > uint64_t{INT64_MAX};
  const auto rows = EKSHUME_TRY(
      store.Query(fmt::format("SELECT CAST(({} - ({})) // {} AS BIGINT) AS bar, count(*) FROM "
                              "events WHERE time IS NOT NULL "
                              "AND ({}) GROUP BY bar",
                              is_wide ? "CAST(epoch_ns(time) AS HUGEINT)" : "epoch_ns(time)",
                              index.first, index.bar, where)));
  while (EKSHUME_TRY(rows->Next())) {
    const int64_t bar = rows->Integer(0);
    if (bar < 0 || static_cast<size_t>(bar) >= index.stretches.size()) continue;
    index.stretches[static_cast<size_t>(bar)].rows = static_cast<uint64_t>(rows->Integer(1));
  }
  const uint64_t full = std::max(limits::kRowsOfStretch, with_time / limits::kLeastStretches);
  const auto is_full = [&](const EventIndex::Stretch& stretch) { return stretch.rows > full; };
  const auto first = std::ranges::find_if(index.stretches, is_full);
  if (first == index.stretches.end()) return index;
  const auto last = std::find_if(index.stretches.rbegin(), index.stretches.rend(), is_full);
  EKSHUME_TRY(Cut(store, where, sample, static_cast<size_t>(first - index.stretches.begin()),
                  static_cast<size_t>(last.base() - index.stretches.begin()), index));
  return index;
}

}  // namespace ekshume::server
