// SPDX-License-Identifier: Apache-2.0
#include "casefile/search/event_search.h"

#include <fmt/format.h>
#include <unistd.h>

#include <optional>
#include <set>
#include <utility>

#include "base/clock.h"
#include "casefile/case.h"
#include "event/store/search_function.h"

namespace ekshume::casefile {
namespace {

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
  if (!Case::IsCase(case_path)) {
    return Fail(ErrorCode::kNotFound, fmt::format("{} is no case; `ekshume investigate EVIDENCE "
                                                  "--case {}` makes one",
                                                  case_path, case_path));
  }
  std::unique_ptr<event::Store> store =
      EKSHUME_TRY(event::Store::Open(case_path, event::Store::Access::kRead));
  EKSHUME_TRY(AllowSpilling(*store, case_path));
  return store;
}

Result<std::string> Condition(event::Store& store, const std::string& query,
                              event::ValuesContaining containing) {
  const auto parsed = event::ParseQuery(query, Now());
  if (!parsed) {
    return Fail(ErrorCode::kInvalidArgument, event::DescribeQueryError(query, parsed.error()));
  }
  // An actor is found by every name that the records join to the one that was asked for.
  event::SqlOptions options;
  options.contains = event::kContainsFunction;
  options.containing = std::move(containing);
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

Result<std::vector<std::string>> CheckedColumns(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (event::FindColumn(name) == nullptr) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("events have no column {} (docs/events.md lists them)", name));
    }
  }
  return names;
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

}  // namespace ekshume::casefile
