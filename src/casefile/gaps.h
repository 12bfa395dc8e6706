// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "casefile/evidence.h"
#include "runtime/model.h"

namespace ekshume::casefile {

// A place whose contents this evidence cannot hold.
struct Gap {
  std::string path;    // on the host
  std::string reason;  // a sentence
  bool lost =
      false;  // it may have held evidence that exists elsewhere (another disk, the live node)
};

// What cannot be in the evidence, from what the node itself says about its mounts (fstab, systemd
// mount units) and its pods (volumes in memory): instance stores, disks that were not given, tmpfs.
// Those that the node's own configuration tells of are also reported as diagnostics. Sorted by
// path.
std::vector<Gap> FindGaps(const Evidence& evidence, const runtime::Inventory& inventory,
                          DiagnosticSink& diagnostics);

}  // namespace ekshume::casefile
