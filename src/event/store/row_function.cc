// SPDX-License-Identifier: Apache-2.0
#include "event/store/row_function.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "event/store/database.h"
#include "event/store/row_batch.h"
#include "event/store/stored_columns.h"

namespace ekshume::event {
namespace {

// SHA-256 over the parts, each with its length before it: the first 128 bits.
class IdMaker {
 public:
  IdMaker()
      : algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr), EVP_MD_free),
        context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {}

  Id Make(std::initializer_list<std::string_view> parts) {
    buffer_.clear();
    for (const std::string_view part : parts) {
      const uint64_t size = part.size();
      for (int shift = 0; shift < 64; shift += 8) {
        buffer_ += static_cast<char>(static_cast<unsigned char>(size >> shift));
      }
      buffer_ += part;
    }
    std::array<unsigned char, 32> digest{};
    EVP_DigestInit_ex(context_.get(), algorithm_.get(), nullptr);
    EVP_DigestUpdate(context_.get(), buffer_.data(), buffer_.size());
    EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
    Id id;
    for (size_t i = 0; i < 8; ++i) {
      id.high = id.high << 8 | digest[i];
      id.low = id.low << 8 | digest[i + 8];
    }
    return id;
  }

 private:
  // Looked up once: that costs more than the digest of a few words.
  std::unique_ptr<EVP_MD, void (*)(EVP_MD*)> algorithm_;
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
  std::string buffer_;
};

duckdb_hugeint ToUuid(const Id& id) {
  return {id.low, static_cast<int64_t>(id.high ^ (uint64_t{1} << 63))};
}
// How many columns come before those that the store adds; the last of them is `evidence`.
const size_t kStoredColumns = static_cast<size_t>(
    std::ranges::count_if(Columns(), [](const Column& column) { return !IsMade(column.name); }));

// The columns of the table, in its order.
std::vector<duckdb_type> StoredTypes() {
  std::vector<duckdb_type> types;
  for (const Column& column : Columns()) {
    if (IsMade(column.name)) continue;
    types.push_back(column.name == "id"                  ? DUCKDB_TYPE_UUID
                    : column.type == ColumnType::kNumber ? DUCKDB_TYPE_BIGINT
                    : column.type == ColumnType::kTime   ? DUCKDB_TYPE_TIMESTAMP_NS
                                                         : DUCKDB_TYPE_VARCHAR);
  }
  return types;
}

// The columns that every row has, by their places in the table. The first two come first in it,
// the others last.
constexpr idx_t kIdColumn = 0;
constexpr idx_t kTimeColumn = 1;

// One chunk of DuckDB's while it is filled. Every value is null until it is set: most are.
class ChunkWriter {
 public:
  ChunkWriter(duckdb_data_chunk chunk, size_t nullable) : nullable_(nullable) {
    const size_t columns = duckdb_data_chunk_get_column_count(chunk);
    columns_.resize(columns);
    const size_t words = (duckdb_vector_size() + 63) / 64;
    for (size_t i = 0; i < columns; ++i) {
      Column& column = columns_[i];
      column.vector = duckdb_data_chunk_get_vector(chunk, i);
      column.data = duckdb_vector_get_data(column.vector);
      if (i == kIdColumn || i >= nullable) continue;
      duckdb_vector_ensure_validity_writable(column.vector);
      column.validity = duckdb_vector_get_validity(column.vector);
      std::fill_n(column.validity, words, 0);
    }
  }

  void Text(idx_t column, idx_t row, std::string_view text) {
    Column& to = columns_[column];
    if (text.size() <= kInlined) {
      duckdb_string_t value{};
      value.value.inlined.length = static_cast<uint32_t>(text.size());
      std::ranges::copy(text, value.value.inlined.inlined);
      static_cast<duckdb_string_t*>(to.data)[row] = value;
    } else {
      // RowBatch has seen to it that all texts are UTF-8.
      duckdb_unsafe_vector_assign_string_element_len(to.vector, row, text.data(), text.size());
    }
    SetValid(to, row);
  }
  template <typename T>
  void Value(idx_t column, idx_t row, T value) {
    Column& to = columns_[column];
    static_cast<T*>(to.data)[row] = value;
    SetValid(to, row);
  }
  idx_t nullable() const { return nullable_; }

 private:
  static constexpr size_t kInlined = sizeof(duckdb_string_t::value.inlined.inlined);
  struct Column {
    duckdb_vector vector = nullptr;
    void* data = nullptr;
    uint64_t* validity = nullptr;  // none where no value is ever null
  };

  static void SetValid(Column& column, idx_t row) {
    if (column.validity != nullptr) column.validity[row / 64] |= uint64_t{1} << (row % 64);
  }

  const size_t nullable_;  // how many columns come before those that ekshume itself fills in
  std::vector<Column> columns_;
};

// One thread's part of it: a batch and how far it is stored.
struct Worker {
  RowBatch batch;
  std::vector<Id> ids;       // of the rows
  std::vector<size_t> kept;  // indexes of those that go in
  size_t next = 0;
  uint64_t frame = 0;
  IdMaker id_maker;
  std::string scratch;
};

