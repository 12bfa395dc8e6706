// SPDX-License-Identifier: Apache-2.0
#include "event/store/visit_function.h"

#include <algorithm>

#include "event/store/database.h"
#include "event/store/scalar_function.h"

namespace ekshume::event {
namespace {

void Visit(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  const RowVisit* const* visit =
      static_cast<const RowVisit* const*>(duckdb_scalar_function_get_extra_info(info));
  const idx_t count = duckdb_data_chunk_get_size(input);
  if (*visit != nullptr) (**visit)({ChunkData<int64_t>(input, 0), count});
  std::fill_n(static_cast<bool*>(duckdb_vector_get_data(output)), count, true);
}

}  // namespace

Result<void> RegisterVisitFunction(duckdb_connection connection, const RowVisit** visit) {
  return RegisterScalarFunction(connection, {.name = "ekshume_visit",
                                             .parameters = {DUCKDB_TYPE_BIGINT},
                                             .result = DUCKDB_TYPE_BOOLEAN,
                                             .run = Visit,
                                             .extra = static_cast<void*>(visit),
                                             .is_volatile = true});
}

}  // namespace ekshume::event
