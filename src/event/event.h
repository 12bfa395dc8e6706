// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"

// What happened, in one vocabulary, whatever it was read from. schema/event.yaml is the
// specification: it names every column and says what it holds.
namespace ekshume::event {

// The text columns that a reader fills in.
enum class Text : uint8_t {
#define EKSHUME_TEXT(enumerator, name) enumerator,
#define EKSHUME_NUMBER(enumerator, name)
#define EKSHUME_STORED(enumerator, name)
#include "event/columns.inc"
#undef EKSHUME_TEXT
#undef EKSHUME_NUMBER
#undef EKSHUME_STORED
  kCount
};

// The number columns that a reader fills in.
enum class Number : uint8_t {
#define EKSHUME_TEXT(enumerator, name)
#define EKSHUME_NUMBER(enumerator, name) enumerator,
#define EKSHUME_STORED(enumerator, name)
#include "event/columns.inc"
#undef EKSHUME_TEXT
#undef EKSHUME_NUMBER
#undef EKSHUME_STORED
  kCount
};

inline constexpr size_t kTextCount = static_cast<size_t>(Text::kCount);
inline constexpr size_t kNumberCount = static_cast<size_t>(Number::kCount);

// "user_name"
std::string_view ColumnName(Text column);
std::string_view ColumnName(Number column);

enum class ColumnType : uint8_t { kText, kNumber, kTime };
struct Column {
  std::string_view name;
  ColumnType type;
};
// Every column, also those that the store fills in, in the order of schema/event.yaml.
std::span<const Column> Columns();
// The column of that name; null when there is none.
const Column* FindColumn(std::string_view name);

// One event. Values are bytes as found in evidence; an empty text means that the record does not
// say. Made to be used again and again: Clear() keeps the memory.
class Event {
 public:
  void Clear();

  const std::string& operator[](Text column) const { return texts_[static_cast<size_t>(column)]; }
  std::string& operator[](Text column) { return texts_[static_cast<size_t>(column)]; }
  const std::optional<int64_t>& operator[](Number column) const {
    return numbers_[static_cast<size_t>(column)];
  }
  std::optional<int64_t>& operator[](Number column) {
    return numbers_[static_cast<size_t>(column)];
  }
  // Adds a word to the column `tags`.
  void AddTag(std::string_view tag);

  // When it happened; none when the record does not say.
  std::optional<Timestamp> time;

  // What makes this record the same as another one, found elsewhere again (auditID and stage,
  // eventID): such rows are stored once. Empty where the format has no such identity; then the
  // place in the evidence is the identity.
  std::string identity;

  // The record as found, when it is not the bytes that the reader was given (one of several
  // events of a record, a value inside a database). Empty: the bytes that were given.
  std::string raw;

 private:
  std::array<std::string, kTextCount> texts_;
  std::array<std::optional<int64_t>, kNumberCount> numbers_;
};

// Takes events.
class Sink {
 public:
  virtual ~Sink() = default;
  // Takes what the event holds and leaves it cleared.
  virtual void Add(Event& event) = 0;
};

}  // namespace ekshume::event
