// SPDX-License-Identifier: Apache-2.0
#include "cli/event_rows.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "casefile/case.h"
#include "event/query/query.h"

namespace ekshume::cli {
namespace {

// Formatted rows are handed on when there are about this many bytes.
constexpr size_t kRowsTogether = 256;

Timestamp Now() {
  return TimestampFromNanoseconds(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                      std::chrono::system_clock::now().time_since_epoch())
                                      .count());
}

// What fits on a terminal and names who, where and what.
constexpr std::string_view kTableColumns =
    "time, source, coalesce(user_arn, user_name, service_account) AS actor, "
    "concat_ws('/', namespace, pod, container) AS \"where\", message";

}  // namespace

Result<std::unique_ptr<event::Store>> OpenEvents(const std::string& case_path) {
  if (!casefile::Case::IsCase(case_path)) {
    return Fail(ErrorCode::kNotFound, fmt::format("{} is no case; `ekshume investigate EVIDENCE "
                                                  "--case {}` makes one",
                                                  case_path, case_path));
  }
  return event::Store::Open(case_path, event::Store::Access::kRead);
}

Result<std::string> Condition(event::Store& store, const std::string& query) {
  const auto parsed = event::ParseQuery(query, Now());
  if (!parsed) {
    return Fail(ErrorCode::kInvalidArgument, event::DescribeQueryError(query, parsed.error()));
  }
  // An actor is found by every name that the records join to the one that was asked for.
  event::SqlOptions options;
  std::optional<Error> error;
  options.also = [&](std::string_view field, std::string_view value) {
    std::vector<event::ColumnValue> also;
    if (field != "actor") return also;
    Result<std::vector<event::NamedValue>> names =
        store.SameActor(std::string(field), std::string(value));
    if (!names) {
      error = names.error();
      return also;
    }
    for (event::NamedValue& name : *names) {
      also.push_back({std::move(name.field), std::move(name.value)});
    }
    return also;
  };
  std::string sql = event::ToSql(*parsed, options);
  if (error) return *error;
  return sql;
}

std::string EventSql(OutputFormat format, const std::vector<std::string>& columns,
                     const std::string& where, bool reverse, uint64_t limit) {
  std::string list;
  for (const std::string& column : columns) list += (list.empty() ? "" : ", ") + column;
  if (list.empty()) list = format == OutputFormat::kTable ? kTableColumns : "*";
  const char* order = reverse ? "DESC NULLS LAST" : "ASC NULLS LAST";
  std::string sql = fmt::format("SELECT {} FROM events WHERE {} ORDER BY events.time {}, events.id",
                                list, where, order);
  if (limit > 0) sql += fmt::format(" LIMIT {}", limit);
  return sql;
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
