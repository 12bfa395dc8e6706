// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fs/filesystem.h"

namespace ekshume::fs::archive {

// A directory of a tree as a tree of its own: the files of a host inside a collected archive.
// Absolute symbolic links begin at that directory. `whole` must outlive it.
class Subtree final : public Filesystem {
 public:
  Subtree(const Filesystem& whole, NodeId root) : whole_(whole), info_(whole.info()) {
    info_.root = root;
  }

  const FilesystemInfo& info() const override { return info_; }
  Result<Stat> GetStat(NodeId node) const override { return whole_.GetStat(node); }
  Result<void> ReadDirectory(NodeId directory, const Visitor& visit) const override {
    return whole_.ReadDirectory(directory, visit);
  }
  Result<std::unique_ptr<File>> OpenFile(NodeId node) const override {
    return whole_.OpenFile(node);
  }
  Result<std::string> ReadSymlink(NodeId node) const override { return whole_.ReadSymlink(node); }
  Result<std::vector<Xattr>> ReadXattrs(NodeId node) const override {
    return whole_.ReadXattrs(node);
  }

 private:
  const Filesystem& whole_;
  FilesystemInfo info_;
};

}  // namespace ekshume::fs::archive
