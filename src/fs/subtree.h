// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/filesystem.h"

namespace ekshume::fs {

// A directory of another filesystem as a filesystem of its own: the root of a container whose
// snapshotter copies whole trees. `base` must outlive it. Any number of threads.
class SubtreeFilesystem : public Filesystem {
 public:
  SubtreeFilesystem(const Filesystem& base, NodeId root);

  const FilesystemInfo& info() const override { return info_; }
  Result<Stat> GetStat(NodeId node) const override { return base_.GetStat(node); }
  Result<void> ReadDirectory(NodeId directory, const Visitor& visit) const override {
    return base_.ReadDirectory(directory, visit);
  }
  Result<std::unique_ptr<File>> OpenFile(NodeId node) const override {
    return base_.OpenFile(node);
  }
  Result<std::string> ReadSymlink(NodeId node) const override { return base_.ReadSymlink(node); }
  Result<std::vector<Xattr>> ReadXattrs(NodeId node) const override {
    return base_.ReadXattrs(node);
  }

 private:
  const Filesystem& base_;
  FilesystemInfo info_;
};

}  // namespace ekshume::fs
