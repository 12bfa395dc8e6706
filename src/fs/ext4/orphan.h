// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/limits.h"
#include "fs/ext4/volume.h"
#include "fs/filesystem.h"

namespace ekshume::fs::ext4 {

// Inodes that have no name any more but still their data: the chain from s_last_orphan through
// i_dtime ("orphan list") and the orphan file's entries ("orphan file"). Inodes there that still
// have links are truncations in progress and left out. Damage is reported, and so is
// (kFilesystemLimit) that more than `most` inodes are named.
std::vector<DeletedNode> FindOrphans(const Volume& volume, size_t most = limits::kMaxOrphans);

}  // namespace ekshume::fs::ext4
