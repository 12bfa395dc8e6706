// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/extent.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/limits.h"
#include "fs/xfs/inode_changes.h"

namespace ekshume::fs::xfs {
namespace {

// Collects the records of one fork in file order and keeps out what contradicts the geometry or
// the records before it.
class ExtentCollector {
 public:
  ExtentCollector(const Context& context, const Inode& inode, size_t most)
      : context_(context), inode_(inode), most_(most) {}

  // Adds the record found at `byte_offset`; false when the limit is reached.
  bool Add(const BmbtRec& record, uint64_t byte_offset) {
    constexpr uint64_t kStartoffMask = (uint64_t{1} << 54) - 1;
    constexpr uint64_t kCountMask = (uint64_t{1} << 21) - 1;
    const uint64_t l0 = record.l0.value();
    const uint64_t l1 = record.l1.value();
    const uint64_t file_block = (l0 >> 9) & kStartoffMask;
    const uint64_t fsblock = ((l0 & 0x1ff) << 43) | (l1 >> 21);
    const uint64_t count = l1 & kCountMask;
    const uint64_t previous_end = extents_.empty() ? 0 : extents_.back().end_block();
    if (count == 0 || !context_.sb.ContainsBlocks(fsblock, count) || file_block < previous_end) {
      context_.Report(DiagnosticCode::kXfsBadExtent,
                      fmt::format("inode {}: {} blocks at file block {}, filesystem block {:#x}",
                                  inode_.number, count, file_block, fsblock),
                      byte_offset);
      return true;
    }
    if (extents_.size() >= most_) {
      context_.Report(DiagnosticCode::kFilesystemLimit,
                      fmt::format("inode {}: kMaxExtentsPerFile", inode_.number), byte_offset);
      return false;
    }
    extents_.push_back(
        {file_block, context_.sb.FsBlockToByte(fsblock).value_or(0), count, (l0 >> 63) != 0});
    return true;
  }

  std::vector<Extent> Take() { return std::move(extents_); }

 private:
  const Context& context_;
  const Inode& inode_;
  const size_t most_;
  std::vector<Extent> extents_;
};

// A block of the extent tree that was checked.
struct TreeBlock {
  std::vector<std::byte> bytes;
  uint64_t byte_offset;
  size_t header_bytes;
  size_t record_count;
};

Result<TreeBlock> ReadTreeBlock(const Context& context, const Inode& inode, uint64_t fsblock,
                                uint16_t level) {
  const Superblock& sb = context.sb;
  const auto byte_offset = sb.FsBlockToByte(fsblock);
  if (!byte_offset) {
    return Fail(ErrorCode::kCorrupt, fmt::format("extent tree block {:#x} out of range", fsblock));
  }
  TreeBlock block{EKSHUME_TRY(image::ReadBytes(context.device, *byte_offset, sb.block_bytes)),
                  *byte_offset, sb.has_crc ? sizeof(BtreeLongCrcBlock) : sizeof(BtreeLongBlock), 0};
  const ByteView bytes(block.bytes);
  const auto header = EKSHUME_TRY(bytes.Read<BtreeHeader>(0));
  const uint32_t magic = sb.has_crc ? kBmapCrcMagic : kBmapMagic;
  if (header.bb_magic.value() != magic) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("bad extent tree magic {:#010x}, expected {:#010x}",
                            header.bb_magic.value(), magic));
  }
  if (header.bb_level.value() != level) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("extent tree level {}, expected {}", header.bb_level.value(), level));
  }
  block.record_count = header.bb_numrecs.value();
  if (block.record_count > (sb.block_bytes - block.header_bytes) / sizeof(BmbtRec)) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("extent tree block with {} records", block.record_count));
  }
  context.VerifyChecksum(bytes, offsetof(BtreeLongCrcBlock, bb_crc),
                         fmt::format("extent tree of inode {}", inode.number), *byte_offset);
  return block;
}

// Pointers follow the space of all keys that fit, not the keys that are there.
void AppendPointers(ByteView bytes, size_t header_bytes, size_t count,
                    std::vector<uint64_t>& pointers) {
  const size_t most = (bytes.size() - header_bytes) / (kBmbtKeyBytes + kBmbtPtrBytes);
  for (size_t i = 0; i < std::min(count, most); ++i) {
    const auto pointer = bytes.Read<be64>(header_bytes + most * kBmbtKeyBytes + i * kBmbtPtrBytes);
    if (pointer) pointers.push_back(pointer->value());
  }
}

