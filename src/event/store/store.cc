// SPDX-License-Identifier: Apache-2.0
#include "event/store/store.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

#include "base/limits.h"
#include "base/text.h"
#include "event/store/coded_events.h"
#include "event/store/database.h"
#include "event/store/event_scan.h"
#include "event/store/known_ids.h"
#include "event/store/links.h"
#include "event/store/pack.h"
#include "event/store/raw_function.h"
#include "event/store/row_batch.h"
#include "event/store/row_function.h"
#include "event/store/search_function.h"
#include "event/store/stored_columns.h"
#include "event/store/visit_function.h"
#include "event/store/write_behind.h"

namespace ekshume::event {
namespace {

constexpr int kVersion = 1;
constexpr const char* kDatabaseName = "events.duckdb";
constexpr const char* kCodedName = "index/coded_events.zst";
constexpr const char* kPackName = "records.zst";
// Twice what a row group of events needs, and room for queries; the rest of the process is small.
constexpr const char* kMemoryLimit = "512MB";
// What one thread needs: half of it was enough for rows of 4,000 random letters. What does not fit
// goes to the case's temporary files.
constexpr const char* kSparingMemoryLimit = "32MB";

// Items that one statement stores: each statement costs as much as a hundred of them.
constexpr size_t kItemsTogether = 500;

// Columns of the table `stored_events` beside those of schema/event.yaml, which come first.
// `place` is what the column `locator` shows.
constexpr std::string_view kHiddenColumns =
    "item UINTEGER, place UBIGINT, raw_frame UBIGINT, raw_offset UINTEGER, raw_length UINTEGER";

std::string_view SqlType(const Column& column) {
  if (column.name == "id") return "UUID";
  switch (column.type) {
    case ColumnType::kNumber: return "BIGINT";
    case ColumnType::kTime: return "TIMESTAMP_NS";
    default: return "VARCHAR";
  }
}

std::string TableColumns() {
  std::string sql;
  for (const Column& column : Columns()) {
    if (!IsMade(column.name)) sql += fmt::format("{} {}, ", column.name, SqlType(column));
  }
  return sql + std::string(kHiddenColumns);
}

class DuckDbStore final : public Store {
 public:
  const RowVisit* row_visit_ = nullptr;        // of the RowNumbers() that runs
  std::unique_ptr<WriteBehind> write_behind_;  // when writing; closed after the database
  std::unique_ptr<Pack> pack_;
  std::string coded_path_;
  std::unique_ptr<Database> database_;

  Result<void> Register() {
    EKSHUME_TRY(RegisterRawFunction(database_->connection(), pack_.get()));
    EKSHUME_TRY(RegisterRowFunction(database_->connection(), &ingestion_));
    EKSHUME_TRY(RegisterSearchFunction(database_->connection()));
    EKSHUME_TRY(RegisterVisitFunction(database_->connection(), &row_visit_));
    return database_->Execute("CREATE TEMP VIEW events AS SELECT " + ShownColumns(true) +
                              " FROM stored_events");
  }

  std::optional<Item> FindItem(std::string_view key) const override {
    const auto found = items_.find(std::string(key));
    if (found == items_.end()) return std::nullopt;
    return found->second;
  }

  Result<std::vector<Item>> Items() override {
    EKSHUME_TRY(LoadItems());
    std::vector<Item> items;
    for (const auto& [key, item] : items_) items.push_back(item);
    std::ranges::sort(items, {}, &Item::name);
    return items;
  }

  Result<void> LoadItems() {
    items_.clear();
    const std::unique_ptr<Rows> rows = EKSHUME_TRY(database_->Query(
        "SELECT key, name, size, sha256, formats, records, row_count, duplicates, folded, extra, "
        "skipped, damaged, unknown FROM items",
        true));
    while (EKSHUME_TRY(rows->Next())) {
      Item item;
      item.key = rows->Text(0);
      item.name = rows->Text(1);
      item.sha256 = rows->Text(3);
      item.formats = rows->Text(4);
      const auto number = [&](size_t column) {
        return static_cast<uint64_t>(rows->Integer(column));
      };
      item.size = number(2);
      item.records = number(5);
      item.rows = number(6);
      item.duplicates = number(7);
      item.folded = number(8);
      item.extra = number(9);
      item.skipped = number(10);
      item.damaged = number(11);
      item.unknown = number(12);
      items_[item.key] = std::move(item);
    }
    return {};
  }

