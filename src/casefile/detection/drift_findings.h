// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "casefile/evidence.h"
#include "casefile/host_findings.h"
#include "detect/finding.h"
#include "runtime/model.h"

namespace ekshume::casefile {

// Asks the checks of detect/drift of everything that containers changed in their images' files, of
// what changed on the host while containers ran, of files deleted while open, of files in the pods'
// volumes and of what each container may reach on its host. Findings have the detector "drift"; the
// worst come first. In a container's finding `path` is the container's own view; in the host's
// `container_id` is empty and, where only one container could have written there, `name_space` and
// `pod` name it.
//
// `host` is what FindOnHost() found. What cannot be read is a diagnostic. kCancelled when the user
// stopped.
Result<std::vector<detect::Finding>> DriftFindings(const Evidence& evidence,
                                                   const runtime::Inventory& inventory,
                                                   const HostFindings& host,
                                                   DiagnosticSink& diagnostics, Progress& progress);

}  // namespace ekshume::casefile