// Level by level from the root in the inode, left to right, so that the leaves come in file order
// without recursion.
Result<std::vector<Extent>> ReadTree(const Context& context, const Inode& inode, ByteView root,
                                     size_t most) {
  const auto header = EKSHUME_TRY(root.Read<BmdrBlock>(0));
  uint16_t level = header.bb_level.value();
  if (level == 0 || level > limits::kMaxTreeDepth) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("xfs: inode {}: extent tree of {} levels, expected 1 to {} "
                            "(kMaxTreeDepth)",
                            inode.number, level, limits::kMaxTreeDepth));
  }
  std::vector<uint64_t> pointers;
  AppendPointers(root, sizeof(BmdrBlock), header.bb_numrecs.value(), pointers);
  std::unordered_set<uint64_t> visited;
  ExtentCollector collector(context, inode, most);
  while (level-- > 0) {
    std::vector<uint64_t> children;
    for (const uint64_t fsblock : pointers) {
      auto block = visited.insert(fsblock).second
                       ? ReadTreeBlock(context, inode, fsblock, level)
                       : Fail(ErrorCode::kCorrupt, "extent tree block met twice");
      if (!block) {
        context.Report(DiagnosticCode::kXfsBadExtent,
                       fmt::format("inode {}: {}", inode.number, block.error().message),
                       context.sb.FsBlockToByte(fsblock).value_or(inode.byte_offset));
        continue;
      }
      const ByteView bytes(block->bytes);
      if (level > 0) {
        AppendPointers(bytes, block->header_bytes, block->record_count, children);
        if (children.size() <= most) continue;
        context.Report(DiagnosticCode::kFilesystemLimit,
                       fmt::format("inode {}: kMaxExtentsPerFile", inode.number),
                       block->byte_offset);
        return collector.Take();
      }
      for (size_t i = 0; i < block->record_count; ++i) {
        const size_t offset = block->header_bytes + i * sizeof(BmbtRec);
        const auto record = EKSHUME_TRY(bytes.Read<BmbtRec>(offset));
        if (!collector.Add(record, block->byte_offset + offset)) return collector.Take();
      }
    }
    pointers = std::move(children);
  }
  return collector.Take();
}

Result<std::vector<Extent>> ReadList(const Context& context, const Inode& inode, ByteView fork,
                                     uint64_t count, size_t most) {
  const uint64_t fits = fork.size() / sizeof(BmbtRec);
  if (count > fits) {
    context.Report(
        DiagnosticCode::kXfsBadExtent,
        fmt::format("inode {}: {} extents, but its fork holds {}", inode.number, count, fits),
        inode.byte_offset);
    count = fits;
  }
  ExtentCollector collector(context, inode, most);
  for (size_t i = 0; i < count; ++i) {
    const auto record = EKSHUME_TRY(fork.Read<BmbtRec>(i * sizeof(BmbtRec)));
    if (!collector.Add(record, inode.byte_offset)) break;
  }
  return collector.Take();
}

}  // namespace

Result<std::vector<Extent>> ReadExtents(const Context& context, const Inode& inode, Fork fork,
                                        size_t most) {
  if (const InodeChange* change = context.ChangeOf(inode.number)) {
    if (const auto& extents = change->ExtentsOf(fork)) return *extents;
  }
  const bool is_data = fork == Fork::kData;
  const uint8_t format = is_data ? inode.core.di_format : inode.core.di_aformat;
  const ByteView bytes = is_data ? inode.data_fork : inode.attr_fork;
  if (format == kDinodeFmtExtents) {
    return ReadList(context, inode, bytes, is_data ? inode.data_extents : inode.attr_extents, most);
  }
  if (format == kDinodeFmtBtree) return ReadTree(context, inode, bytes, most);
  return Fail(
      ErrorCode::kCorrupt,
      fmt::format("xfs: inode {} at {:#x}: {} fork has format {}, expected extents or btree",
                  inode.number, inode.byte_offset, is_data ? "data" : "attribute", format));
}

size_t FindExtent(std::span<const Extent> extents, uint64_t file_block) {
  const auto found = std::upper_bound(
      extents.begin(), extents.end(), file_block,
      [](uint64_t block, const Extent& extent) { return block < extent.end_block(); });
  return static_cast<size_t>(found - extents.begin());
}

Result<void> ReadForkBlocks(const Context& context, std::span<const Extent> extents,
                            uint64_t file_block, std::span<std::byte> out) {
  const uint8_t block_log = context.sb.block_log;
  size_t index = FindExtent(extents, file_block);
  while (!out.empty()) {
    if (index >= extents.size() || extents[index].file_block > file_block ||
        extents[index].unwritten) {
      return Fail(ErrorCode::kNotFound, fmt::format("xfs: block {} is not mapped", file_block));
    }
    const Extent& extent = extents[index];
    const uint64_t skip = file_block - extent.file_block;
    const uint64_t count = std::min<uint64_t>(extent.count - skip, out.size() >> block_log);
    const size_t length = count << block_log;
    if (length == 0) return Fail(ErrorCode::kInvalidArgument, "xfs: not a whole number of blocks");
    EKSHUME_TRY(context.device.ReadAt(extent.byte_offset + (skip << block_log), out.first(length)));
    out = out.subspan(length);
    file_block += count;
    ++index;
  }
  return {};
}

}  // namespace ekshume::fs::xfs
