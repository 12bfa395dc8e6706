// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/diagnostic.h"
#include "base/limits.h"
#include "base/progress.h"
#include "base/result.h"
#include "casefile/json.h"
#include "detect/finding.h"
#include "event/store/store.h"
#include "runtime/model.h"

namespace ekshume::casefile {

// How much a story is made of; smaller in tests.
struct StoryLimits {
  size_t findings = limits::kMaxToldFindings;
  size_t events = limits::kMaxToldEvents;
  size_t actors = limits::kMaxToldActors;
  size_t actor_names = limits::kMaxActorNames;
  size_t values = limits::kMaxToldValues;
};

// What the findings of a case say together: an object with the members `verdict`, `incidents` and
// `to_confirm` of report.json (docs/formats/report.md). Fetches the events behind the findings and
// the names of those who acted from the store, pods and containers from `inventory` (null without a
// disk), and lets detect::story::Tell join them. What a limit leaves out is a diagnostic
// (kStoryLimit). Errors are those of the store; kCancelled.
Result<Json> StoryJson(event::Store& store, const std::vector<detect::Finding>& findings,
                       const runtime::Inventory* inventory, DiagnosticSink& diagnostics,
                       Progress& progress, const StoryLimits& limits = {});

}  // namespace ekshume::casefile
