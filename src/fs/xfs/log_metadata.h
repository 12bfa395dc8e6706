// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "base/byte_view.h"
#include "fs/xfs/log_format.h"

namespace ekshume::fs::xfs {

// Where a self-describing metadata block of version 5 keeps what recovery looks at.
struct MetadataLayout {
  size_t lsn_offset;
  size_t crc_offset;
  size_t uuid_offset;
  bool is_logged;  // false for remote attribute values, which have no LSN that means anything
};

// By the magic at the start of the block; nothing when it is no metadata of version 5 that has a
// checksum of its own (an inode cluster has one for each inode).
std::optional<MetadataLayout> LayoutOf(ByteView block);

// The LSN of the last change that reached the block on disk; nothing when recovery must replay onto
// it without a look: no metadata of version 5, or of another filesystem.
std::optional<Lsn> MetadataLsn(ByteView block, const Uuid& meta_uuid);

// Stamps the block with `lsn` and computes its checksum anew, as the kernel does when it writes it.
// Does nothing to blocks without a layout. `filesystem_block_bytes` is the unit of remote values.
void StampMetadata(std::span<std::byte> block, Lsn lsn, size_t filesystem_block_bytes);

// Computes the checksum of the inode in `slot` anew; does nothing before version 3.
void StampInode(std::span<std::byte> slot);

// Replaces the object at `offset` of `bytes`; CHECKs that it fits.
template <typename T>
void Put(std::span<std::byte> bytes, size_t offset, const T& value) {
  CopyBytes(bytes.subspan(offset), AsBytes(value));
}

}  // namespace ekshume::fs::xfs
