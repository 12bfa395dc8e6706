// SPDX-License-Identifier: Apache-2.0
#include "artifact/packages/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/byte_view.h"
#include "base/limits.h"

namespace ekshume::artifact::packages {
namespace {

// Virtual machine instructions between two looks at the bound, and how many looks a database gets:
// a hundred times what reading a large real one takes.
constexpr int kStepsPerLook = 100000;
constexpr int64_t kMaxLooks = 1000;

// File format, section 1.3: bytes 18 and 19 are the versions to write and to read it with; 2 means
// that a write-ahead log may lie beside it, which a database in memory cannot have.
constexpr size_t kWriteVersion = 18;
constexpr size_t kReadVersion = 19;
constexpr size_t kHeaderBytes = 100;

}  // namespace

SqliteDatabase::SqliteDatabase(std::string bytes, sqlite3* database)
    : bytes_(std::move(bytes)), database_(database), steps_left_(kMaxLooks) {}

SqliteDatabase::~SqliteDatabase() { sqlite3_close(database_); }

Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::Open(std::string bytes) {
  if (bytes.size() < kHeaderBytes || !bytes.starts_with("SQLite format 3")) {
    return Fail(ErrorCode::kCorrupt, "no SQLite database");
  }
  bytes[kWriteVersion] = '\1';
  bytes[kReadVersion] = '\1';
  sqlite3* handle = nullptr;
  const int opened = sqlite3_open_v2(":memory:", &handle, SQLITE_OPEN_READWRITE, nullptr);
  std::unique_ptr<SqliteDatabase> database(new SqliteDatabase(std::move(bytes), handle));
  if (opened != SQLITE_OK) return Fail(ErrorCode::kCorrupt, "SQLite cannot be started");
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, static_cast<int>(limits::kMaxArtifactBytes));
  sqlite3_progress_handler(
      handle, kStepsPerLook, [](void* left) { return --*static_cast<int64_t*>(left) <= 0 ? 1 : 0; },
      &database->steps_left_);
  const auto size = static_cast<sqlite3_int64>(database->bytes_.size());
  unsigned char* data = AsUnsignedChars(AsWritableBytes(database->bytes_));
  if (sqlite3_deserialize(handle, "main", data, size, size, SQLITE_DESERIALIZE_READONLY) !=
      SQLITE_OK) {
    return Fail(ErrorCode::kCorrupt, "SQLite does not take the bytes");
  }
  return database;
}

Result<void> SqliteDatabase::Query(std::string_view text,
                                   const std::function<bool(const Row&)>& visit) {
  sqlite3_stmt* statement = nullptr;
  const int prepared = sqlite3_prepare_v2(database_, text.data(), static_cast<int>(text.size()),
                                          &statement, nullptr);
  if (prepared != SQLITE_OK) return Fail(ErrorCode::kCorrupt, sqlite3_errmsg(database_));
  int stepped = SQLITE_ROW;
  while ((stepped = sqlite3_step(statement)) == SQLITE_ROW) {
    if (!visit(Row(statement))) break;
  }
  const std::string message = sqlite3_errmsg(database_);
  sqlite3_finalize(statement);
  if (stepped != SQLITE_ROW && stepped != SQLITE_DONE) return Fail(ErrorCode::kCorrupt, message);
  return {};
}

int64_t SqliteDatabase::Row::Integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

bool SqliteDatabase::Row::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::string_view SqliteDatabase::Row::Bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (data == nullptr || size <= 0) return {};
  return {static_cast<const char*>(data), static_cast<size_t>(size)};
}

}  // namespace ekshume::artifact::packages
