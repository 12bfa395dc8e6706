// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "casefile/case.h"
#include "casefile/json.h"

namespace ekshume::casefile {

// What the custody ledger keeps of an act besides its CustodyEntry.
struct CustodyNote {
  std::string analyst;  // who asked for it, where that need not be the user of the process; or ""
  Json change;          // what was changed, saved or shown; null for nothing
};

// Appends to the custody ledger of a case, as Case::Record() does. Any thread, any process: the
// ledger is locked.
Result<void> RecordCustody(const Case& opened, const CustodyEntry& entry, const CustodyNote& note);

}  // namespace ekshume::casefile
