// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <functional>
#include <span>

#include "base/result.h"

namespace ekshume::event {

// What Store::RowNumbers() is given: some rows at a time, by several threads at once.
using RowVisit = std::function<void(std::span<const int64_t> rows)>;

// The function ekshume_visit(row), which gives the rows that it is called with to `*visit` and is
// true. In a list of what is selected it sees those that fit, on the threads that found them. The
// pointer outlives the connection; where it points to may change between statements, null: to
// nobody.
Result<void> RegisterVisitFunction(duckdb_connection connection, const RowVisit** visit);

}  // namespace ekshume::event
