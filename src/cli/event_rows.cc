// SPDX-License-Identifier: Apache-2.0
#include "cli/event_rows.h"

#include <fmt/format.h>

#include <string_view>

#include "event/store/ordered_events.h"

namespace ekshume::cli {
namespace {

// Formatted rows are handed on when there are about this many bytes.
constexpr size_t kRowsTogether = 256;

// What fits on a terminal and names who, where and what.
constexpr std::string_view kTableColumns =
    "time, source, coalesce(user_arn, user_name, service_account) AS actor, "
    "concat_ws('/', namespace, pod, container) AS \"where\", message";

}  // namespace

std::string EventSql(OutputFormat format, const std::vector<std::string>& columns,
                     const std::string& where, bool reverse, uint64_t limit) {
  std::string list;
  for (const std::string& column : columns) list += (list.empty() ? "" : ", ") + column;
  if (list.empty()) list = format == OutputFormat::kTable ? kTableColumns : "*";
  return event::OrderedEventsSql(list, where, reverse, limit);
}

Result<void> PrintRows(Program& program, event::Rows& rows) {
  const auto output = EKSHUME_TRY(program.OpenOutput());
  RowWriter writer(program.format, *output);
  RowFormatter formatter(program.format);
  const std::vector<event::Rows::Column>& columns = rows.columns();
  size_t count = 0;
  while (!output->failed() && !program.progress.cancelled() && EKSHUME_TRY(rows.Next())) {
    formatter.Begin();
    for (size_t i = 0; i < columns.size(); ++i) {
      if (rows.IsNull(i)) {
        formatter.Null(columns[i].name);
      } else if (columns[i].type == event::ColumnType::kNumber) {
        formatter.Integer(columns[i].name, rows.Integer(i));
      } else {
        formatter.Text(columns[i].name, rows.Text(i));
      }
    }
    formatter.End();
    if (++count % kRowsTogether == 0) writer.Write(formatter.Take(), formatter.keys());
  }
  writer.Write(formatter.Take(), formatter.keys());
  writer.Finish();
  return output->Finish();
}

}  // namespace ekshume::cli
