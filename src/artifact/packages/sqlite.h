// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace ekshume::artifact::packages {

// A SQLite database whose bytes are in memory, read by SQLite itself with all that a hostile schema
// could do switched off and its work bounded. One thread.
class SqliteDatabase {
 public:
  // kCorrupt when SQLite does not take the bytes for a database.
  static Result<std::unique_ptr<SqliteDatabase>> Open(std::string bytes);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  // One row of an answer; valid until the function that it was given to returns.
  class Row {
   public:
    explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
    int64_t Integer(int column) const;
    bool IsNull(int column) const;
    std::string_view Bytes(int column) const;  // of a blob or text

   private:
    sqlite3_stmt* statement_;
  };
  // Calls `visit` for each row of the answer until it returns false. kCorrupt where the database is
  // damaged or has no such table; rows before that were visited.
  Result<void> Query(std::string_view statement, const std::function<bool(const Row&)>& visit);

 private:
  SqliteDatabase(std::string bytes, sqlite3* database);

  std::string bytes_;  // SQLite reads them as long as it is open
  sqlite3* database_;
  int64_t steps_left_;
};

}  // namespace ekshume::artifact::packages
