// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/block_map.h"

#include <fmt/format.h>

#include <algorithm>

namespace ekshume::fs::ext4 {

RunBuilder::RunBuilder(const Volume& volume, const Inode& inode, size_t most)
    : volume_(volume),
      inode_(inode),
      most_(most),
      block_bytes_(volume.geometry().block_bytes),
      // Logical block numbers have 32 bits, whatever the size says; the rest reads as a hole.
      end_block_(std::min<uint64_t>(
          inode.size_bytes / block_bytes_ + (inode.size_bytes % block_bytes_ != 0 ? 1 : 0),
          INT64_MAX / block_bytes_)) {}

void RunBuilder::Append(uint64_t file_block, uint64_t count, Run::Kind kind,
                        uint64_t device_block) {
  const uint64_t device_offset = kind == Run::Kind::kHole ? 0 : device_block * block_bytes_;
  if (!runs_.empty()) {
    Run& last = runs_.back();
    if (last.kind == kind && (kind == Run::Kind::kHole ||
                              last.device_offset_bytes + last.length_bytes == device_offset)) {
      last.length_bytes += count * block_bytes_;
      return;
    }
  }
  runs_.push_back({file_block * block_bytes_, count * block_bytes_, kind, device_offset});
}

bool RunBuilder::Add(uint64_t file_block, uint64_t count, Run::Kind kind, uint64_t device_block) {
  if (limit_reached_) return false;
  if (file_block < next_block_) {
    volume_.ReportInode(DiagnosticCode::kExt4BadExtent, inode_.number,
                        fmt::format("file block {} is mapped twice or out of order", file_block));
    return true;
  }
  if (kind != Run::Kind::kHole && !volume_.geometry().ContainsBlocks(device_block, count)) {
    volume_.ReportInode(
        DiagnosticCode::kExt4BadExtent, inode_.number,
        fmt::format("file block {} is mapped to blocks {} to {} of {}", file_block, device_block,
                    device_block + count - 1, volume_.geometry().block_count));
    return true;
  }
  if (file_block >= end_block_ || count == 0) return true;
  count = std::min(count, end_block_ - file_block);
  // Each piece can add a hole and itself.
  if (runs_.size() + 2 > most_) {
    limit_reached_ = true;
    volume_.ReportInode(DiagnosticCode::kFilesystemLimit, inode_.number, "kMaxExtentsPerFile");
    return false;
  }
  if (file_block > next_block_) {
    Append(next_block_, file_block - next_block_, Run::Kind::kHole, 0);
  }
  Append(file_block, count, kind, device_block);
  next_block_ = file_block + count;
  return true;
}

std::vector<Run> RunBuilder::Finish() {
  if (next_block_ < end_block_) Append(next_block_, end_block_ - next_block_, Run::Kind::kHole, 0);
  next_block_ = end_block_;
  return std::move(runs_);
}

std::vector<Run> MapInodeOnDisk(const Volume& volume, const Inode& inode) {
  RunBuilder builder(volume, inode);
  if (inode.Has(kInodeExtents)) {
    WalkExtentTree(volume, inode, builder);
  } else {
    WalkIndirectBlocks(volume, inode, builder);
  }
  return builder.Finish();
}

std::vector<Run> MapInode(const Volume& volume, const Inode& inode) {
  if (const FastCommitChanges* changes = volume.fast_commit_changes()) {
    const auto found = changes->runs.find(ToInteger(inode.number));
    if (found != changes->runs.end()) return found->second;
  }
  return MapInodeOnDisk(volume, inode);
}

}  // namespace ekshume::fs::ext4
