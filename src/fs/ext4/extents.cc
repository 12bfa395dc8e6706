// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <unordered_set>

#include "base/limits.h"
#include "fs/ext4/block_map.h"
#include "fs/ext4/checksum.h"

namespace ekshume::fs::ext4 {
namespace {

// One node of the tree on the way from the root to where the walk is.
struct Level {
  std::vector<std::byte> block;  // empty for the root, which lies in the inode
  ByteView entries;              // of 12 bytes each
  uint32_t depth = 0;            // 0: a leaf
  uint32_t next = 0;             // entry
};

class ExtentWalk {
 public:
  ExtentWalk(const Volume& volume, const Inode& inode, RunBuilder& builder)
      : volume_(volume), inode_(inode), builder_(builder) {}

  void Walk() {
    if (auto root = MakeLevel({}, ByteView(inode_.block), std::nullopt)) {
      levels_.push_back(*std::move(root));
    } else {
      Report(root.error().message);
    }
    while (!levels_.empty()) {
      Level& level = levels_.back();
      if (level.next * sizeof(Extent) >= level.entries.size()) {
        levels_.pop_back();
      } else if (level.depth == 0) {
        if (!AddLeaf(level)) return;
      } else {
        // Not `level` after this: the vector may move.
        Descend(level);
      }
    }
  }

 private:
  void Report(std::string_view what) {
    volume_.ReportInode(DiagnosticCode::kExt4BadExtent, inode_.number, what);
  }

  // Checks a node's header. `bytes` must be the inode's i_block or lie in `block`.
  Result<Level> MakeLevel(std::vector<std::byte> block, ByteView bytes,
                          std::optional<uint32_t> expected_depth) {
    const auto header = EKSHUME_TRY(bytes.Read<ExtentHeader>(0));
    if (header.eh_magic.value() != kExtentMagic) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("extent node has magic {:#06x}, expected {:#06x}",
                              header.eh_magic.value(), kExtentMagic));
    }
    const uint32_t depth = header.eh_depth.value();
    if (depth > static_cast<uint32_t>(limits::kMaxTreeDepth)) {
      return Fail(ErrorCode::kLimit,
                  fmt::format("kMaxTreeDepth: extent node has depth {}, expected {} at most", depth,
                              limits::kMaxTreeDepth));
    }
    if (expected_depth && depth != *expected_depth) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("extent node has depth {}, expected {}", depth, *expected_depth));
    }
    const size_t capacity = (bytes.size() - sizeof(ExtentHeader)) / sizeof(Extent);
    const uint32_t entries = header.eh_entries.value();
    const uint32_t max = header.eh_max.value();
    if (entries > max || max > capacity) {
      return Fail(ErrorCode::kCorrupt, fmt::format("extent node has {} of {} entries, room for {}",
                                                   entries, max, capacity));
    }
    Level level;
    level.depth = depth;
    level.entries = EKSHUME_TRY(bytes.Sub(sizeof(ExtentHeader), entries * sizeof(Extent)));
    level.block = std::move(block);
    return level;
  }

  bool AddLeaf(Level& level) {
    const auto extent = level.entries.Read<Extent>(level.next++ * sizeof(Extent));
    if (!extent) return true;
    uint32_t length = extent->ee_len.value();
    const bool unwritten = length > kMaxInitialisedLength;
    if (unwritten) length -= kMaxInitialisedLength;
    const uint64_t start = extent->ee_start_lo.value() | uint64_t{extent->ee_start_hi.value()}
                                                             << 32;
    return builder_.Add(extent->ee_block.value(), length,
                        unwritten ? Run::Kind::kUnwritten : Run::Kind::kData, start);
  }

  void Descend(Level& level) {
    const auto index = level.entries.Read<ExtentIndex>(level.next++ * sizeof(ExtentIndex));
    if (!index) return;
    const uint32_t child_depth = level.depth - 1;
    const uint64_t child = index->ei_leaf_lo.value() | uint64_t{index->ei_leaf_hi.value()} << 32;
    if (!visited_.insert(child).second) {
      Report(fmt::format("extent node at block {} is used twice", child));
      return;
    }
    auto block = volume_.ReadBlock(child);
    if (!block) {
      Report(block.error().message);
      return;
    }
    const ByteView bytes(*block);
    auto node = MakeLevel(*std::move(block), bytes, child_depth);
    if (!node) {
      Report(fmt::format("block {}: {}", child, node.error().message));
      return;
    }
    CheckSum(bytes, child);
    levels_.push_back(*std::move(node));
  }

  // Section "Extent Tree": the sum follows the last possible entry.
  void CheckSum(ByteView bytes, uint64_t block) {
    if (!volume_.geometry().Has(kRoCompatMetadataCsum)) return;
    const auto header = bytes.Read<ExtentHeader>(0);
    if (!header) return;
    const size_t tail = sizeof(ExtentHeader) + header->eh_max.value() * sizeof(Extent);
    const auto stored = bytes.Read<le32>(tail);
    if (!stored || stored->value() != Crc32c(inode_.checksum_seed, bytes.First(tail))) {
      volume_.Report(DiagnosticCode::kExt4BadChecksum,
                     fmt::format("extent node of inode {}", ToInteger(inode_.number)),
                     block * volume_.geometry().block_bytes);
    }
  }

  const Volume& volume_;
  const Inode& inode_;
  RunBuilder& builder_;
  std::vector<Level> levels_;
  std::unordered_set<uint64_t> visited_;
};

}  // namespace

void WalkExtentTree(const Volume& volume, const Inode& inode, RunBuilder& builder) {
  ExtentWalk(volume, inode, builder).Walk();
}

}  // namespace ekshume::fs::ext4
