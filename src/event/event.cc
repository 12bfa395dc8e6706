// SPDX-License-Identifier: Apache-2.0
#include "event/event.h"

#include <algorithm>

namespace ekshume::event {
namespace {

constexpr std::string_view kTextNames[] = {
#define EKSHUME_TEXT(enumerator, name) name,
#define EKSHUME_NUMBER(enumerator, name)
#define EKSHUME_STORED(enumerator, name)
#include "event/columns.inc"
#undef EKSHUME_TEXT
#undef EKSHUME_NUMBER
#undef EKSHUME_STORED
};

constexpr std::string_view kNumberNames[] = {
#define EKSHUME_TEXT(enumerator, name)
#define EKSHUME_NUMBER(enumerator, name) name,
#define EKSHUME_STORED(enumerator, name)
#include "event/columns.inc"
#undef EKSHUME_TEXT
#undef EKSHUME_NUMBER
#undef EKSHUME_STORED
};

constexpr ColumnType StoredType(std::string_view name) {
  return name == "time" ? ColumnType::kTime : ColumnType::kText;
}

constexpr Column kColumns[] = {
#define EKSHUME_TEXT(enumerator, name) {name, ColumnType::kText},
#define EKSHUME_NUMBER(enumerator, name) {name, ColumnType::kNumber},
#define EKSHUME_STORED(enumerator, name) {name, StoredType(name)},
#include "event/columns.inc"
#undef EKSHUME_TEXT
#undef EKSHUME_NUMBER
#undef EKSHUME_STORED
};

}  // namespace

std::string_view ColumnName(Text column) { return kTextNames[static_cast<size_t>(column)]; }
std::string_view ColumnName(Number column) { return kNumberNames[static_cast<size_t>(column)]; }

std::span<const Column> Columns() { return kColumns; }

const Column* FindColumn(std::string_view name) {
  const auto found = std::ranges::find(kColumns, name, &Column::name);
  return found == std::end(kColumns) ? nullptr : found;
}

void Event::Clear() {
  for (std::string& text : texts_) text.clear();
  numbers_.fill(std::nullopt);
  time.reset();
  identity.clear();
  raw.clear();
}

void Event::AddTag(std::string_view tag) {
  std::string& tags = (*this)[Text::kTags];
  if (!tags.empty()) tags += ' ';
  tags += tag;
}

}  // namespace ekshume::event
