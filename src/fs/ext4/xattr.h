// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "fs/ext4/inode.h"
#include "fs/ext4/volume.h"
#include "fs/filesystem.h"

namespace ekshume::fs::ext4 {

// Every attribute that listxattr(2) shows to root, sorted by name: those inside the inode, those in
// its attribute block, and values in inodes of their own (ea_inode). ACLs come in the encoding of
// the system call. `raw` are the inode's bytes. Damage is reported and left out.
std::vector<Xattr> ReadInodeXattrs(const Volume& volume, const Inode& inode, ByteView raw);

// The content of an inode with inline data: i_block, then the value of the attribute system.data.
std::vector<std::byte> InlineBytes(const Volume& volume, const Inode& inode, ByteView raw);

}  // namespace ekshume::fs::ext4
