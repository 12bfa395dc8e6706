// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "server/event_index.h"
#include "server/selection.h"

namespace ekshume::server {
namespace {

class Coded final : public Selection {
 public:
  Coded(std::shared_ptr<const event::CodedEvents> events, event::EventSet set, std::string where)
      : events_(std::move(events)),
        set_(std::move(set)),
        where_(std::move(where)),
        with_time_(set_.CountBefore(events_->with_time())) {}

  Result<Histogram> Bars(event::Store& /*store*/, uint64_t most) override {
    Histogram histogram;
    histogram.total = set_.count();
    histogram.without_time = set_.count() - with_time_;
    if (with_time_ == 0) return histogram;
    const int64_t first = TimeOf(0);
    const int64_t last = TimeOf(with_time_ - 1);
    histogram.extent = std::pair(first, last);
    const BarShape shape = ShapeOfBars(first, last, BarOf(first, last), most);
    histogram.width = shape.width;
    uint64_t before = 0;
    for (uint64_t bar = 1; bar <= shape.bars; ++bar) {
      const uint64_t until =
          bar == shape.bars ? with_time_
                            : CountUntil(After(first, static_cast<uint64_t>(shape.width) * bar));
      histogram.bars.push_back(until - before);
      before = until;
    }
    return histogram;
  }

  Result<std::optional<Page>> PageOf(event::Store& /*store*/, uint64_t offset, uint64_t limit,
                                     bool reverse) override {
    if (offset >= set_.count()) return std::nullopt;
    const uint64_t end = offset + std::min<uint64_t>(limit, set_.count() - offset);
    std::string rows;
    int64_t first = INT64_MAX;
    int64_t last = INT64_MIN;
    for (uint64_t number = offset; number < end; ++number) {
      const size_t position = set_.Nth(Forward(number, reverse));
      rows += fmt::format("{}{}", rows.empty() ? "" : ",", events_->RowOf(position));
      if (position >= events_->with_time()) continue;
      first = std::min(first, events_->times()[position]);
      last = std::max(last, events_->times()[position]);
    }
    // The times lead to the few row groups where the rows lie.
    std::string where =
        fmt::format("time BETWEEN {} AND {}", event::SqlTime(first), event::SqlTime(last));
    if (end > with_time_) {
      where = offset >= with_time_ ? "time IS NULL" : fmt::format("({} OR time IS NULL)", where);
    }
    return Page{fmt::format("{} AND rowid IN ({})", where, rows), 0};
  }

  Result<std::vector<Facet>> Facets(event::Store& store, const std::vector<std::string>& columns,
                                    uint64_t size) override {
    std::vector<Facet> facets(columns.size());
    std::vector<std::string> others;
    for (size_t i = 0; i < columns.size(); ++i) {
      facets[i].column = columns[i];
      if (!events_->Counts(columns[i])) others.push_back(columns[i]);
    }
    std::atomic<size_t> next{0};
    const auto work = [&] {
      for (size_t i = next++; i < columns.size(); i = next++) {
        for (const auto& [value, count] : events_->Values(set_, columns[i], size)) {
          facets[i].values.push_back({std::optional<std::string>(value), count});
        }
      }
    };
    {
      std::vector<std::jthread> threads;
      for (size_t i = 1; i < event::ScanThreads(); ++i) threads.emplace_back(work);
      work();
    }
    if (others.empty()) return facets;
    for (Facet& other : EKSHUME_TRY(AskFacets(store, where_, others, size))) {
      std::ranges::find(facets, other.column, &Facet::column)->values = std::move(other.values);
    }
    return facets;
  }

  Result<std::optional<uint64_t>> NumberOf(event::Store& store, const std::string& id,
                                           bool reverse) override {
    std::optional<uint64_t> number;
    EKSHUME_TRY(
        store.RowNumbers("id = " + event::SqlLiteral(id), [&](std::span<const int64_t> rows) {
          for (const int64_t row : rows) {
            const std::optional<size_t> position = events_->PositionOf(row);
            if (position && set_.Has(*position)) {
              const uint64_t forward = set_.CountBefore(*position);
              number = reverse ? Reversed(forward) : forward;
            }
          }
        }));
    return number;
  }

 private:
  int64_t TimeOf(uint64_t number) const { return events_->times()[set_.Nth(number)]; }

  // How many come before a moment.
  uint64_t CountUntil(int64_t time) const {
    const auto& times = events_->times();
    return set_.CountBefore(
        static_cast<size_t>(std::ranges::lower_bound(times, time) - times.begin()));
  }

  // Numbers of those that have the time of the one of that number: from `first` to before `end`.
  struct Group {
    uint64_t first = 0;
    uint64_t end = 0;
  };
  Group GroupOf(uint64_t number) const {
    const auto& times = events_->times();
    const auto [begin, end] = std::ranges::equal_range(times, TimeOf(number));
    return {set_.CountBefore(static_cast<size_t>(begin - times.begin())),
            set_.CountBefore(static_cast<size_t>(end - times.begin()))};
  }

  // Between a number in order of time and one in the reversed order. Equal times stand in the order
  // of their ids either way.
  uint64_t Forward(uint64_t number, bool reverse) const {
    if (!reverse || number >= with_time_) return number;
    const Group group = GroupOf(with_time_ - 1 - number);
    return group.first + (number - (with_time_ - group.end));
  }
  uint64_t Reversed(uint64_t number) const {
    if (number >= with_time_) return number;
    const Group group = GroupOf(number);
    return (with_time_ - group.end) + (number - group.first);
  }

  const std::shared_ptr<const event::CodedEvents> events_;
  const event::EventSet set_;
  const std::string where_;
  const uint64_t with_time_;  // those with a time come first
};

}  // namespace

Result<std::shared_ptr<Selection>> CodedSelection(std::shared_ptr<const event::CodedEvents> events,
                                                  event::Store& store, std::string where) {
  event::EventSet set(events->size());
  if (where == kAllEvents) {
    set.AddAll();
    set.Finish();
    return std::make_shared<Coded>(std::move(events), std::move(set), std::move(where));
  }
  EKSHUME_TRY(store.RowNumbers(where, [&](std::span<const int64_t> rows) {
    for (const int64_t row : rows) {
      if (const std::optional<size_t> position = events->PositionOf(row)) set.Add(*position);
    }
  }));
  set.Finish();
  return std::make_shared<Coded>(std::move(events), std::move(set), std::move(where));
}

}  // namespace ekshume::server
