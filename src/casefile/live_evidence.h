// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "fs/filesystem.h"
#include "process/format.h"
#include "process/model.h"
#include "runtime/model.h"

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

// The containers that live evidence tells of and the node's stores do not: of a checkpoint with the
// files that it changed. They are added to the inventory, as are their pods.
void AddLiveContainers(const std::vector<std::unique_ptr<LiveEvidence>>& live,
                       runtime::Inventory& inventory);

// Whose process it is, by what the node's stores and the evidence itself say.
struct ProcessOwner {
  std::string node, cluster;
  std::string name_space, pod, pod_uid, container, container_id, image;
};
class ProcessOwners {
 public:
  // `inventory` must outlive it.
  explicit ProcessOwners(const runtime::Inventory& inventory);
  ProcessOwner Of(const process::State& state, const process::Process& process) const;
  // The container, null when the process is in none or it is not known.
  const runtime::Container* ContainerOf(const process::Process& process) const;

 private:
  const runtime::Inventory& inventory_;
  std::map<std::string, const runtime::Container*, std::less<>> by_id_;
  std::map<std::string, const runtime::Pod*, std::less<>> pods_;
};

// The bytes of an extent as a file. The evidence must outlive it.
Result<std::unique_ptr<fs::File>> OpenExtent(const LiveEvidence& live,
                                             const process::Extent& extent);

}  // namespace ekshume::casefile
