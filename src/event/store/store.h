// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "event/event.h"
#include "event/store/row_batch.h"

// The events of a case: a DuckDB database, and beside it a file of compressed records.
// docs/formats/case.md describes both. Strings and blobs come from evidence; everything else here
// is ours.
namespace ekshume::event {

class CodedEvents;

// What gives rows to an ingest. Next() is called from several threads at once, with a batch each.
class RowSource {
 public:
  virtual ~RowSource() = default;
  // Fills the cleared batch; false when there is nothing more. An empty batch is no end.
  virtual bool Next(RowBatch& batch) = 0;
  // Told for each batch after it went in: how many rows of which item were duplicates.
  virtual void Duplicate(uint32_t item) = 0;
  // What makes the ids of an item's rows the same on every run: its SHA-256, a path.
  virtual std::string_view ItemKey(uint32_t item) = 0;
};

// What an ingest and its end may take of the machine.
enum class Effort {
  kFull,     // every processor, and half a GiB for rows on their way into the file
  kSparing,  // one processor and little memory: enough for rows that one thread finds on a disk
};

// One evidence item as the store remembers it. records + extra = rows + duplicates + folded +
// skipped + damaged + unknown, always.
struct Item {
  std::string key;      // what makes it the same item again
  std::string name;     // as in the column `evidence`, without what is inside of it
  uint64_t size = 0;    // bytes as stored
  std::string sha256;   // of these
  std::string formats;  // those of its rows, with commas
  uint64_t records = 0;
  uint64_t rows = 0;
  uint64_t duplicates = 0;  // rows that the store had already
  uint64_t folded = 0;      // earlier stages of a request, older versions of a finding
  uint64_t extra = 0;       // rows beyond the first of a record that holds several events
  uint64_t skipped = 0;     // records of which nothing is to be kept (control messages, headers)
  uint64_t damaged = 0;     // with a diagnostic each
  uint64_t unknown = 0;     // of no known format, with a diagnostic each
};

// The result of a statement, row by row. The Store must outlive it. One thread.
class Rows {
 public:
  struct Column {
    std::string name;
    ColumnType type = ColumnType::kText;
  };
  virtual ~Rows() = default;
  virtual const std::vector<Column>& columns() const = 0;
  // Moves to the next row; false at the end. An error of the database (a cancelled or failed
  // statement) is kIo.
  virtual Result<bool> Next() = 0;
  virtual bool IsNull(size_t column) const = 0;
  // Any value as text; times as RFC 3339. Valid until Next().
  virtual std::string_view Text(size_t column) = 0;
  virtual int64_t Integer(size_t column) const = 0;  // of number columns
};

// Two values that belong together, as something else than an event says: a container's snapshot, a
// pod's address.
struct Link {
  std::string kind;        // "snapshot_of", "address_of"
  std::string left_field;  // "container_id"; a column, or "snapshot", "role_arn"
  std::string left_value;
  std::string right_field;
  std::string right_value;
  std::optional<Timestamp> seen;
  std::string source;  // "containerd"
};

struct NamedValue {
  std::string field;
  std::string value;
};

// Some events of a store, in the order in which their records are packed. Texts and records are
// valid as long as the slice is, a record until the next one is read. One thread.
class EventSlice {
 public:
  virtual ~EventSlice() = default;
  virtual size_t size() const = 0;
  virtual std::string Id(size_t row) const = 0;
  virtual std::optional<int64_t> Time(size_t row) const = 0;  // nanoseconds since 1970
  virtual std::string_view Text(size_t row, event::Text column) const = 0;
  virtual std::optional<int64_t> Number(size_t row, event::Number column) const = 0;
  // The record as text: bytes that are no UTF-8 are written as \xNN. kCorrupt or kIo when it cannot
  // be unpacked.
  virtual Result<std::string_view> Record(size_t row) = 0;
};
// `thread` is below ScanThreads(). False: enough.
using SliceVisit = std::function<Result<bool>(size_t thread, EventSlice& slice)>;
// How many threads Store::Scan() uses.
size_t ScanThreads();

// One thread at a time, except as said above.
class Store {
 public:
  enum class Access { kRead, kWrite };
  // Opens or (kWrite) makes the store in `directory`, a folder that exists. What an interrupted
  // ingest left half-way is removed. kNotFound (kRead) when there is none, kCorrupt, kUnsupported
  // (made by a newer version), kIo (another process writes to it, disk full).
  static Result<std::unique_ptr<Store>> Open(const std::string& directory, Access access);
  virtual ~Store() = default;

