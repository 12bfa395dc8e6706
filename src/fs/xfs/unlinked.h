// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "fs/filesystem.h"
#include "fs/xfs/context.h"
#include "fs/xfs/inode.h"

namespace ekshume::fs::xfs {

// The inodes on the unlinked lists of all allocation groups, in order of group and bucket: deleted
// while open, or made without a name (O_TMPFILE). Damaged lists are reported and cut.
std::vector<DeletedNode> ReadUnlinked(const Context& context, const InodeReader& inodes);

}  // namespace ekshume::fs::xfs
