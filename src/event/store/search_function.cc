// SPDX-License-Identifier: Apache-2.0
#include "event/store/search_function.h"

#include <algorithm>
#include <cstdint>

#include "base/folded_search.h"
#include "event/store/database.h"
#include "event/store/scalar_function.h"

namespace ekshume::event {
namespace {

void Contains(duckdb_function_info /*info*/, duckdb_data_chunk input, duckdb_vector output) {
  const idx_t count = duckdb_data_chunk_get_size(input);
  const duckdb_vector texts = duckdb_data_chunk_get_vector(input, 0);
  const duckdb_vector wanted = duckdb_data_chunk_get_vector(input, 1);
  const auto* text = static_cast<const duckdb_string_t*>(duckdb_vector_get_data(texts));
  const auto* small = static_cast<const duckdb_string_t*>(duckdb_vector_get_data(wanted));
  const uint64_t* const valid = duckdb_vector_get_validity(texts);
  const uint64_t* const wanted_valid = duckdb_vector_get_validity(wanted);
  uint64_t* found_valid = nullptr;
  if (valid != nullptr || wanted_valid != nullptr) {
    duckdb_vector_ensure_validity_writable(output);
    found_valid = duckdb_vector_get_validity(output);
  }
  auto* found = static_cast<bool*>(duckdb_vector_get_data(output));
  // In most columns most rows have no value: whole words of the mask are left out then.
  for (idx_t word = 0; word * kMaskBits < count; ++word) {
    const uint64_t mask = (valid == nullptr ? ~uint64_t{0} : valid[word]) &
                          (wanted_valid == nullptr ? ~uint64_t{0} : wanted_valid[word]);
    if (found_valid != nullptr) found_valid[word] = mask;
    if (mask == 0) continue;
    const idx_t end = std::min(count, (word + 1) * kMaskBits);
    for (idx_t i = word * kMaskBits; i < end; ++i) {
      if ((mask >> (i % kMaskBits) & 1) != 0)
        found[i] = ContainsFolded(TextView(text[i]), TextView(small[i]));
    }
  }
}

}  // namespace

Result<void> RegisterSearchFunction(duckdb_connection connection) {
  return RegisterScalarFunction(connection,
                                {.name = kContainsFunction,
                                 .parameters = {DUCKDB_TYPE_VARCHAR, DUCKDB_TYPE_VARCHAR},
                                 .result = DUCKDB_TYPE_BOOLEAN,
                                 .run = Contains});
}

}  // namespace ekshume::event
