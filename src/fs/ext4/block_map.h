// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/limits.h"
#include "fs/ext4/inode.h"
#include "fs/ext4/volume.h"
#include "fs/filesystem.h"

namespace ekshume::fs::ext4 {

// Collects the pieces of one file in ascending order, joins neighbours, fills gaps with holes and
// refuses what lies outside the filesystem. All positions are in blocks.
class RunBuilder {
 public:
  // Keeps at most `most` runs; more is reported (kFilesystemLimit), and the rest reads as a hole.
  RunBuilder(const Volume& volume, const Inode& inode, size_t most = limits::kMaxExtentsPerFile);

  // The first block of the file that no piece has covered yet.
  uint64_t next_block() const { return next_block_; }
  // Blocks that the size covers; pieces past it are cut.
  uint64_t end_block() const { return end_block_; }
  // False when the limit on runs is reached and nothing more is taken.
  bool Add(uint64_t file_block, uint64_t count, Run::Kind kind, uint64_t device_block);
  // The whole list, with a hole up to the end.
  std::vector<Run> Finish();

 private:
  void Append(uint64_t file_block, uint64_t count, Run::Kind kind, uint64_t device_block);

  const Volume& volume_;
  const Inode& inode_;
  const size_t most_;
  const uint64_t block_bytes_;
  const uint64_t end_block_;
  uint64_t next_block_ = 0;
  bool limit_reached_ = false;
  std::vector<Run> runs_;
};

// The runs of an inode whose content lies in blocks: by extent tree or block map, or as fast
// commits left it. Damage is reported and reads as a hole.
std::vector<Run> MapInode(const Volume& volume, const Inode& inode);
// The same as it lies on disk, without fast commits.
std::vector<Run> MapInodeOnDisk(const Volume& volume, const Inode& inode);

// The two on-disk forms.
void WalkExtentTree(const Volume& volume, const Inode& inode, RunBuilder& builder);
void WalkIndirectBlocks(const Volume& volume, const Inode& inode, RunBuilder& builder);

}  // namespace ekshume::fs::ext4
