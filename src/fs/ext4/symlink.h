// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "fs/ext4/inode.h"
#include "fs/ext4/volume.h"

namespace ekshume::fs::ext4 {

// The target of a symbolic link: inside i_block (a "fast" link), inline, or in a block. An
// encrypted target comes as the base64url of its ciphertext, with a diagnostic. `raw` are the
// inode's bytes.
Result<std::string> ReadSymlinkTarget(const Volume& volume, const Inode& inode, ByteView raw);

}  // namespace ekshume::fs::ext4
