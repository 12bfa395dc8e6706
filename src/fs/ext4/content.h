// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "fs/ext4/inode.h"
#include "fs/ext4/volume.h"
#include "fs/filesystem.h"

namespace ekshume::fs::ext4 {

// The bytes of any inode that has some: a regular file, but also a directory, a long symbolic link,
// an attribute's value, the journal. `volume` must outlive it. Damage inside is reported and reads
// as a hole; the call itself fails only when nothing of it can be known.
Result<std::unique_ptr<File>> OpenContent(const Volume& volume, InodeNumber number);
Result<std::unique_ptr<File>> OpenContent(const Volume& volume, const Inode& inode, ByteView raw);

// Bytes at these runs of `image`, which must outlive it.
std::unique_ptr<File> MakeRunFile(const image::Image& image, uint64_t size_bytes,
                                  std::vector<Run> runs);

}  // namespace ekshume::fs::ext4
