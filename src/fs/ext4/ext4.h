// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/format.h"

namespace ekshume::fs::ext4 {

// ext2, ext3 and ext4, read without the kernel: every block size, both ways to map blocks, inline
// data, attributes in all places, hashed and large directories, and a dirty journal replayed in
// memory (jbd2 transactions and fast commits) unless OpenOptions::raw. Checksums are verified;
// a mismatch is a diagnostic. A damaged primary superblock is replaced by a backup.
extern const Format kExt4Format;

}  // namespace ekshume::fs::ext4
