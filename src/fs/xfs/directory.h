// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/filesystem.h"
#include "fs/xfs/context.h"
#include "fs/xfs/inode.h"

namespace ekshume::fs::xfs {

// Calls `visit` for each entry of a directory in any of its formats (short form, block, leaf, node,
// B+tree), in on-disk order, until it returns false. Only data blocks are read, not the hash index,
// so a damaged index costs nothing. Damaged blocks and entries are reported and left out, and what
// follows them is found again by the entries' own offsets.
Result<void> ReadDirectoryEntries(const Context& context, const Inode& inode,
                                  const Filesystem::Visitor& visit);

}  // namespace ekshume::fs::xfs
