// SPDX-License-Identifier: Apache-2.0
#include "event/store/ordered_events.h"

#include <fmt/format.h>

#include "event/event.h"

namespace ekshume::event {
namespace {

constexpr std::string_view kLocator = "'offset=' || place AS locator";
constexpr std::string_view kRaw = "ekshume_raw(raw_frame, raw_offset, raw_length) AS raw";
constexpr std::string_view kPlaceColumns = "place, raw_frame, raw_offset, raw_length";

}  // namespace

std::string OrderedEventsSql(std::string_view list, std::string_view where, bool reverse,
                             uint64_t limit) {
  std::string stored;
  std::string shown;
  for (const Column& column : Columns()) {
    const bool is_made = column.name == "locator" || column.name == "raw";
    if (!is_made) stored += fmt::format("{}, ", column.name);
    shown += fmt::format("{}{}", shown.empty() ? "" : ", ",
                         column.name == "locator" ? kLocator
                         : column.name == "raw"   ? kRaw
                                                  : column.name);
  }
  // The innermost table has all columns, as the condition may name any; the sort carries the record
  // as its place only.
  std::string sql = fmt::format(
      "SELECT {} FROM (SELECT {} FROM (SELECT {}{} FROM (SELECT *, {}, {} FROM stored_events) AS "
      "events WHERE {} ORDER BY events.time {} NULLS LAST, events.id",
      list, shown, stored, kPlaceColumns, kLocator, kRaw, where, reverse ? "DESC" : "ASC");
  if (limit > 0) sql += fmt::format(" LIMIT {}", limit);
  return sql + "))";
}

std::string PackedEventsSql(std::string_view list) {
  std::string stored;
  std::string shown;
  for (const Column& column : Columns()) {
    const bool is_made = column.name == "locator" || column.name == "raw";
    if (!is_made) stored += fmt::format("{}, ", column.name);
    shown += fmt::format("{}{}", shown.empty() ? "" : ", ",
                         column.name == "locator" ? kLocator
                         : column.name == "raw"   ? kRaw
                                                  : column.name);
  }
  return fmt::format(
      "SELECT {} FROM (SELECT {} FROM (SELECT {}{} FROM stored_events ORDER BY raw_frame, "
      "raw_offset, id))",
      list, shown, stored, kPlaceColumns);
}

}  // namespace ekshume::event
