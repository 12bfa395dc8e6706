// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "live/acquire/acquisition.h"
#include "live/kubernetes/client.h"
#include "live/respond/plan.h"

namespace ekshume::live::respond {

// Stops, lets go on or ends processes of a pod by the collector, in a pod of ours on its node
// (`image`): what a kFreeze or kKill step says, or with the setting `action` "undo" its undoing.
// Returns what the collector said, and a sentence. kUnsupported when the container is another one
// than when the plan was made, or when its liveness probe would restart it and the setting
// `despite_liveness` is not "true"; kNotFound without the pod; the errors of the collector.
Result<Json> ControlProcesses(const Step& step, const std::string& image,
                              kubernetes::Client& client, Acquisition& acquisition,
                              DiagnosticSink& diagnostics, const Progress& progress);

}  // namespace ekshume::live::respond
