// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"
#include "fs/xfs/log_metadata.h"
#include "fs/xfs/log_recover.h"

namespace ekshume::fs::xfs {
namespace {

// How many blocks are read and written as one buffer of inodes: 8 KiB, in version 5 grown with the
// inode's size where the alignment allows (M_IGEO's inode_cluster_size).
uint32_t InodeClusterBlocks(const Superblock& superblock) {
  constexpr uint32_t kClusterBytes = 8192;
  constexpr uint32_t kSmallestInodeBytes = 256;
  uint32_t bytes = kClusterBytes;
  if (superblock.has_crc) {
    const uint32_t grown = bytes * (superblock.inode_bytes / kSmallestInodeBytes);
    if (superblock.inode_align_blocks >= grown >> superblock.block_log) bytes = grown;
  }
  return std::max<uint32_t>(1, bytes >> superblock.block_log);
}

}  // namespace

Result<void> LogRecovery::ReplayInodeChunk(const LogTransaction& transaction, const Item& item) {
  const auto create = EKSHUME_TRY(transaction.Region(item, 0).Read<IcreateLog>(0));
  const uint32_t ag = create.icl_ag.value();
  const uint32_t ag_block = create.icl_agbno.value();
  const uint32_t blocks = create.icl_length.value();
  const uint64_t count = uint64_t{blocks} << superblock_.inodes_per_block_log;
  // A chunk has 64 inodes, or as many as fit a block; a sparse one less.
  if (ag >= superblock_.ag_count || ag_block == 0 || blocks == 0 ||
      !RangeFits(ag_block, blocks, superblock_.AgLength(ag)) ||
      count > std::max(kInodesPerChunk, superblock_.inodes_per_block) ||
      create.icl_count.value() != count || create.icl_isize.value() != superblock_.inode_bytes) {
    return Fail(
        ErrorCode::kCorrupt,
        fmt::format("it makes {} inodes of {} bytes in {} blocks at block {:#x} of "
                    "allocation group {}",
                    create.icl_count.value(), create.icl_isize.value(), blocks, ag_block, ag));
  }
  const uint64_t start = superblock_.AgBlockToByte(ag, ag_block);
  const uint32_t cluster = InodeClusterBlocks(superblock_);
  for (uint32_t block = 0; block < blocks; block += cluster) {
    const uint64_t daddr = superblock_.AgBlockToByte(ag, ag_block + block) / kBasicBlockBytes;
    const uint32_t length = (cluster << superblock_.block_log) / kBasicBlockBytes;
    if (IsCancelled({daddr, length})) {
      ++replay_.cancelled_count;
      return {};
    }
  }
  std::vector<std::byte> bytes(size_t{blocks} << superblock_.block_log);
  const uint32_t first_inode = ag_block << superblock_.inodes_per_block_log;
  for (uint32_t i = 0; i < count; ++i) {
    Dinode inode{};
    inode.di_magic = be16::Of(kDinodeMagic);
    inode.di_version = superblock_.has_crc ? 3 : 2;
    inode.di_gen = create.icl_gen;
    inode.di_next_unlinked = be32::Of(kNullAgInode);
    inode.di_ino = be64::Of(superblock_.InodeNumber(ag, first_inode + i));
    inode.di_uuid = superblock_.meta_uuid;
    const std::span<std::byte> slot =
        std::span(bytes).subspan(size_t{i} << superblock_.inode_log, superblock_.inode_bytes);
    CopyBytes(slot,
              AsBytes(inode).First(superblock_.has_crc ? sizeof(Dinode) : kDinodeCoreBytesV2));
    StampInode(slot);
  }
  EKSHUME_TRY(patched_.Patch(start, ByteView(bytes)));
  ++replay_.buffer_count;
  return {};
}

}  // namespace ekshume::fs::xfs
