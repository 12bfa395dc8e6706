// SPDX-License-Identifier: Apache-2.0
#include "event/store/row_batch.h"

#include <fmt/format.h>

#include "base/text.h"

namespace ekshume::event {
namespace {

// Positions in the table, which has every column but those that are made when they are read. `id`
// and `time` are stored by themselves.
enum Position : uint16_t {
#define EKSHUME_TEXT(enumerator, name) kTextAt##enumerator,
#define EKSHUME_NUMBER(enumerator, name) kNumberAt##enumerator,
#define EKSHUME_STORED(enumerator, name) kStoredAt##enumerator,
#include "event/columns.inc"
#undef EKSHUME_TEXT
#undef EKSHUME_NUMBER
#undef EKSHUME_STORED
};

constexpr uint16_t kTextPositions[] = {
#define EKSHUME_TEXT(enumerator, name) kTextAt##enumerator,
#define EKSHUME_NUMBER(enumerator, name)
#define EKSHUME_STORED(enumerator, name)
#include "event/columns.inc"
#undef EKSHUME_TEXT
#undef EKSHUME_NUMBER
#undef EKSHUME_STORED
};

constexpr uint16_t kNumberPositions[] = {
#define EKSHUME_TEXT(enumerator, name)
#define EKSHUME_NUMBER(enumerator, name) kNumberAt##enumerator,
#define EKSHUME_STORED(enumerator, name)
#include "event/columns.inc"
#undef EKSHUME_TEXT
#undef EKSHUME_NUMBER
#undef EKSHUME_STORED
};

}  // namespace

uint16_t StoredColumn(Text column) { return kTextPositions[static_cast<size_t>(column)]; }

void RowBatch::AddText(uint16_t column, std::string_view text) {
  Value value;
  value.column = column;
  value.is_text = true;
  value.number = static_cast<int64_t>(texts_.size());
  if (IsUtf8(text)) {
    texts_ += text;
  } else {
    std::string scratch;
    texts_ += AsUtf8(text, scratch);
  }
  value.size = static_cast<uint32_t>(texts_.size() - static_cast<uint64_t>(value.number));
  values_.push_back(value);
}

void RowBatch::Add(const Event& event, const Place& place, uint32_t raw_offset, uint32_t raw_size) {
  Row row;
  row.place = place;
  row.time = StoredTime(event.time);
  row.raw_offset = raw_offset;
  row.raw_size = raw_size;
  row.identity = texts_.size();
  row.identity_size = static_cast<uint32_t>(event.identity.size());
  texts_ += event.identity;
  row.first_value = values_.size();
  for (size_t i = 0; i < kTextCount; ++i) {
    const std::string& text = event[static_cast<Text>(i)];
    if (!text.empty()) AddText(kTextPositions[i], text);
  }
  for (size_t i = 0; i < kNumberCount; ++i) {
    const std::optional<int64_t>& number = event[static_cast<Number>(i)];
    if (!number) continue;
    Value value;
    value.column = kNumberPositions[i];
    value.number = *number;
    values_.push_back(value);
  }
  row.values = static_cast<uint32_t>(values_.size() - row.first_value);
  rows_.push_back(row);
}

uint32_t RowBatch::AddRaw(std::string_view record) {
  const auto offset = static_cast<uint32_t>(raw_.size());
  raw_ += record;
  return offset;
}

void RowBatch::Clear() {
  rows_.clear();
  values_.clear();
  texts_.clear();
  raw_.clear();
  evidence_.clear();
}

std::string_view RowBatch::KeepEvidence(std::string_view evidence) {
  // Rows of one file mostly follow each other.
  if (evidence_.empty() || evidence_.back() != evidence) evidence_.emplace_back(evidence);
  return evidence_.back();
}

std::string_view RowBatch::source(const Row& row) const {
  for (const Value& value : values(row)) {
    if (value.is_text && value.column == kTextAtkSource) return text(value);
  }
  return {};
}

bool CanStoreTime(const Timestamp& time) {
  constexpr int64_t kFirst = -9214560000;  // 1678-01-01
  constexpr int64_t kLast = 9214646400;    // 2262-01-01
  return time.seconds >= kFirst && time.seconds < kLast;
}

std::optional<int64_t> StoredTime(const std::optional<Timestamp>& time) {
  if (!time || !CanStoreTime(*time)) return std::nullopt;
  return time->seconds * 1000000000 + time->nanoseconds;
}

std::string_view AsUtf8(std::string_view text, std::string& scratch) {
  if (IsUtf8(text)) return text;
  scratch.clear();
  while (!text.empty()) {
    const unsigned char first = static_cast<unsigned char>(text.front());
    const size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (length <= text.size() && IsUtf8(text.substr(0, length))) {
      scratch += text.substr(0, length);
      text.remove_prefix(length);
    } else {
      scratch += fmt::format("\\x{:02x}", first);
      text.remove_prefix(1);
    }
  }
  return scratch;
}

}  // namespace ekshume::event
