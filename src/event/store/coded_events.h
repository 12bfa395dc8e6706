// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "event/store/event_set.h"

namespace ekshume::event {

class Database;

// All events of a store in order of time (those without one last, equal times by id), with some
// columns as numbers of their values: what counts of values, histograms and the way to the event of
// any number need, in memory. The number of an event in that order is its position. It takes 16
// bytes for an event, and one, two or four for each column. Read only: any thread.
class CodedEvents {
 public:
  // More events are kLimit; a column with more different values is left out.
  static constexpr size_t kMostEvents = size_t{32} << 20;
  static constexpr size_t kMostValues = size_t{1} << 20;
  static constexpr size_t kMostValueBytes = size_t{64} << 20;

  // Reads text columns of an event that are stored: `counted` ones, and `searched` ones, of which
  // only the values are kept, not which event has which. kCancelled once `stop` is true.
  static Result<std::unique_ptr<CodedEvents>> Read(Database& database,
                                                   std::span<const std::string_view> counted,
                                                   std::span<const std::string_view> searched,
                                                   const std::atomic<bool>& stop);

  size_t size() const { return rows_.size(); }
  size_t with_time() const { return times_.size(); }
  // Nanoseconds since 1970, of positions below with_time(), in order.
  std::span<const int64_t> times() const { return times_; }
  // The row of the store's table, and the other way round; none for a row that is not there.
  int64_t RowOf(size_t position) const { return rows_[position]; }
  std::optional<size_t> PositionOf(int64_t row) const;

  // Whether the column is there, as a counted one.
  bool Counts(std::string_view column) const;
  struct ValueCount {
    std::optional<std::string_view> value;  // none: events without a value
    uint64_t count = 0;
  };
  // The most frequent values among the events of the set: by count, then by value, none last.
  // Empty when the column is not counted.
  std::vector<ValueCount> Values(const EventSet& set, std::string_view column, size_t most) const;

  // The values of a column that contain `small`, an ASCII text in small letters, in either case.
  // None when the column is not there, or they are more than `most`.
  std::optional<std::vector<std::string>> Containing(std::string_view column,
                                                     std::string_view small, size_t most) const;

  class Encoder;

 private:
  using Codes = std::variant<std::monostate, std::vector<uint8_t>, std::vector<uint16_t>,
                             std::vector<uint32_t>>;
  struct Coded {
    std::string_view name;
    bool is_counted = false;
    Codes codes;                      // by position; 0: no value. Not there when none has one
    std::vector<std::string> values;  // of the codes from 1 on
  };

  CodedEvents() = default;
  const Coded* Find(std::string_view column) const;
  Result<void> ReadOrder(Database& database, const std::atomic<bool>& stop);

  std::vector<int64_t> times_;
  std::vector<uint32_t> rows_;       // by position
  std::vector<uint32_t> positions_;  // by row
  std::vector<Coded> columns_;
};

}  // namespace ekshume::event