  Result<void> Ingest(RowSource& source, const std::function<Result<std::vector<Item>>()>& finish,
                      Effort effort) override {
    if (!known_) EKSHUME_TRY(LoadKnownIds());
    return With(effort, [&] { return IngestRows(source, finish); });
  }

  Result<void> Finish(Effort effort) override {
    return With(effort, [this] { return FoldAndJoin(); });
  }

  Result<void> AddLinks(const std::vector<Link>& links) override {
    EKSHUME_TRY(database_->Execute("BEGIN"));
    for (const Link& link : links) {
      const std::optional<int64_t> seen = StoredTime(link.seen);
      const std::string time = seen ? SqlTime(*seen) : "NULL";
      const std::string values = fmt::format(
          "{}, {}, {}, {}, {}, {}, {}, 1, {}", SqlLiteral(link.kind), SqlLiteral(link.left_field),
          SqlLiteral(link.left_value), SqlLiteral(link.right_field), SqlLiteral(link.right_value),
          time, time, SqlLiteral(link.source));
      EKSHUME_TRY(database_->Execute(fmt::format(
          "INSERT INTO given_links SELECT * FROM (SELECT {}) EXCEPT FROM given_links", values)));
    }
    return database_->Execute("COMMIT");
  }

  Result<std::vector<NamedValue>> SameActor(const std::string& field,
                                            const std::string& value) override {
    const std::unique_ptr<Rows> rows =
        EKSHUME_TRY(database_->Query(SameActorSql(field, value), true));
    std::vector<NamedValue> names;
    while (EKSHUME_TRY(rows->Next())) {
      names.push_back({std::string(rows->Text(0)), std::string(rows->Text(1))});
    }
    return names;
  }

  Result<std::unique_ptr<Rows>> Query(const std::string& sql) override {
    if (!closed_) {
      EKSHUME_TRY(database_->Execute("SET enable_external_access=false"));
      EKSHUME_TRY(database_->Execute("SET lock_configuration=true"));
      closed_ = true;
    }
    return database_->Query(sql, true);
  }

  Result<void> Scan(const std::string& where, const SliceVisit& visit) override {
    return ScanEvents(*database_, *pack_, where, visit);
  }

  Result<void> RowNumbers(const std::string& where, const RowVisit& visit) override {
    row_visit_ = &visit;
    const Result<int64_t> done = database_->Number(
        fmt::format("SELECT count(ekshume_visit(rowid)) FROM {} WHERE {}", AllColumnsSql(), where));
    row_visit_ = nullptr;
    if (!done) return done.error();
    return {};
  }

  Result<std::unique_ptr<CodedEvents>> LoadCoded() override {
    return CodedEvents::Load(*database_, coded_path_);
  }

  Result<std::unique_ptr<CodedEvents>> ReadCoded(const std::atomic<bool>& stop) override {
    return CodedEvents::Read(*database_, stop);
  }

  Result<void> KeepCoded(size_t least_events) override {
    const int64_t count = EKSHUME_TRY(database_->Number("SELECT count(*) FROM stored_events"));
    if (static_cast<uint64_t>(count) < least_events) return {};
    const auto kept = LoadCoded();
    if (kept && *kept) return {};
    const std::atomic<bool> go_on{false};
    const auto events = EKSHUME_TRY(ReadCoded(go_on));
    return events->Save(*database_, coded_path_);
  }

  void Interrupt() override { database_->Interrupt(); }

  Result<void> Execute(const std::string& sql) override { return database_->Execute(sql); }

