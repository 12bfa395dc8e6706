// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ekshume::detect::sigma {

enum class ValueKind : uint8_t { kText, kNumber, kBoolean, kNull };

// One value of a field of a record. Numbers and booleans compare as the text that they are written
// as; `lower` is the text with small ASCII letters.
struct Value {
  ValueKind kind = ValueKind::kText;
  std::string_view text;
  std::string_view lower;
};

// The values that one record has for one field. Made to be used again: Clear() keeps the memory.
class Values {
 public:
  void Clear();
  // `text` must outlive the values (a part of the record).
  void Add(ValueKind kind, std::string_view text);
  void AddCopy(ValueKind kind, std::string text);
  // The field is there, though it may hold nothing (an empty list).
  void SetPresent() { present_ = true; }

  bool present() const { return present_; }
  const std::vector<Value>& list() const { return list_; }

 private:
  bool present_ = false;
  std::vector<Value> list_;
  std::deque<std::string> owned_;
};

}  // namespace ekshume::detect::sigma
