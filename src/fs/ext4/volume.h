// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "fs/ext4/fast_commit.h"
#include "fs/ext4/geometry.h"
#include "fs/ext4/inode.h"
#include "image/image.h"

namespace ekshume::fs::ext4 {

// The bytes of a filesystem with the knowledge where its inodes lie: what the readers of files,
// directories and attributes share. `image`, `diagnostics` and the fast-commit changes must outlive
// it. Any number of threads may use it after Open.
class Volume {
 public:
  // Reads the superblock (a backup when the primary is damaged) and the group descriptors.
  // kUnsupported names features that are unknown, unless `force`.
  static Result<std::unique_ptr<Volume>> Open(const image::Image& image,
                                              DiagnosticSink& diagnostics, bool force);

  const Geometry& geometry() const { return geometry_; }
  const SuperBlock& superblock() const { return superblock_; }
  const image::Image& image() const { return image_; }

  // The inode's bytes and model. kOutOfRange when there is no such inode, kCorrupt when its group
  // is damaged. A bad checksum is only reported.
  Result<InodeBytes> ReadInodeBytes(InodeNumber number) const;
  Result<Inode> ReadInode(InodeNumber number) const;
  Result<Inode> CheckInode(InodeNumber number, ByteView raw) const;
  // Where the inode lies in the image.
  Result<uint64_t> InodeOffset(InodeNumber number) const;

  // A copy of one block; kOutOfRange when it lies outside the filesystem.
  Result<std::vector<std::byte>> ReadBlock(uint64_t block) const;

  void Report(DiagnosticCode code, std::string detail, uint64_t offset_bytes) const {
    diagnostics_.Report(code, image_.name(), std::move(detail), offset_bytes);
  }
  void ReportInode(DiagnosticCode code, InodeNumber number, std::string_view detail) const;

  // Changes from fast commits that are kept beside the disk; null when there are none.
  const FastCommitChanges* fast_commit_changes() const { return changes_; }
  void set_fast_commit_changes(const FastCommitChanges* changes) { changes_ = changes; }

 private:
  Volume(const image::Image& image, DiagnosticSink& diagnostics)
      : image_(image), diagnostics_(diagnostics) {}

  Result<void> ReadSuperBlock(bool force);
  Result<void> ReadGroups();
  // The block of the group's inode table from the descriptor at `offset_bytes`; an error when it
  // cannot be right.
  Result<uint64_t> ReadDescriptor(uint32_t group, uint64_t offset_bytes, bool& checksum_ok) const;

  const image::Image& image_;
  DiagnosticSink& diagnostics_;
  SuperBlock superblock_{};
  Geometry geometry_;
  uint32_t superblock_group_ = 0;       // which copy was used
  std::vector<uint64_t> inode_tables_;  // by group: the first block; 0 when it is not known
  const FastCommitChanges* changes_ = nullptr;
};

// The superblock copy of the given block group as it lies, for blocks of `block_bytes`, when it
// looks like one. Group 0 is the primary.
Result<SuperBlock> ReadSuperBlockCopy(const image::Image& image, uint32_t group,
                                      uint32_t block_bytes);
// Looks for a backup superblock that is consistent, in the places where mke2fs puts them.
Result<SuperBlock> FindBackupSuperBlock(const image::Image& image);

// Whether the device holds a superblock: the primary one, or a backup where the primary is zeroed
// or still resembles that backup. Anything else in its place means that the device was made into
// something new, and that the backup is a remnant.
bool LooksLikeExt4(const image::Image& image);

}  // namespace ekshume::fs::ext4
