// SPDX-License-Identifier: Apache-2.0
#include "event/store/database.h"

#include <fmt/format.h>

#include <optional>

#include "base/text.h"
#include "base/time.h"

namespace ekshume::event {
namespace {

// What other programs need to read the file. With it texts are stored as dictionaries of compressed
// words: written in half the time, searched faster.
constexpr const char* kStorageVersion = "v1.3.0";
// Each thread fills and compresses groups of its own; what is over at the end is compressed by one
// thread alone. A third of DuckDB's size makes that short, and takes a third of the memory.
constexpr int kRowGroupSize = 40960;

// DuckDB's errors begin with the kind of error and may go on for lines: the first says it all.
Error DatabaseError(const char* message) {
  std::string_view text = message == nullptr ? "the database failed" : message;
  const ErrorCode code =
      text.find("No space left") != std::string_view::npos ? ErrorCode::kNoSpace
      : text.starts_with("Parser Error") || text.starts_with("Binder Error") ||
              text.starts_with("Catalog Error") || text.starts_with("Conversion Error") ||
              text.starts_with("Invalid Input Error") || text.starts_with("Permission Error")
          ? ErrorCode::kInvalidArgument
          : ErrorCode::kIo;
  return Fail(code, std::string(text));
}

// Rows of a streaming result.
class ResultRows final : public Rows {
 public:
  explicit ResultRows(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {
    duckdb_result& result = stream_->result();
    const idx_t count = duckdb_column_count(&result);
    for (idx_t i = 0; i < count; ++i) {
      types_.push_back(duckdb_column_type(&result, i));
      ColumnType type = ColumnType::kText;
      switch (types_.back()) {
        case DUCKDB_TYPE_TINYINT:
        case DUCKDB_TYPE_SMALLINT:
        case DUCKDB_TYPE_INTEGER:
        case DUCKDB_TYPE_BIGINT:
        case DUCKDB_TYPE_UTINYINT:
        case DUCKDB_TYPE_USMALLINT:
        case DUCKDB_TYPE_UINTEGER:
        case DUCKDB_TYPE_UBIGINT: type = ColumnType::kNumber; break;
        case DUCKDB_TYPE_TIMESTAMP_NS:
        case DUCKDB_TYPE_TIMESTAMP: type = ColumnType::kTime; break;
        default: break;
      }
      columns_.push_back({duckdb_column_name(&result, i), type});
    }
    texts_.resize(count);
  }
  ResultRows(const ResultRows&) = delete;
  ResultRows& operator=(const ResultRows&) = delete;
  ~ResultRows() override {
    if (chunk_ != nullptr) duckdb_destroy_data_chunk(&chunk_);
  }

  const std::vector<Column>& columns() const override { return columns_; }

  Result<bool> Next() override {
    ++row_;
    while (row_ >= size_) {
      if (chunk_ != nullptr) duckdb_destroy_data_chunk(&chunk_);
      chunk_ = EKSHUME_TRY(stream_->Next());
      if (chunk_ == nullptr) {
        size_ = 0;
        return false;
      }
      size_ = duckdb_data_chunk_get_size(chunk_);
      row_ = 0;
    }
    return true;
  }

  bool IsNull(size_t column) const override {
    uint64_t* validity = duckdb_vector_get_validity(Vector(column));
    return validity != nullptr && !duckdb_validity_row_is_valid(validity, row_);
  }

  std::string_view Text(size_t column) override {
    if (IsNull(column)) return {};
    std::string& text = texts_[column];
    switch (types_[column]) {
      case DUCKDB_TYPE_VARCHAR:
      case DUCKDB_TYPE_BLOB: {
        duckdb_string_t& value = Data<duckdb_string_t>(column);
        return {duckdb_string_t_data(&value), duckdb_string_t_length(value)};
      }
      case DUCKDB_TYPE_TIMESTAMP_NS:
        text = FormatTimestamp(TimestampFromNanoseconds(Data<int64_t>(column)));
        return text;
      case DUCKDB_TYPE_TIMESTAMP: {
        const int64_t micros = Data<int64_t>(column);
        const int64_t seconds = micros / 1000000 - (micros % 1000000 < 0 ? 1 : 0);
        text =
            FormatTimestamp({seconds, static_cast<uint32_t>((micros - seconds * 1000000) * 1000)});
        return text;
      }
      case DUCKDB_TYPE_UUID: text = UuidText(Data<duckdb_hugeint>(column)); return text;
      case DUCKDB_TYPE_HUGEINT:
        text = fmt::format(
            "{}", static_cast<int64_t>(duckdb_hugeint_to_double(Data<duckdb_hugeint>(column))));
        return text;
      case DUCKDB_TYPE_DATE:
        text = FormatTimestamp({int64_t{Data<int32_t>(column)} * 86400, 0}).substr(0, 10);
        return text;
      case DUCKDB_TYPE_BOOLEAN: return Data<bool>(column) ? "true" : "false";
      case DUCKDB_TYPE_DOUBLE: text = fmt::format("{}", Data<double>(column)); return text;
      case DUCKDB_TYPE_FLOAT: text = fmt::format("{}", Data<float>(column)); return text;
      default: break;
    }
    if (columns_[column].type == ColumnType::kNumber) {
      text = types_[column] == DUCKDB_TYPE_UBIGINT ? fmt::format("{}", Data<uint64_t>(column))
                                                   : fmt::format("{}", Integer(column));
      return text;
    }
    return "(a value of a type that cannot be shown; cast it to VARCHAR)";
  }

  int64_t Integer(size_t column) const override {
    switch (types_[column]) {
      case DUCKDB_TYPE_TINYINT: return Data<int8_t>(column);
      case DUCKDB_TYPE_SMALLINT: return Data<int16_t>(column);
      case DUCKDB_TYPE_INTEGER: return Data<int32_t>(column);
      case DUCKDB_TYPE_UTINYINT: return Data<uint8_t>(column);
      case DUCKDB_TYPE_USMALLINT: return Data<uint16_t>(column);
      case DUCKDB_TYPE_UINTEGER: return Data<uint32_t>(column);
      case DUCKDB_TYPE_UBIGINT: return static_cast<int64_t>(Data<uint64_t>(column));
      default: return Data<int64_t>(column);
    }
  }

 private:
  duckdb_vector Vector(size_t column) const { return duckdb_data_chunk_get_vector(chunk_, column); }
  template <typename T>
  T& Data(size_t column) const {
    return static_cast<T*>(duckdb_vector_get_data(Vector(column)))[row_];
  }

  const std::unique_ptr<Stream> stream_;
  duckdb_data_chunk chunk_ = nullptr;
  idx_t row_ = 0;
  idx_t size_ = 0;
  std::vector<Column> columns_;
  std::vector<duckdb_type> types_;
  std::vector<std::string> texts_;
};

}  // namespace

Stream::~Stream() {
  duckdb_destroy_result(&result_);
  duckdb_destroy_prepare(&statement_);
}

Result<duckdb_data_chunk> Stream::Next() {
  const duckdb_data_chunk chunk = duckdb_fetch_chunk(result_);
  if (chunk == nullptr) {
    const char* error = duckdb_result_error(&result_);
    if (error != nullptr && *error != '\0') return DatabaseError(error);
  }
  return chunk;
}

std::string UuidText(const duckdb_hugeint& value) {
  // DuckDB keeps the first bit turned.
  const uint64_t high = static_cast<uint64_t>(value.upper) ^ (uint64_t{1} << 63);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(36, '-');
  size_t place = 0;
  for (const uint64_t half : {high, value.lower}) {
    for (int shift = 60; shift >= 0; shift -= 4) {
      if (place == 8 || place == 13 || place == 18 || place == 23) ++place;
      text[place++] = kDigits[(half >> shift) & 0xf];
    }
  }
  return text;
}

Result<std::unique_ptr<Database>> Database::Open(const std::string& path, Access access,
                                                 const Options& options) {
  std::unique_ptr<Database> database(new Database());
  duckdb_config config = nullptr;
  if (duckdb_create_config(&config) != DuckDBSuccess) return DatabaseError(nullptr);
  for (const auto& [name, value] : options) {
    if (duckdb_set_config(config, name.c_str(), value.c_str()) != DuckDBSuccess) {
      duckdb_destroy_config(&config);
      return Fail(ErrorCode::kIo, fmt::format("DuckDB has no option {}={}", name, value));
    }
  }
  char* message = nullptr;
  const duckdb_state opened = duckdb_open_ext(":memory:", &database->database_, config, &message);
  duckdb_destroy_config(&config);
  if (opened != DuckDBSuccess) {
    const Error error = DatabaseError(message);
    duckdb_free(message);
    return error;
  }
  if (duckdb_connect(database->database_, &database->connection_) != DuckDBSuccess) {
    return DatabaseError(nullptr);
  }
  // Attached, because only so the size of row groups can be chosen.
  const std::string how =
      access == Access::kRead
          ? "READ_ONLY"
          : fmt::format("STORAGE_VERSION '{}', ROW_GROUP_SIZE {}", kStorageVersion, kRowGroupSize);
  EKSHUME_TRY(database->Execute(
      fmt::format("ATTACH {} AS case_events ({}); USE case_events", SqlLiteral(path), how)));
  return database;
}

Database::~Database() {
  if (connection_ != nullptr) duckdb_disconnect(&connection_);
  if (database_ != nullptr) duckdb_close(&database_);
}

Result<void> Database::Execute(const std::string& sql) {
  duckdb_result result;
  if (duckdb_query(connection_, sql.c_str(), &result) != DuckDBSuccess) {
    const Error error = DatabaseError(duckdb_result_error(&result));
    duckdb_destroy_result(&result);
    return error;
  }
  duckdb_destroy_result(&result);
  return {};
}

Result<int64_t> Database::Number(const std::string& sql) {
  const std::unique_ptr<Rows> rows = EKSHUME_TRY(Query(sql, false));
  int64_t number = 0;
  // To the end: a result that is left half-read keeps its transaction open.
  while (EKSHUME_TRY(rows->Next())) number = rows->IsNull(0) ? 0 : rows->Integer(0);
  return number;
}

Result<std::unique_ptr<Rows>> Database::Query(const std::string& sql, bool only_reading) {
  return std::make_unique<ResultRows>(EKSHUME_TRY(Start(sql, only_reading)));
}

Result<std::unique_ptr<Stream>> Database::Start(const std::string& sql, bool only_reading) {
  duckdb_extracted_statements statements = nullptr;
  const idx_t count = duckdb_extract_statements(connection_, sql.c_str(), &statements);
  if (count != 1) {
    const char* message = duckdb_extract_statements_error(statements);
    const Error error = message != nullptr
                            ? DatabaseError(message)
                            : Fail(ErrorCode::kInvalidArgument, "one statement at a time, please");
    duckdb_destroy_extracted(&statements);
    return error;
  }
  duckdb_prepared_statement statement = nullptr;
  const duckdb_state prepared =
      duckdb_prepare_extracted_statement(connection_, statements, 0, &statement);
  duckdb_destroy_extracted(&statements);
  if (prepared != DuckDBSuccess) {
    const Error error = DatabaseError(duckdb_prepare_error(statement));
    duckdb_destroy_prepare(&statement);
    return error;
  }
  const duckdb_statement_type type = duckdb_prepared_statement_type(statement);
  if (only_reading && type != DUCKDB_STATEMENT_TYPE_SELECT &&
      type != DUCKDB_STATEMENT_TYPE_EXPLAIN) {
    duckdb_destroy_prepare(&statement);
    return Fail(ErrorCode::kInvalidArgument, "only statements that read are run on a case");
  }
  duckdb_pending_result pending = nullptr;
  duckdb_result result;
  if (duckdb_pending_prepared_streaming(statement, &pending) != DuckDBSuccess) {
    const Error error = DatabaseError(duckdb_pending_error(pending));
    duckdb_destroy_pending(&pending);
    duckdb_destroy_prepare(&statement);
    return error;
  }
  const duckdb_state executed = duckdb_execute_pending(pending, &result);
  duckdb_destroy_pending(&pending);
  if (executed != DuckDBSuccess) {
    const Error error = DatabaseError(duckdb_result_error(&result));
    duckdb_destroy_result(&result);
    duckdb_destroy_prepare(&statement);
    return error;
  }
  return std::make_unique<Stream>(statement, result);
}

Result<void> Database::Chunks(
    const std::string& sql,
    const std::function<Result<void>(duckdb_data_chunk, idx_t rows)>& take) {
  const std::unique_ptr<Stream> stream = EKSHUME_TRY(Start(sql, true));
  Result<void> result;
  // To the end: a result that is left half-read keeps its transaction open.
  for (;;) {
    Result<duckdb_data_chunk> chunk = stream->Next();
    if (!chunk) return result ? Result<void>(chunk.error()) : result;
    if (*chunk == nullptr) return result;
    if (result) {
      result = take(*chunk, duckdb_data_chunk_get_size(*chunk));
      if (!result) Interrupt();
    }
    duckdb_destroy_data_chunk(&*chunk);
  }
}

}  // namespace ekshume::event