  Result<std::optional<std::string>> Record(const std::string& id) override {
    const std::unique_ptr<Rows> rows = EKSHUME_TRY(database_->Query(
        fmt::format("SELECT raw_frame, raw_offset, raw_length FROM stored_events WHERE id = "
                    "TRY_CAST({} AS UUID)",
                    SqlLiteral(id)),
        true));
    if (!EKSHUME_TRY(rows->Next())) return std::nullopt;
    return EKSHUME_TRY(pack_->Read(static_cast<uint64_t>(rows->Integer(0)),
                                   static_cast<uint32_t>(rows->Integer(1)),
                                   static_cast<uint32_t>(rows->Integer(2))));
  }

  uint64_t raw_bytes() const override { return pack_->size_bytes(); }

 private:
  Result<void> LoadKnownIds() {
    known_ = std::make_unique<KnownIds>();
    duckdb_result result;
    if (duckdb_query(database_->connection(), "SELECT id FROM stored_events", &result) !=
        DuckDBSuccess) {
      return Fail(ErrorCode::kCorrupt, duckdb_result_error(&result));
    }
    for (duckdb_data_chunk chunk = duckdb_fetch_chunk(result); chunk != nullptr;
         chunk = duckdb_fetch_chunk(result)) {
      const idx_t count = duckdb_data_chunk_get_size(chunk);
      const auto* ids = static_cast<const duckdb_hugeint*>(
          duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0)));
      for (idx_t i = 0; i < count; ++i) known_->Insert(FromUuid(ids[i]));
      duckdb_destroy_data_chunk(&chunk);
    }
    duckdb_destroy_result(&result);
    return {};
  }

  // Freed memory that DuckDB keeps counts as used.
  Result<void> Use(size_t threads, const char* memory_limit, const char* freed_memory_kept) {
    return database_->Execute(
        fmt::format("SET threads = {}; SET memory_limit = '{}'; SET allocator_flush_threshold = "
                    "'{}'; SET allocator_bulk_deallocation_flush_threshold = '{}'",
                    threads, memory_limit, freed_memory_kept, freed_memory_kept));
  }

  Result<void> With(Effort effort, const std::function<Result<void>()>& work) {
    if (effort == Effort::kFull) return work();
    EKSHUME_TRY(Use(1, kSparingMemoryLimit, "1MB"));
    Result<void> result = work();
    EKSHUME_TRY(Use(ScanThreads(), kMemoryLimit, "128MB"));
    return result;
  }

  Result<void> FoldAndJoin() {
    EKSHUME_TRY(Fold(
        "source = 'k8s_audit' AND stage IN ('ResponseStarted', 'ResponseComplete', 'Panic') AND "
        "record_id IN (SELECT record_id FROM stored_events WHERE source = 'k8s_audit' AND stage IN "
        "('RequestReceived', 'ResponseStarted') AND record_id IS NOT NULL)",
        "CASE stage WHEN 'RequestReceived' THEN 0 WHEN 'ResponseStarted' THEN 1 ELSE 2 END"));
    EKSHUME_TRY(Fold(
        "source = 'guardduty' AND record_id IN (SELECT record_id FROM stored_events WHERE source = "
        "'guardduty' GROUP BY record_id HAVING count(*) > 1)",
        "regexp_extract(tags, '(?:^| )updated=(\\S+)', 1) DESC NULLS LAST, time"));
    EKSHUME_TRY(database_->Execute(MakeLinksSql()));
    EKSHUME_TRY(database_->Execute("CHECKPOINT"));
    return LoadItems();
  }

  Result<void> IngestRows(RowSource& source,
                          const std::function<Result<std::vector<Item>>()>& finish) {
    Ingestion ingestion;
    ingestion.source = &source;
    ingestion.known = known_.get();
    ingestion.pack = pack_.get();
    ingestion_ = &ingestion;
    Result<void> stored = Transact(ingestion, finish);
    ingestion_ = nullptr;
    if (!stored) {
      known_.reset();  // holds ids of rows that were taken back
      static_cast<void>(database_->Execute("ROLLBACK"));
      return stored;
    }
    return LoadItems();
  }

