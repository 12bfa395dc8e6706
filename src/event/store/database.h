// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <duckdb.h>

#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
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

// The bytes of a text in a chunk, for as long as the chunk is there.
inline std::string_view TextView(const duckdb_string_t& text) {
  const auto& pointer = text.value.pointer;
  return pointer.length <= sizeof(text.value.inlined.inlined)
             ? std::string_view(text.value.inlined.inlined, pointer.length)
             : std::string_view(pointer.ptr, pointer.length);
}

// All that DuckDB holds of a text where it stands: equal for equal short (inlined) texts, and for
// longer ones at the same place.
inline std::pair<uint64_t, uint64_t> StringWords(const duckdb_string_t& text) {
  const auto words = std::bit_cast<std::array<uint64_t, 2>>(text);
  return {words[0], words[1]};
}

// The values of a column of a chunk, and which of them are no null (null: all).
template <typename T>
const T* ChunkData(duckdb_data_chunk chunk, idx_t column) {
  return static_cast<const T*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, column)));
}
inline const uint64_t* ChunkValidity(duckdb_data_chunk chunk, idx_t column) {
  return duckdb_vector_get_validity(duckdb_data_chunk_get_vector(chunk, column));
}
inline constexpr idx_t kMaskBits = 64;  // rows that one word of it says that about
inline bool IsValid(const uint64_t* validity, idx_t row) {
  return validity == nullptr || (validity[row / kMaskBits] >> (row % kMaskBits) & 1) != 0;
}

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

  // Gives the chunks of a statement that reads to `take`, each for as long as the call lasts. The
  // first error of `take` is the result.
  Result<void> Chunks(const std::string& sql,
                      const std::function<Result<void>(duckdb_data_chunk, idx_t rows)>& take);

  // Ends the statement that runs, which fails then. Any thread.
  void Interrupt() { duckdb_interrupt(connection_); }

  duckdb_connection connection() const { return connection_; }

 private:
  Database() = default;
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
};

}  // namespace ekshume::event
