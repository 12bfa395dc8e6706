// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "casefile/evidence.h"
#include "casefile/host_findings.h"
#include "detect/drift/checks.h"
#include "runtime/model.h"

// What the parts of drift_findings.h share.
namespace ekshume::casefile {

struct DriftContext {
  const Evidence& evidence;
  const runtime::Inventory& inventory;
  const HostFindings& host;
  DiagnosticSink& diagnostics;
  Progress& progress;
  std::vector<detect::Finding> findings;

  detect::drift::Subject Host() const;
  detect::drift::Subject Of(const runtime::Container& container) const;
  detect::drift::Subject Of(const runtime::Pod& pod) const;
};

// Whether the container is an agent that its node needs, and by what it is known.
detect::drift::HostReach ReachOf(const runtime::Container& container,
                                 const runtime::Inventory& inventory);
// Either kind of those above.
bool BelongsToNode(const runtime::Container& container, const runtime::Inventory& inventory);

// "(mode 4755, user 0, 125640 bytes, SHA-256 ...)"
std::string FileFacts(const fs::Stat& stat, const std::string& sha256);

// Adds what the container may reach on its host.
void AddReach(DriftContext& context, const runtime::Container& container);
// Adds what lies in the volumes of pods that are on the disk.
void AddVolumeDrift(DriftContext& context);
// Adds what the node's own files and its deleted ones give.
Result<void> AddHostDrift(DriftContext& context);

}  // namespace ekshume::casefile
