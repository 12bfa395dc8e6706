// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <duckdb.h>

#include "base/result.h"
#include "event/store/pack.h"

namespace ekshume::event {

// The function ekshume_raw(frame, offset, length): the record at that place of the pack, as text.
// The pack outlives the connection.
Result<void> RegisterRawFunction(duckdb_connection connection, Pack* pack);

}  // namespace ekshume::event
