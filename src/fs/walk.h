// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "fs/filesystem.h"

namespace ekshume::fs {

// One node met on a walk.
struct WalkItem {
  std::string path;  // relative to where the walk began; "" is that node itself
  NodeId node;
  Stat stat;  // with WalkStat::kDirectories only `type` is set for what is no directory
};

enum class WalkStat {
  kAll,
  // Only what the walk itself needs: the visitor asks for the rest, perhaps on another thread. The
  // type is then that of the directory entry, where it has one.
  kDirectories,
};

enum class WalkStep {
  kContinue,
  kSkipChildren,  // do not go into this directory
  kStop,
};

// Visits `start` and everything below it, parents first, names of a directory in byte order: the
// same order on every run. Symbolic links are not followed. A directory met inside itself is
// reported (kFilesystemLoop) and not entered again; nodes that cannot be read are reported
// (kFilesystemNodeUnreadable) and left out. Stops at `progress->cancelled()` with kCancelled.
Result<void> Walk(const Filesystem& filesystem, NodeId start, DiagnosticSink& diagnostics,
                  const std::function<WalkStep(const WalkItem&)>& visit,
                  Progress* progress = nullptr, WalkStat stat = WalkStat::kAll);

}  // namespace ekshume::fs
