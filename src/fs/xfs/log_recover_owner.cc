// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/limits.h"
#include "fs/xfs/checksum.h"
#include "fs/xfs/log_metadata.h"
#include "fs/xfs/log_recover.h"

namespace ekshume::fs::xfs {

// Two files that swapped their extents (xfs_fsr) swapped their extent trees, whose blocks name the
// inode they belong to. The log only says that they must be renamed.
Result<void> LogRecovery::ChangeOwner(const InodeItem& inode, ByteView slot) {
  if ((inode.fields & (kIlogDowner | kIlogAowner)) == 0 || !superblock_.has_crc) return {};
  const auto core = EKSHUME_TRY(slot.Read<Dinode>(0));
  if (core.di_mode.value() == 0) return {};
  const ByteView literal = slot.From(sizeof(Dinode));
  const size_t fork_offset = size_t{core.di_forkoff} * 8;
  if ((inode.fields & kIlogDowner) != 0 && core.di_format == kDinodeFmtBtree) {
    const ByteView fork = fork_offset == 0 ? literal : literal.First(fork_offset);
    EKSHUME_TRY(ChangeTreeOwner(fork, inode.ino));
  }
  if ((inode.fields & kIlogAowner) != 0 && core.di_aformat == kDinodeFmtBtree && fork_offset != 0) {
    EKSHUME_TRY(ChangeTreeOwner(literal.From(fork_offset), inode.ino));
  }
  return {};
}

Result<void> LogRecovery::ChangeTreeOwner(ByteView root, uint64_t owner) {
  struct Child {
    uint64_t fsblock;
    unsigned level;
  };
  constexpr size_t kPairBytes = kBmbtKeyBytes + kBmbtPtrBytes;
  std::vector<Child> pending;
  // Adds the children of the node whose keys begin at `keys` with room for `room` of them.
  const auto add_children = [&](ByteView node, size_t keys, size_t room, unsigned level,
                                size_t count) -> Result<void> {
    if (level == 0) return {};
    if (count > room) return Fail(ErrorCode::kCorrupt, "an extent tree's node is overfull");
    for (size_t i = 0; i < count; ++i) {
      const size_t at = keys + room * kBmbtKeyBytes + i * kBmbtPtrBytes;
      pending.push_back({EKSHUME_TRY(node.Read<be64>(at)).value(), level - 1});
    }
    return {};
  };
  const auto header = EKSHUME_TRY(root.Read<BmdrBlock>(0));
  if (header.bb_level.value() > static_cast<unsigned>(limits::kMaxTreeDepth)) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("an extent tree has {} levels, expected {} at most (kMaxTreeDepth)",
                            header.bb_level.value(), limits::kMaxTreeDepth));
  }
  EKSHUME_TRY(add_children(root, sizeof(BmdrBlock), (root.size() - sizeof(BmdrBlock)) / kPairBytes,
                           header.bb_level.value(), header.bb_numrecs.value()));
  const size_t room = (superblock_.block_bytes - sizeof(BtreeLongCrcBlock)) / kPairBytes;
  while (!pending.empty()) {
    const Child child = pending.back();
    pending.pop_back();
    // Trees that loop end here, and so do logs that ask for the same large tree again and again.
    if (++owner_blocks_ > limits::kMaxLogOwnerChanges) {
      return Fail(ErrorCode::kCorrupt,
                  "the log renames more blocks of extent trees than "
                  "kMaxLogOwnerChanges");
    }
    const auto offset = superblock_.FsBlockToByte(child.fsblock);
    if (!offset) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("an extent tree points to block {:#x}", child.fsblock));
    }
    auto bytes = EKSHUME_TRY(image::ReadBytes(patched_, *offset, superblock_.block_bytes));
    const auto block = EKSHUME_TRY(ByteView(bytes).Read<BtreeLongCrcBlock>(0));
    const BtreeHeader& block_header = block.bb_long.bb_header;
    if (block_header.bb_magic.value() != kBmapCrcMagic ||
        block_header.bb_level.value() != child.level) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("the extent tree's block at {:#x} has the magic {:#010x} and level "
                              "{}, expected {:#010x} and {}",
                              *offset, block_header.bb_magic.value(), block_header.bb_level.value(),
                              kBmapCrcMagic, child.level));
    }
    if (block.bb_owner.value() != owner) {
      Put(std::span(bytes), offsetof(BtreeLongCrcBlock, bb_owner), be64::Of(owner));
      constexpr size_t kCrcOffset = offsetof(BtreeLongCrcBlock, bb_crc);
      Put(std::span(bytes), kCrcOffset, le32::Of(ComputeChecksum(ByteView(bytes), kCrcOffset)));
      EKSHUME_TRY(patched_.Patch(*offset, ByteView(bytes)));
    }
    EKSHUME_TRY(add_children(ByteView(bytes), sizeof(BtreeLongCrcBlock), room, child.level,
                             block_header.bb_numrecs.value()));
  }
  return {};
}

}  // namespace ekshume::fs::xfs
