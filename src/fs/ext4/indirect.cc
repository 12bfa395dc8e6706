// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <unordered_set>

#include "fs/ext4/block_map.h"

namespace ekshume::fs::ext4 {
namespace {

constexpr size_t kDirectBlocks = 12;
constexpr uint32_t kIndirectLevels = 3;  // single, double, triple

// One indirect block on the way down.
struct Level {
  std::vector<std::byte> block;
  uint64_t first_file_block = 0;
  uint64_t blocks_per_pointer = 1;
  uint32_t height = 1;  // 1: its pointers name data blocks
  size_t next = 0;      // pointer
};

// The block map of ext2 and ext3 (section "Direct/Indirect Block Addressing"). It has no checksums.
class IndirectWalk {
 public:
  IndirectWalk(const Volume& volume, const Inode& inode, RunBuilder& builder)
      : volume_(volume),
        inode_(inode),
        builder_(builder),
        pointers_per_block_(volume.geometry().block_bytes / sizeof(le32)) {}

  void Walk() {
    const ByteView map(inode_.block);
    for (size_t index = 0; index < kDirectBlocks; ++index) {
      if (!AddData(index, PointerAt(map, index))) return;
    }
    uint64_t file_block = kDirectBlocks;
    uint64_t blocks_per_pointer = 1;
    for (uint32_t height = 1; height <= kIndirectLevels; ++height) {
      if (file_block >= builder_.end_block()) return;
      Push(PointerAt(map, kDirectBlocks + height - 1), file_block, blocks_per_pointer, height);
      if (!WalkLevels()) return;
      blocks_per_pointer *= pointers_per_block_;
      file_block += blocks_per_pointer;
    }
  }

 private:
  static uint32_t PointerAt(ByteView bytes, size_t index) {
    const auto pointer = bytes.Read<le32>(index * sizeof(le32));
    return pointer ? pointer->value() : 0;
  }

  bool AddData(uint64_t file_block, uint32_t device_block) {
    if (device_block == 0 || file_block >= builder_.end_block()) return true;
    return builder_.Add(file_block, 1, Run::Kind::kData, device_block);
  }

  void Push(uint32_t device_block, uint64_t file_block, uint64_t blocks_per_pointer,
            uint32_t height) {
    if (device_block == 0) return;
    if (!visited_.insert(device_block).second) {
      Report(fmt::format("indirect block {} is used twice", device_block));
      return;
    }
    auto block = volume_.ReadBlock(device_block);
    if (!block) {
      Report(block.error().message);
      return;
    }
    levels_.push_back({*std::move(block), file_block, blocks_per_pointer, height, 0});
  }

  bool WalkLevels() {
    while (!levels_.empty()) {
      Level& level = levels_.back();
      const uint64_t file_block = level.first_file_block + level.next * level.blocks_per_pointer;
      if (level.next == pointers_per_block_ || file_block >= builder_.end_block()) {
        levels_.pop_back();
        continue;
      }
      const uint32_t pointer = PointerAt(ByteView(level.block), level.next++);
      if (level.height == 1) {
        if (!AddData(file_block, pointer)) return false;
      } else {
        Push(pointer, file_block, level.blocks_per_pointer / pointers_per_block_, level.height - 1);
      }
    }
    return true;
  }

  void Report(std::string_view what) {
    volume_.ReportInode(DiagnosticCode::kExt4BadExtent, inode_.number, what);
  }

  const Volume& volume_;
  const Inode& inode_;
  RunBuilder& builder_;
  const uint64_t pointers_per_block_;
  std::vector<Level> levels_;
  std::unordered_set<uint32_t> visited_;
};

}  // namespace

void WalkIndirectBlocks(const Volume& volume, const Inode& inode, RunBuilder& builder) {
  IndirectWalk(volume, inode, builder).Walk();
}

}  // namespace ekshume::fs::ext4
