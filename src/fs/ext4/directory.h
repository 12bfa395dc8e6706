// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/ext4/inode.h"
#include "fs/ext4/volume.h"
#include "fs/filesystem.h"

namespace ekshume::fs::ext4 {

// Calls `visit` for each entry of the directory until it returns false: linear directories, hashed
// ones (their index blocks look like one unused entry), those inside the inode; then the names that
// fast commits added, in byte order. Names of encrypted directories come as the unpadded base64url
// of their bytes. Damaged blocks are reported and left out. `raw` are the inode's bytes.
Result<void> ReadDirectoryEntries(const Volume& volume, const Inode& directory, ByteView raw,
                                  const Filesystem::Visitor& visit);

// base64url (RFC 4648 section 5) without padding: how encrypted names and targets are shown.
std::string EncryptedName(ByteView bytes);

}  // namespace ekshume::fs::ext4