  // Items already in, by key.
  virtual std::optional<Item> FindItem(std::string_view key) const = 0;
  virtual Result<std::vector<Item>> Items() = 0;

  // Takes all rows of `source` and, when it ends, the `items` that `finish` returns, in one
  // transaction: after a crash, or when `finish` fails, nothing of it is there.
  virtual Result<void> Ingest(RowSource& source,
                              const std::function<Result<std::vector<Item>>()>& finish,
                              Effort effort = Effort::kFull) = 0;

  // Folds the stages of requests and the versions of findings, joins identities, and sorts what
  // came in since. To be called after the last Ingest().
  virtual Result<void> Finish(Effort effort = Effort::kFull) = 0;

  // Adds what is known of identities besides the events; what is there already stays once.
  virtual Result<void> AddLinks(const std::vector<Link>& links) = 0;

  // Every name of the actor that `value` of `field` (a column, or "actor" for any) names, by the
  // table `links`: access keys, ARNs, users, service accounts, credentials.
  virtual Result<std::vector<NamedValue>> SameActor(const std::string& field,
                                                    const std::string& value) = 0;

  // Runs one statement that only reads. Our columns plus what the statement makes of them; the
  // table is `events`. kInvalidArgument with the database's own sentence when it is wrong, or when
  // it would change anything or touch files.
  virtual Result<std::unique_ptr<Rows>> Query(const std::string& sql) = 0;

  // Gives all events for which `where` holds, a condition over the stored columns, to `visit`: in
  // slices, each once, in no order, on several threads at once. No other call of the store while it
  // runs. The first error of a visit, of the database or of the records ends it.
  virtual Result<void> Scan(const std::string& where, const SliceVisit& visit) = 0;

  // The rows of the table for which `where` holds, a condition over all columns, by their numbers:
  // some at a time, in no order, by several threads at once.
  virtual Result<void> RowNumbers(
      const std::string& where,
      const std::function<void(std::span<const int64_t> rows)>& visit) = 0;

  // All events in memory, as far as CodedEvents holds them: out of the file that KeepCoded() wrote
  // (null: there is none of what the store holds now), or out of the tables.
  virtual Result<std::unique_ptr<CodedEvents>> LoadCoded() = 0;
  virtual Result<std::unique_ptr<CodedEvents>> ReadCoded(const std::atomic<bool>& stop) = 0;
  // Writes that file, unless it is there, when there are that many events, so that who looks at
  // them first need not wait. It may be deleted. The store must be open for writing.
  virtual Result<void> KeepCoded(size_t least_events) = 0;

  // Ends what another thread waits for: its call fails. Any thread.
  virtual void Interrupt() = 0;

  // Runs one of our own statements, which may write files (COPY ... TO).
  virtual Result<void> Execute(const std::string& sql) = 0;

  // The record of an event as it was found, byte for byte; none when there is no such event.
  virtual Result<std::optional<std::string>> Record(const std::string& id) = 0;

  virtual uint64_t raw_bytes() const = 0;  // stored size of the raw records
};

// A text as an SQL literal.
std::string SqlLiteral(std::string_view text);
// A moment, in nanoseconds since 1970.
std::string SqlTime(int64_t nanoseconds);

}  // namespace ekshume::event
