// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/bolt/database.h"

namespace ekshume::runtime::bolt {

// The sound pages that the current state does not reach, ascending: what earlier transactions wrote
// and nothing has overwritten yet. Each is the root of a bucket's tree or a part of one. Of branch
// pages only those whose children still begin with the keys that the branch gives them; deeper
// pages, and the trees of buckets in them, may be of any later time. At most limits::kMaxBoltBytes
// of the file are looked at; more is reported (kRuntimeLimit). Damage of the current tree is
// reported to the database's sink.
std::vector<uint64_t> StalePages(const Database& database);

}  // namespace ekshume::runtime::bolt
