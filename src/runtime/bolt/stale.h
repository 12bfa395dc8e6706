// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/bolt/database.h"

namespace ekshume::runtime::bolt {

// The sound leaf pages that the current state does not reach, ascending: what earlier transactions
// wrote and nothing has overwritten yet. A page that a stale page refers to may be of any later
// time. At most limits::kMaxBoltBytes of the file are looked at. Damage of the current tree is
// reported to the database's sink.
std::vector<uint64_t> StaleLeafPages(const Database& database);

}  // namespace ekshume::runtime::bolt
