// SPDX-License-Identifier: Apache-2.0
#include "cli/event_rows.h"

#include <fmt/format.h>
#include <unistd.h>

#include <optional>
#include <set>
#include <string_view>

#include "base/clock.h"
#include "casefile/case.h"
#include "event/query/query.h"
#include "event/store/ordered_events.h"
#include "event/store/search_function.h"

namespace ekshume::cli {
namespace {

// Formatted rows are handed on when there are about this many bytes.
constexpr size_t kRowsTogether = 256;

// What fits on a terminal and names who, where and what.
constexpr std::string_view kTableColumns =
    "time, source, coalesce(user_arn, user_name, service_account) AS actor, "
    "concat_ws('/', namespace, pod, container) AS \"where\", message";

// Lets sorts that do not fit into memory use a folder in the case, which DuckDB makes when it needs
// it and removes at the end. A case that cannot be written to has to do without.
Result<void> AllowSpilling(event::Store& store, const std::string& case_path) {
  if (::access(case_path.c_str(), W_OK) != 0) return {};
  return store.Execute(
      fmt::format("SET temp_directory = {}",
                  event::SqlLiteral(fmt::format("{}/temporary-{}", case_path, ::getpid()))));
}

}  // namespace

Result<std::unique_ptr<event::Store>> OpenEvents(const std::string& case_path) {
  if (!casefile::Case::IsCase(case_path)) {
    return Fail(ErrorCode::kNotFound, fmt::format("{} is no case; `ekshume investigate EVIDENCE "
                                                  "--case {}` makes one",
                                                  case_path, case_path));
  }
  std::unique_ptr<event::Store> store =
      EKSHUME_TRY(event::Store::Open(case_path, event::Store::Access::kRead));
  EKSHUME_TRY(AllowSpilling(*store, case_path));
  return store;
}

Result<std::string> Condition(event::Store& store, const std::string& query) {
  const auto parsed = event::ParseQuery(query, Now());
  if (!parsed) {
    return Fail(ErrorCode::kInvalidArgument, event::DescribeQueryError(query, parsed.error()));
  }
  // An actor is found by every name that the records join to the one that was asked for.
  event::SqlOptions options;
  options.contains = event::kContainsFunction;
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
  return event::OrderedEventsSql(list, where, reverse, limit);
}

// Grouping sets, as they evaluate the condition once for all columns.
std::string FacetSql(const std::vector<std::string>& columns, const std::string& where,
                     uint64_t size) {
  std::set<std::string_view> seen;
  std::string fields;
  std::string values;
  std::string sets;
  for (const std::string& column : columns) {
    if (!seen.insert(column).second) continue;
    fields += fmt::format(" WHEN GROUPING({}) = 0 THEN {}", column, event::SqlLiteral(column));
    values += fmt::format(" WHEN GROUPING({0}) = 0 THEN CAST({0} AS VARCHAR)", column);
    sets += fmt::format("{}({})", sets.empty() ? "" : ", ", column);
  }
  return fmt::format(
      "SELECT CASE{} END AS field, CASE{} END AS value, count(*) AS count FROM events WHERE {} "
      "GROUP BY GROUPING SETS ({}) QUALIFY row_number() OVER (PARTITION BY field ORDER BY count "
      "DESC, value) <= {} ORDER BY field, count DESC, value",
      fields, values, where, sets, size);
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
