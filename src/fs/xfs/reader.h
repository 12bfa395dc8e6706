// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "fs/format.h"
#include "fs/xfs/context.h"
#include "fs/xfs/inode.h"
#include "fs/xfs/inode_changes.h"
#include "image/patched_image.h"

namespace ekshume::fs::xfs {

// An XFS filesystem, opened. NodeIds are inode numbers.
class Reader final : public Filesystem {
 public:
  // Reads the superblock and, unless options.raw, replays the log in memory. `device` and
  // options.diagnostics must outlive the Reader.
  static Result<std::unique_ptr<Filesystem>> Open(const image::Image& device,
                                                  const OpenOptions& options);

  const FilesystemInfo& info() const override { return info_; }
  Result<Stat> GetStat(NodeId node) const override;
  Result<void> ReadDirectory(NodeId directory, const Visitor& visit) const override;
  Result<std::unique_ptr<File>> OpenFile(NodeId node) const override;
  Result<std::string> ReadSymlink(NodeId node) const override;
  Result<std::vector<Xattr>> ReadXattrs(NodeId node) const override;
  std::vector<DeletedNode> Deleted() const override;

 private:
  Reader(const image::Image& device, const OpenOptions& options);

  Result<void> Load(const OpenOptions& options);
  // Replays the log, unless raw, and reads the superblock that it leaves.
  Result<void> ReplayLogInMemory(const OpenOptions& options);
  void ReportOpening(const OpenOptions& options) const;
  void FillInfo();

  const image::Image& device_;
  const std::unique_ptr<image::Image> cached_;
  image::PatchedImage patched_;  // over cached_
  bool is_patched_ = false;
  InodeChanges changes_;
  Superblock sb_;
  std::unique_ptr<Context> context_;  // set by Load
  std::unique_ptr<InodeReader> inodes_;
  FilesystemInfo info_;
};

}  // namespace ekshume::fs::xfs
