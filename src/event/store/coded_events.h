// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
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

  // What the facets of the page show, and what is pivoted on most.
  static constexpr std::array<std::string_view, 11> kCounted = {
      "source",    "action", "outcome", "user_name", "source_ip",  "destination_ip",
      "namespace", "pod",    "node",    "container", "object_kind"};
  // The others in which words are looked for and that mostly have few values. Only these are kept,
  // not which event has which.
  static constexpr std::array<std::string_view, 11> kSearched = {
      "object_name",  "user_arn", "access_key_id", "service_account", "credential_id", "user_agent",
      "command_line", "path",     "image",         "process",         "error"};

  // Reads them from the store's tables. kCancelled once `stop` is true.
  static Result<std::unique_ptr<CodedEvents>> Read(Database& database,
                                                   const std::atomic<bool>& stop);

  // Writes them to a file that appears when it is complete, and reads them from it, which takes a
  // tenth of the time. Null when there is none, or none of what the store holds now: it says by the
  // numbers, identities and times of the rows what it is of. A damaged file is kCorrupt.
  Result<void> Save(Database& database, const std::string& path) const;
  static Result<std::unique_ptr<CodedEvents>> Load(Database& database, const std::string& path);

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
  class FileReader;
  class FileWriter;

 private:
  static constexpr uint32_t kNoPosition = std::numeric_limits<uint32_t>::max();
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
  // Whether all of it fits together, as a file may say anything.
  bool IsSound() const;

  std::vector<int64_t> times_;
  std::vector<uint32_t> rows_;       // by position
  std::vector<uint32_t> positions_;  // by row
  std::vector<Coded> columns_;
};

}  // namespace ekshume::event
