// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "runtime/format.h"

namespace ekshume::runtime {

// One store that was found.
struct FoundStore {
  const Format* format;
  Location location;
};

// Every store on the node's filesystems, each once however often it is reached: in well-known
// places, where configuration files say, and wherever else a search of the upper directories meets
// a store's signature. In the order of Formats(), then of the filesystems, then of paths. The
// search looks at limits::kMaxSearchedDirectories per filesystem, down to limits::kMaxSearchDepth;
// when that is not enough, it says so (kRuntimeSearchLimited).
std::vector<FoundStore> DiscoverStores(const NodeFilesystems& node, DiagnosticSink& diagnostics);

}  // namespace ekshume::runtime
