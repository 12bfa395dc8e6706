// SPDX-License-Identifier: Apache-2.0
#include "event/store/raw_function.h"

#include <string>

#include "event/store/database.h"
#include "event/store/scalar_function.h"

namespace ekshume::event {
namespace {

void Raw(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  const Pack& pack = *static_cast<const Pack*>(duckdb_scalar_function_get_extra_info(info));
  const idx_t count = duckdb_data_chunk_get_size(input);
  const auto* frames = ChunkData<uint64_t>(input, 0);
  const auto* offsets = ChunkData<uint32_t>(input, 1);
  const auto* lengths = ChunkData<uint32_t>(input, 2);
  std::string scratch;
  for (idx_t i = 0; i < count; ++i) {
    const Result<std::string> raw = pack.Read(frames[i], offsets[i], lengths[i]);
    if (!raw) {
      duckdb_scalar_function_set_error(info, raw.error().message.c_str());
      return;
    }
    const std::string_view text = AsUtf8(*raw, scratch);
    duckdb_vector_assign_string_element_len(output, i, text.data(), text.size());
  }
}

}  // namespace

Result<void> RegisterRawFunction(duckdb_connection connection, Pack* pack) {
  return RegisterScalarFunction(
      connection, {.name = "ekshume_raw",
                   .parameters = {DUCKDB_TYPE_UBIGINT, DUCKDB_TYPE_UINTEGER, DUCKDB_TYPE_UINTEGER},
                   .result = DUCKDB_TYPE_VARCHAR,
                   .run = Raw,
                   .extra = pack});
}

}  // namespace ekshume::event
