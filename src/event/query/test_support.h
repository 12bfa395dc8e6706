// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <duckdb.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "event/event.h"
#include "event/query/query.h"

namespace ekshume::event {

// A table of events in memory that is asked with queries: what a query means is what it finds.
class MemoryEvents {
 public:
  // One minute past midnight, 2026-03-10.
  static constexpr Timestamp kNow{1773100860, 0};

  MemoryEvents() {
    EXPECT_EQ(duckdb_open(nullptr, &database_), DuckDBSuccess);
    EXPECT_EQ(duckdb_connect(database_, &connection_), DuckDBSuccess);
    std::string columns = "label VARCHAR";
    for (const Column& column : Columns()) {
      const char* const type = column.name == "id"                  ? "UUID"
                               : column.type == ColumnType::kNumber ? "BIGINT"
                               : column.type == ColumnType::kTime   ? "TIMESTAMP_NS"
                                                                    : "VARCHAR";
      columns += fmt::format(", {} {}", column.name, type);
    }
    Run(fmt::format("CREATE TABLE events ({})", columns));
  }
  ~MemoryEvents() {
    duckdb_disconnect(&connection_);
    duckdb_close(&database_);
  }
  MemoryEvents(const MemoryEvents&) = delete;
  MemoryEvents& operator=(const MemoryEvents&) = delete;

  // A row with these values, and null elsewhere.
  void Add(std::string_view label,
           const std::vector<std::pair<std::string_view, std::string_view>>& values) {
    std::string columns = "label";
    std::string literals = fmt::format("'{}'", label);
    for (const auto& [column, value] : values) {
      columns += fmt::format(", {}", column);
      literals += ", '";
      for (const char c : value) literals += c == '\'' ? "''" : std::string(1, c);
      literals += '\'';
    }
    Run(fmt::format("INSERT INTO events ({}) VALUES ({})", columns, literals));
  }

  // The labels of the rows that the query finds, in alphabetical order, with spaces between them.
  std::string Find(std::string_view text, const SqlOptions& options = {}) {
    const auto query = ParseQuery(text, kNow);
    if (!query) return fmt::format("error at {}: {}", query.error().offset, query.error().message);
    return Run("SELECT string_agg(label, ' ' ORDER BY label) FROM events WHERE " +
               ToSql(*query, options));
  }

  // The first value of a statement's result; empty when there is none.
  std::string Run(const std::string& sql) {
    duckdb_result result;
    std::string out;
    if (duckdb_query(connection_, sql.c_str(), &result) == DuckDBError) {
      out = duckdb_result_error(&result);
      ADD_FAILURE() << sql << "\n" << out;
    } else if (duckdb_row_count(&result) > 0) {
      char* const value = duckdb_value_varchar(&result, 0, 0);
      if (value != nullptr) out = value;
      duckdb_free(value);
    }
    duckdb_destroy_result(&result);
    return out;
  }

 private:
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
};

}  // namespace ekshume::event
