// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "base/limits.h"
#include "fs/filesystem.h"
#include "image/image.h"

namespace ekshume::fs::archive {

// A stretch of a member's bytes: at `image_offset_bytes` of the archive's image. What lies between
// stretches is zeros.
struct Segment {
  uint64_t file_offset_bytes = 0;
  uint64_t length_bytes = 0;
  uint64_t image_offset_bytes = 0;
};

// One member of an archive, as a reader of a kind of archive found it.
struct Member {
  std::string path;  // bytes as stored
  Stat stat;
  std::string link_target;  // of a symbolic link
  std::vector<Xattr> xattrs;
  std::vector<Segment> segments;  // ascending
};

// The members of an archive as a tree. Filled by one thread, then read by any number. A path's
// leading slash and its "." parts are dropped; a member that names ".." is refused. Directories on
// the way to a member that the archive does not list are made up, with mode 0755. When a path
// comes twice, the later member is shown, as it would be after unpacking; directories are merged.
class MemberTree final : public Filesystem {
 public:
  // `image` holds the bytes and must outlive the tree, unless it is `owned`.
  MemberTree(const image::Image& image, std::string type,
             size_t most_members = limits::kMaxCollectionMembers);
  MemberTree(std::unique_ptr<image::Image> owned, std::string type,
             size_t most_members = limits::kMaxCollectionMembers);
  ~MemberTree() override;

  // kCorrupt for a path that makes no sense, kLimit when the tree is full
  // (limits::kMaxCollectionMembers).
  Result<void> Add(Member member);
  // A further name for what `target` names. kNotFound when there is no such member.
  Result<void> AddHardLink(std::string_view path, std::string_view target);
  // A name that the archive says is deleted: overlayfs's whiteout, a 0:0 device.
  Result<void> AddWhiteout(std::string_view path);
  // Sets an attribute of a directory that is there, or is made.
  Result<void> SetXattr(std::string_view directory, Xattr xattr);

  const FilesystemInfo& info() const override { return info_; }
  Result<Stat> GetStat(NodeId node) const override;
  Result<void> ReadDirectory(NodeId directory, const Visitor& visit) const override;
  Result<std::unique_ptr<File>> OpenFile(NodeId node) const override;
  Result<std::string> ReadSymlink(NodeId node) const override;
  Result<std::vector<Xattr>> ReadXattrs(NodeId node) const override;

 private:
  using Index = uint32_t;
  using Children = std::map<std::string, Index, std::less<>>;
  struct Node {
    Stat stat;
    std::string link_target;
    std::vector<Xattr> xattrs;
    std::vector<Segment> segments;
    std::unique_ptr<Children> children;  // of a directory
  };

  void AddRoot(std::string type);
  Result<Index> NewNode();
  // The parts of a path; kCorrupt when it leads outside or is too deep.
  static Result<std::vector<std::string_view>> Parts(std::string_view path);
  // The directory with these parts, made where it is not there.
  Result<Index> MakeDirectory(const std::vector<std::string_view>& parts);
  Result<Index> Find(std::string_view path) const;
  Result<const Node*> At(NodeId node) const;

  const std::unique_ptr<image::Image> owned_;
  const image::Image& image_;
  const size_t most_;
  FilesystemInfo info_;
  std::vector<Node> nodes_;
};

}  // namespace ekshume::fs::archive
