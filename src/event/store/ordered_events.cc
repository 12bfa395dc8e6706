// SPDX-License-Identifier: Apache-2.0
#include "event/store/ordered_events.h"

#include <fmt/format.h>

#include "event/store/stored_columns.h"

namespace ekshume::event {

std::string OrderedEventsSql(std::string_view list, std::string_view where, bool reverse,
                             uint64_t limit) {
  // The innermost table has all columns, as the condition may name any; the sort carries the record
  // as its place only.
  std::string sql = fmt::format(
      "SELECT {} FROM (SELECT {} FROM (SELECT {}{} FROM {} WHERE {} ORDER BY events.time {} NULLS "
      "LAST, events.id",
      list, ShownColumns(true), StoredColumns(), kPlaceColumns, AllColumnsSql(), where,
      reverse ? "DESC" : "ASC");
  if (limit > 0) sql += fmt::format(" LIMIT {}", limit);
  return sql + "))";
}

}  // namespace ekshume::event
