// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/ext4/fast_commit.h"
#include "fs/ext4/volume.h"
#include "image/patched_image.h"

namespace ekshume::fs::ext4 {

// Applies fast commits: inodes are patched into `patched`, on which `volume` must be open; ranges
// and names go to the result. What cannot be applied is told in `damage` (empty: all was).
FastCommitChanges ApplyFastCommits(const Volume& volume, image::PatchedImage& patched,
                                   const FastCommitLog& log, std::string& damage);

}  // namespace ekshume::fs::ext4