// Takes the next batch that holds anything new and gives it ids; false at the end.
bool NextBatch(Ingestion& ingestion, Worker& worker) {
  const RowBatch& batch = worker.batch;
  for (;;) {
    worker.batch.Clear();
    if (!ingestion.source->Next(worker.batch)) return false;
    worker.ids.clear();
    worker.kept.clear();
    worker.next = 0;
    for (size_t i = 0; i < batch.count(); ++i) {
      const RowBatch::Row& row = batch.row(i);
      if (row.identity_size != 0) {
        worker.ids.push_back(worker.id_maker.Make({batch.source(row), batch.identity(row)}));
        ingestion.known->Prefetch(worker.ids.back());
      } else {
        const std::string place = fmt::format("{}.{}", row.place.offset, row.place.sub_index);
        worker.ids.push_back(
            worker.id_maker.Make({batch.source(row), ingestion.source->ItemKey(row.place.item),
                                  row.place.evidence, place}));
      }
    }
    for (size_t i = 0; i < batch.count(); ++i) {
      const RowBatch::Row& row = batch.row(i);
      if (row.identity_size != 0 && !ingestion.known->Insert(worker.ids[i])) {
        ingestion.source->Duplicate(row.place.item);
      } else {
        worker.kept.push_back(i);
      }
    }
    if (worker.kept.empty()) continue;
    const Result<uint64_t> frame = ingestion.pack->Append(batch.raw());
    if (!frame) {
      const std::lock_guard lock(ingestion.mutex);
      if (!ingestion.error) ingestion.error = frame.error();
      return false;
    }
    worker.frame = *frame;
    return true;
  }
}

void WriteRow(Worker& worker, ChunkWriter& writer, idx_t at) {
  const RowBatch& batch = worker.batch;
  const size_t index = worker.kept[worker.next];
  const RowBatch::Row& row = batch.row(index);
  writer.Value(kIdColumn, at, ToUuid(worker.ids[index]));
  if (row.time) writer.Value(kTimeColumn, at, *row.time);
  for (const RowBatch::Value& value : batch.values(row)) {
    if (value.is_text) {
      writer.Text(value.column, at, batch.text(value));
    } else {
      writer.Value(value.column, at, value.number);
    }
  }
  idx_t column = writer.nullable();
  if (!row.place.evidence.empty()) {
    writer.Text(column - 1, at, AsUtf8(row.place.evidence, worker.scratch));
  }
  writer.Value(column++, at, row.place.item);
  writer.Value(column++, at, row.place.offset);
  writer.Value(column++, at, worker.frame);
  writer.Value(column++, at, row.raw_offset);
  writer.Value(column++, at, row.raw_size);
}

void BindRows(duckdb_bind_info info) {
  const auto add = [&](const std::string& name, duckdb_type type) {
    duckdb_logical_type logical = duckdb_create_logical_type(type);
    duckdb_bind_add_result_column(info, name.c_str(), logical);
    duckdb_destroy_logical_type(&logical);
  };
  const std::vector<duckdb_type> types = StoredTypes();
  for (size_t i = 0; i < types.size(); ++i) add(std::string(Columns()[i].name), types[i]);
  add("item", DUCKDB_TYPE_UINTEGER);
  add("place", DUCKDB_TYPE_UBIGINT);
  add("raw_frame", DUCKDB_TYPE_UBIGINT);
  add("raw_offset", DUCKDB_TYPE_UINTEGER);
  add("raw_length", DUCKDB_TYPE_UINTEGER);
}

void InitRows(duckdb_init_info info) { duckdb_init_set_max_threads(info, ScanThreads()); }

void InitWorker(duckdb_init_info info) {
  duckdb_init_set_init_data(info, new Worker(),
                            [](void* worker) { delete static_cast<Worker*>(worker); });
}

void ProduceRows(duckdb_function_info info, duckdb_data_chunk chunk) {
  Ingestion& ingestion = **static_cast<Ingestion**>(duckdb_function_get_extra_info(info));
  Worker& worker = *static_cast<Worker*>(duckdb_function_get_local_init_data(info));
  ChunkWriter writer(chunk, kStoredColumns);
  const idx_t capacity = duckdb_vector_size();
  idx_t count = 0;
  while (count < capacity) {
    if (worker.next == worker.kept.size()) {
      // A batch that is not full goes out as it is: its successor may be long in coming.
      if (count > capacity / 2 || !NextBatch(ingestion, worker)) break;
    }
    WriteRow(worker, writer, count++);
    ++worker.next;
  }
  duckdb_data_chunk_set_size(chunk, count);
}

}  // namespace

Result<void> RegisterRowFunction(duckdb_connection connection, Ingestion** current) {
  duckdb_table_function rows = duckdb_create_table_function();
  duckdb_table_function_set_name(rows, "ekshume_rows");
  duckdb_table_function_set_extra_info(rows, static_cast<void*>(current), nullptr);
  duckdb_table_function_set_bind(rows, BindRows);
  duckdb_table_function_set_init(rows, InitRows);
  duckdb_table_function_set_local_init(rows, InitWorker);
  duckdb_table_function_set_function(rows, ProduceRows);
  const duckdb_state rows_state = duckdb_register_table_function(connection, rows);
  duckdb_destroy_table_function(&rows);
  if (rows_state != DuckDBSuccess) return Fail(ErrorCode::kIo, "DuckDB refused our function");
  return {};
}

}  // namespace ekshume::event
