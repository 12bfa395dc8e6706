// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "event/store/database.h"
#include "event/store/pack.h"
#include "event/store/store.h"

namespace ekshume::event {

// Store::Scan() over a database and its pack.
Result<void> ScanEvents(Database& database, const Pack& pack, const std::string& where,
                        const SliceVisit& visit);

}  // namespace ekshume::event
