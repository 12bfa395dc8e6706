// SPDX-License-Identifier: Apache-2.0
#include "event/store/stored_columns.h"

#include <fmt/format.h>

#include "event/event.h"

namespace ekshume::event {

bool IsMade(std::string_view column) { return column == "locator" || column == "raw"; }

std::string StoredColumns() {
  std::string sql;
  for (const Column& column : Columns()) {
    if (!IsMade(column.name)) sql += fmt::format("{}, ", column.name);
  }
  return sql;
}

std::string ShownColumns(bool with_raw) {
  std::string sql;
  for (const Column& column : Columns()) {
    if (column.name == "raw" && !with_raw) continue;
    if (!sql.empty()) sql += ", ";
    sql += column.name == "locator" ? kLocatorSql : column.name == "raw" ? kRawSql : column.name;
  }
  return sql;
}

std::string AllColumnsSql() {
  return fmt::format("(SELECT *, rowid, {}, {} FROM stored_events) AS events", kLocatorSql,
                     kRawSql);
}

}  // namespace ekshume::event
