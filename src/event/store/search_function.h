// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <duckdb.h>

#include "base/result.h"

namespace ekshume::event {

// The function ekshume_contains(text, small), which finds an ASCII text in small letters in either
// case: contains(lower(text), small) without making a text in small letters first, which costs as
// much as the search.
constexpr const char* kContainsFunction = "ekshume_contains";
Result<void> RegisterSearchFunction(duckdb_connection connection);

}  // namespace ekshume::event
