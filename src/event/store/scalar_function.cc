// SPDX-License-Identifier: Apache-2.0
#include "event/store/scalar_function.h"

namespace ekshume::event {

Result<void> RegisterScalarFunction(duckdb_connection connection, const ScalarFunction& ours) {
  duckdb_scalar_function function = duckdb_create_scalar_function();
  duckdb_scalar_function_set_name(function, ours.name);
  for (const duckdb_type type : ours.parameters) {
    duckdb_logical_type logical = duckdb_create_logical_type(type);
    duckdb_scalar_function_add_parameter(function, logical);
    duckdb_destroy_logical_type(&logical);
  }
  duckdb_logical_type result = duckdb_create_logical_type(ours.result);
  duckdb_scalar_function_set_return_type(function, result);
  duckdb_destroy_logical_type(&result);
  if (ours.is_volatile) duckdb_scalar_function_set_volatile(function);
  if (ours.extra != nullptr) duckdb_scalar_function_set_extra_info(function, ours.extra, nullptr);
  duckdb_scalar_function_set_function(function, ours.run);
  const duckdb_state state = duckdb_register_scalar_function(connection, function);
  duckdb_destroy_scalar_function(&function);
  if (state != DuckDBSuccess) return Fail(ErrorCode::kIo, "DuckDB refused our function");
  return {};
}

}  // namespace ekshume::event
