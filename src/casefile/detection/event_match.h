// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "detect/finding.h"
#include "detect/sigma/engine.h"
#include "detect/sigma/rule.h"
#include "event/store/store.h"

namespace ekshume::casefile {

// Matches of correlated rules that are kept at a time, to be put in order. When there are more, the
// events are read again for each further part of the time.
inline constexpr size_t kMatchesInOrder = size_t{1} << 19;

// Asks the rules of `engine` and the correlations of each event of the store, on all processors.
// Limits that are reached (kMaxFindings, kMaxCorrelatedEvents) are diagnostics (kRuleLimit).
// `matches_in_order` is for tests.
Result<std::vector<detect::Finding>> MatchEvents(
    event::Store& store, const detect::sigma::Engine& engine,
    const std::vector<detect::sigma::Correlation>& correlations, DiagnosticSink& diagnostics,
    Progress& progress, size_t matches_in_order = kMatchesInOrder);

}  // namespace ekshume::casefile
