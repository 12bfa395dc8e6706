// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "casefile/json.h"
#include "detect/finding.h"
#include "event/store/store.h"
#include "runtime/model.h"

namespace ekshume::casefile {

// What the findings of a case say together: an object with the members `verdict`, `incidents` and
// `to_confirm` of report.json (docs/formats/report.md). Fetches the events behind the findings and
// the names of those who acted from the store, pods and containers from `inventory` (null without a
// disk), and lets detect::story::Tell join them. Errors are those of the store; kCancelled.
Result<Json> StoryJson(event::Store& store, const std::vector<detect::Finding>& findings,
                       const runtime::Inventory* inventory, Progress& progress);

}  // namespace ekshume::casefile
