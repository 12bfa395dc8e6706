// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <duckdb.h>

#include <vector>

#include "base/result.h"

namespace ekshume::event {

// A function of ours that statements may call.
struct ScalarFunction {
  const char* name = nullptr;
  std::vector<duckdb_type> parameters;
  duckdb_type result = DUCKDB_TYPE_INVALID;
  duckdb_scalar_function_t run = nullptr;
  void* extra = nullptr;     // for duckdb_scalar_function_get_extra_info(); outlives the connection
  bool is_volatile = false;  // it is called for every row, whatever the optimizer thinks
};
Result<void> RegisterScalarFunction(duckdb_connection connection, const ScalarFunction& ours);

}  // namespace ekshume::event
