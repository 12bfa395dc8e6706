// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "casefile/json.h"
#include "detect/story/story.h"

namespace ekshume::casefile {

// An object with the members `verdict`, `incidents` and `to_confirm` of report.json
// (docs/formats/report.md).
Json ToJson(const detect::story::Story& story);

}  // namespace ekshume::casefile