  Result<void> Transact(Ingestion& ingestion,
                        const std::function<Result<std::vector<Item>>()>& finish) {
    const int64_t first_item = EKSHUME_TRY(database_->Number("SELECT max(item) + 1 FROM items"));
    EKSHUME_TRY(database_->Execute("BEGIN"));
    write_behind_->Start();
    Result<void> inserted = database_->Execute(
        fmt::format("INSERT INTO stored_events SELECT {} item + {}, {} FROM ekshume_rows()",
                    StoredColumns(), first_item, kPlaceColumns));
    write_behind_->Stop();
    EKSHUME_TRY(std::move(inserted));
    if (ingestion.error) return *ingestion.error;
    int64_t number = first_item;
    const std::vector<Item> items = EKSHUME_TRY(finish());
    std::string values;
    for (size_t i = 0; i < items.size(); ++i) {
      const Item& item = items[i];
      values += fmt::format("{}({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})",
                            values.empty() ? "" : ", ", number++, SqlLiteral(item.key),
                            SqlLiteral(item.name), item.size, SqlLiteral(item.sha256),
                            SqlLiteral(item.formats), item.records, item.rows, item.duplicates,
                            item.folded, item.extra, item.skipped, item.damaged, item.unknown);
      if (i + 1 < items.size() && (i + 1) % kItemsTogether != 0) continue;
      EKSHUME_TRY(database_->Execute("INSERT INTO items VALUES " + values));
      values.clear();
    }
    EKSHUME_TRY(pack_->Sync());
    EKSHUME_TRY(
        database_->Execute(fmt::format("UPDATE store SET record_bytes = {}", pack_->size_bytes())));
    return database_->Execute("COMMIT");
  }

  // Of the rows that `which` selects and that belong to one record, the one with the highest `rank`
  // stays in the table with the earliest time; the others move to `folded_events`.
  Result<void> Fold(std::string_view which, std::string_view rank) {
    // Mostly there is none, or few: the windows are made over their records only.
    EKSHUME_TRY(database_->Execute(fmt::format(
        "CREATE OR REPLACE TEMP TABLE to_fold AS SELECT DISTINCT source, record_id FROM "
        "stored_events WHERE {}",
        which)));
    if (EKSHUME_TRY(database_->Number("SELECT count(*) FROM to_fold")) == 0) return {};
    EKSHUME_TRY(database_->Execute(fmt::format(
        "CREATE OR REPLACE TEMP TABLE fold AS SELECT id, item, record_id, first_value(id) OVER w "
        "AS kept, min(time) OVER (PARTITION BY source, record_id) AS first, max(time) OVER "
        "(PARTITION BY source, record_id) AS last FROM stored_events WHERE (source, record_id) IN "
        "(FROM to_fold) WINDOW w AS (PARTITION BY source, record_id ORDER BY {} DESC NULLS LAST, "
        "id)",
        rank)));
    if (EKSHUME_TRY(database_->Number("SELECT count(*) FROM fold WHERE id <> kept")) == 0) {
      return {};
    }
    EKSHUME_TRY(database_->Execute(
        "BEGIN;"
        "INSERT INTO folded_events SELECT kept, e.* FROM stored_events e JOIN fold f ON e.id = "
        "f.id "
        "WHERE f.id <> f.kept;"
        "UPDATE items SET row_count = row_count - n, folded = folded + n FROM (SELECT item AS i, "
        "count(*) AS n FROM fold WHERE id <> kept GROUP BY item) WHERE item = i;"
        "UPDATE stored_events SET time = first, duration_ns = coalesce(duration_ns, "
        "epoch_ns(last) - epoch_ns(first)) FROM fold WHERE stored_events.id = fold.id AND fold.id "
        "= "
        "fold.kept AND stored_events.source = 'k8s_audit' AND fold.first < stored_events.time;"
        "DELETE FROM stored_events WHERE id IN (SELECT id FROM fold WHERE id <> kept);"
        "COMMIT"));
    return {};
  }

  Ingestion* ingestion_ = nullptr;
  std::map<std::string, Item> items_;
  std::unique_ptr<KnownIds> known_;  // loaded when the first ingest begins
  bool closed_ = false;              // no access to other files any more
};

