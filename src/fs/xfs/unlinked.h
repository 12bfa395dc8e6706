// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/limits.h"
#include "fs/filesystem.h"
#include "fs/xfs/context.h"
#include "fs/xfs/inode.h"

namespace ekshume::fs::xfs {

// What they may cost; tests pass less.
struct UnlinkedLimits {
  size_t inodes = limits::kMaxOrphans;
  uint32_t groups = limits::kMaxAllocationGroups;
};

// The inodes on the unlinked lists of all allocation groups, in order of group and bucket: deleted
// while open, or made without a name (O_TMPFILE). Damaged lists are reported and cut.
// What is beyond a limit is reported (kFilesystemLimit) and left out.
std::vector<DeletedNode> ReadUnlinked(const Context& context, const InodeReader& inodes,
                                      const UnlinkedLimits& most = {});

}  // namespace ekshume::fs::xfs
