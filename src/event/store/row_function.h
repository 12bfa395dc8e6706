// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <duckdb.h>

#include <mutex>
#include <optional>

#include "base/result.h"
#include "event/store/known_ids.h"
#include "event/store/pack.h"
#include "event/store/store.h"

namespace ekshume::event {

// An ingest under way, shared between DuckDB's threads.
struct Ingestion {
  RowSource* source = nullptr;
  KnownIds* known = nullptr;
  Pack* pack = nullptr;
  std::mutex mutex;
  std::optional<Error> error;  // guarded by the mutex
};

// The table function ekshume_rows(): the rows of the ingest that `*current` is when a query begins,
// with ids, without those that are known, their raw records packed. Its columns are those of the
// table `stored_events`, in its order. `current` must outlive the connection.
Result<void> RegisterRowFunction(duckdb_connection connection, Ingestion** current);

// DuckDB keeps UUIDs as signed 128-bit numbers with the first bit turned.
inline Id FromUuid(const duckdb_hugeint& value) {
  return {static_cast<uint64_t>(value.upper) ^ (uint64_t{1} << 63), value.lower};
}

}  // namespace ekshume::event