Result<void> CreateTables(Database& database) {
  return database.Execute(fmt::format(
      "BEGIN;"
      "CREATE TABLE store (version INTEGER, record_bytes UBIGINT);"
      "INSERT INTO store VALUES ({0}, 0);"
      "CREATE TABLE items (item UINTEGER, key VARCHAR, name VARCHAR, size UBIGINT, sha256 VARCHAR, "
      "formats VARCHAR, records UBIGINT, row_count UBIGINT, duplicates UBIGINT, folded UBIGINT, "
      "extra UBIGINT, skipped UBIGINT, damaged UBIGINT, unknown UBIGINT);"
      "CREATE TABLE stored_events ({1});"
      "CREATE TABLE folded_events (into_id UUID, {1});"
      "CREATE TABLE given_links (kind VARCHAR, left_field VARCHAR, left_value VARCHAR, right_field "
      "VARCHAR, right_value VARCHAR, first_seen TIMESTAMP_NS, last_seen TIMESTAMP_NS, seen BIGINT, "
      "sources VARCHAR);"
      "CREATE TABLE links AS FROM given_links;"
      "CREATE VIEW events AS SELECT {2} FROM stored_events;"
      "COMMIT",
      kVersion, TableColumns(), ShownColumns(false)));
}

// Makes an empty store under another name first: whoever finds one finds it whole.
Result<void> Create(const std::string& path) {
  const std::string unfinished = path + ".new";
  std::error_code error;
  std::filesystem::remove(unfinished, error);
  std::filesystem::remove(unfinished + ".wal", error);
  const std::unique_ptr<Database> database =
      EKSHUME_TRY(Database::Open(unfinished, Database::Access::kWrite, {}));
  EKSHUME_TRY(CreateTables(*database));
  EKSHUME_TRY(database->Execute("CHECKPOINT"));
  // The case holds secrets: nobody else reads it.
  std::filesystem::permissions(
      unfinished, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, error);
  std::filesystem::rename(unfinished, path, error);
  if (error) {
    return Fail(ErrorCode::kIo, fmt::format("cannot make {}: {}", path, error.message()));
  }
  return {};
}

}  // namespace

size_t ScanThreads() { return std::max(1U, std::thread::hardware_concurrency()); }

std::string SqlLiteral(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    if (c != '\0') out += c;
  }
  return out + "'";
}

std::string SqlTime(int64_t nanoseconds) {
  return fmt::format("make_timestamp_ns({})", nanoseconds);
}

Result<std::unique_ptr<Store>> Store::Open(const std::string& directory, Access access) {
  const std::string path = directory + "/" + kDatabaseName;
  struct stat status{};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  if (!exists && access == Access::kRead) {
    return Fail(ErrorCode::kNotFound, fmt::format("{} holds no events yet", directory));
  }
  if (!exists) EKSHUME_TRY(Create(path));
  auto store = std::make_unique<DuckDbStore>();
  store->database_ = EKSHUME_TRY(Database::Open(
      path, access == Access::kWrite ? Database::Access::kWrite : Database::Access::kRead,
      {{"memory_limit", kMemoryLimit},
       {"preserve_insertion_order", "false"},
       {"threads", std::to_string(ScanThreads())},
       {"temp_directory", access == Access::kWrite ? directory + "/temporary" : ""},
       {"autoinstall_known_extensions", "false"},
       {"autoload_known_extensions", "false"}}));
  const Result<int64_t> version = store->database_->Number("SELECT version FROM store");
  if (!version) {
    return Fail(ErrorCode::kCorrupt, fmt::format("{} is no event store of ekshume", path));
  }
  if (*version > kVersion) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{} was made by a newer ekshume (version {}, this one knows {})", path,
                            *version, kVersion));
  }
  const int64_t committed = EKSHUME_TRY(store->database_->Number("SELECT record_bytes FROM store"));
  store->pack_ = EKSHUME_TRY(Pack::Open(directory + "/" + kPackName, access == Access::kWrite,
                                        static_cast<uint64_t>(committed)));
  if (access == Access::kWrite) {
    store->write_behind_ =
        std::make_unique<WriteBehind>(std::vector{path, directory + "/" + kPackName});
  }
  store->coded_path_ = directory + "/" + kCodedName;
  EKSHUME_TRY(store->Register());
  EKSHUME_TRY(store->LoadItems());
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace ekshume::event
