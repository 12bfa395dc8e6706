// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "event/event.h"

namespace ekshume::event {

// Where an event was found.
struct Place {
  uint32_t item = 0;  // index into the items of the ingest
  // For the column `evidence`: the item, with what is inside of it. Valid until the batch is
  // stored.
  std::string_view evidence;
  uint64_t offset = 0;     // where the record is in the item
  uint32_t sub_index = 0;  // which of the record's events
};

// Events on their way into the store, packed: only the columns that hold anything take room, and
// all texts lie one after the other. Made to be used again and again: Clear() keeps the memory. One
// thread.
class RowBatch {
 public:
  // A value of a column. Texts are UTF-8: bytes that are not are written as \xNN.
  struct Value {
    uint16_t column = 0;  // of Columns(), without those that are hidden in the store
    bool is_text = false;
    uint32_t size = 0;   // of a text
    int64_t number = 0;  // or where the text begins in texts()
  };
  struct Row {
    Place place;
    std::optional<int64_t> time;  // nanoseconds since 1970; none when it cannot be stored
    uint32_t raw_offset = 0;      // the raw record, a part of raw()
    uint32_t raw_size = 0;
    uint32_t identity_size = 0;
    uint64_t identity = 0;  // where it begins in texts()
    uint64_t first_value = 0;
    uint32_t values = 0;
  };

  // Adds an event whose raw record is the part of raw() that AddRaw() returned.
  void Add(const Event& event, const Place& place, uint32_t raw_offset, uint32_t raw_size);
  // Appends a raw record and says where it begins.
  uint32_t AddRaw(std::string_view record);
  // Keeps a Place's evidence until Clear(), for callers whose own copy does not last as long.
  std::string_view KeepEvidence(std::string_view evidence);
  void Clear();

  size_t count() const { return rows_.size(); }
  const Row& row(size_t index) const { return rows_[index]; }
  std::span<const Value> values(const Row& row) const {
    return std::span(values_).subspan(row.first_value, row.values);
  }
  std::string_view text(const Value& value) const {
    return std::string_view(texts_).substr(static_cast<uint64_t>(value.number), value.size);
  }
  std::string_view identity(const Row& row) const {
    return std::string_view(texts_).substr(row.identity, row.identity_size);
  }
  std::string_view source(const Row& row) const;
  const std::string& raw() const { return raw_; }
  std::string_view raw(const Row& row) const {
    return std::string_view(raw_).substr(row.raw_offset, row.raw_size);
  }

 private:
  void AddText(uint16_t column, std::string_view text);

  std::vector<Row> rows_;
  std::vector<Value> values_;
  std::string texts_;
  std::string raw_;
  std::deque<std::string> evidence_;  // a deque: Places refer to its strings
};

// The column of the table that an event's column is stored in.
uint16_t StoredColumn(Text column);

// Whether a moment lies in the years that the column `time` can hold (1678 to 2261).
bool CanStoreTime(const Timestamp& time);
// Nanoseconds since 1970 as the store keeps them; none when the moment cannot be stored.
std::optional<int64_t> StoredTime(const std::optional<Timestamp>& time);

// `text` as UTF-8, which is the text itself or, with \xNN for bytes that are none, `scratch`.
std::string_view AsUtf8(std::string_view text, std::string& scratch);

}  // namespace ekshume::event
