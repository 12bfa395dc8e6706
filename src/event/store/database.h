// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <duckdb.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "event/store/store.h"

// Of the library, but not of the header, which is one of an older version: like
// duckdb_vector_assign_string_element_len(), for texts that are known to be UTF-8.
extern "C" void duckdb_unsafe_vector_assign_string_element_len(duckdb_vector vector, idx_t index,
                                                               const char* text, idx_t size);

// DuckDB's C interface in our own words. One thread at a time.
namespace ekshume::event {

// A statement that was started, and its rows as they come. Next() may be called by any thread, by
// one at a time.
class Stream {
 public:
  Stream(duckdb_prepared_statement statement, duckdb_result result)
      : statement_(statement), result_(result) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  // Some rows, which the caller destroys; null at the end. An error of the database is kIo.
  Result<duckdb_data_chunk> Next();
  duckdb_result& result() { return result_; }

 private:
  duckdb_prepared_statement statement_;
  duckdb_result result_;
};

// 8-4-4-4-12, of a value of the type UUID.
std::string UuidText(const duckdb_hugeint& value);

class Database {
 public:
  using Options = std::vector<std::pair<std::string, std::string>>;
  enum class Access { kRead, kWrite };
  // Opens the file or (kWrite) makes it; `options` are DuckDB's settings. kIo with DuckDB's
  // sentence.
  static Result<std::unique_ptr<Database>> Open(const std::string& path, Access access,
                                                const Options& options);
  ~Database();

  // Runs statements whose rows are of no interest.
  Result<void> Execute(const std::string& sql);
  // The one number that a statement returns; 0 when it is null.
  Result<int64_t> Number(const std::string& sql);
  // Runs one statement and gives its rows as they come. With `only_reading`, statements of any
  // other kind are kInvalidArgument.
  Result<std::unique_ptr<Rows>> Query(const std::string& sql, bool only_reading);

  // The same for who reads the chunks itself.
  Result<std::unique_ptr<Stream>> Start(const std::string& sql, bool only_reading);

  duckdb_connection connection() const { return connection_; }

 private:
  Database() = default;
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
};

}  // namespace ekshume::event
