// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "fs/filesystem.h"
#include "process/format.h"
#include "process/model.h"

namespace ekshume::casefile {

// Evidence of a running system: what it says, and the archive or folder whose bytes it refers to.
struct LiveEvidence {
  std::string name;                // "node.tar.zst": in diagnostics and the column `evidence`
  std::string path;                // as the user named it
  std::vector<std::string> parts;  // the files of a collection: `path` and its other parts
  std::unique_ptr<fs::Filesystem> archive;
  // Its only folder, where all of the evidence lies in one; nodes are those of `archive`.
  std::unique_ptr<fs::Filesystem> top;
  process::State state;  // its Extents are of `archive`
};

// Whether it is a tree of one of the known formats, or its only folder is.
bool IsLiveTree(const fs::Filesystem& tree);

// Reads a tree of one of the known formats (process/format.h). The executables and deleted files
// that were kept are hashed. kUnsupported when it is of none of them. `diagnostics` and what `tree`
// reads from must outlive the result.
Result<std::unique_ptr<LiveEvidence>> ReadLive(std::unique_ptr<fs::Filesystem> tree,
                                               const std::string& path, std::string name,
                                               DiagnosticSink& diagnostics, Progress* progress);

}  // namespace ekshume::casefile
