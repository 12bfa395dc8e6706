// SPDX-License-Identifier: Apache-2.0
#include "fs/archive/member_tree.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace ekshume::fs::archive {
namespace {

constexpr uint16_t kMadeUpDirectoryMode = 0755;

class MemberFile final : public File {
 public:
  MemberFile(const image::Image& image, uint64_t size_bytes, const std::vector<Segment>& segments)
      : image_(image), size_bytes_(size_bytes), segments_(segments) {
    uint64_t at = 0;
    for (const Segment& segment : segments) {
      if (segment.file_offset_bytes > at) {
        runs_.push_back({at, segment.file_offset_bytes - at, Run::Kind::kHole, 0});
      }
      runs_.push_back({segment.file_offset_bytes, segment.length_bytes, Run::Kind::kData,
                       segment.image_offset_bytes});
      at = segment.file_offset_bytes + segment.length_bytes;
    }
    if (at < size_bytes) runs_.push_back({at, size_bytes - at, Run::Kind::kHole, 0});
  }

  uint64_t size_bytes() const override { return size_bytes_; }

  Result<size_t> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    if (offset_bytes >= size_bytes_) return size_t{0};
    const size_t count = std::min<uint64_t>(out.size(), size_bytes_ - offset_bytes);
    std::ranges::fill(out.first(count), std::byte{0});
    const uint64_t end = offset_bytes + count;
    auto segment = std::ranges::upper_bound(segments_, offset_bytes, {}, [](const Segment& s) {
      return s.file_offset_bytes + s.length_bytes;
    });
    for (; segment != segments_.end() && segment->file_offset_bytes < end; ++segment) {
      const uint64_t from = std::max(offset_bytes, segment->file_offset_bytes);
      const uint64_t to = std::min(end, segment->file_offset_bytes + segment->length_bytes);
      EKSHUME_TRY(image_.ReadAt(
          segment->image_offset_bytes + (from - segment->file_offset_bytes),
          out.subspan(static_cast<size_t>(from - offset_bytes), static_cast<size_t>(to - from))));
    }
    return count;
  }

  std::span<const Run> runs() const override { return runs_; }

 private:
  const image::Image& image_;
  const uint64_t size_bytes_;
  const std::vector<Segment>& segments_;  // of the tree
  std::vector<Run> runs_;
};

}  // namespace

MemberTree::MemberTree(const image::Image& image, std::string type, size_t most_members)
    : image_(image), most_(most_members) {
  AddRoot(std::move(type));
}

MemberTree::MemberTree(std::unique_ptr<image::Image> owned, std::string type, size_t most_members)
    : owned_(std::move(owned)), image_(*owned_), most_(most_members) {
  AddRoot(std::move(type));
}

void MemberTree::AddRoot(std::string type) {
  info_.root = NodeId{0};
  info_.type = std::move(type);
  info_.log_state = "none";
  info_.total_bytes = image_.size_bytes();
  Node& root = nodes_.emplace_back();
  root.stat.type = NodeType::kDirectory;
  root.stat.permissions = kMadeUpDirectoryMode;
  root.stat.links = 2;
  root.stat.inode = 1;
  root.children = std::make_unique<Children>();
}

MemberTree::~MemberTree() = default;

Result<std::vector<std::string_view>> MemberTree::Parts(std::string_view path) {
  std::vector<std::string_view> parts = SplitNonEmpty(path, '/');
  std::erase(parts, std::string_view("."));
  if (std::ranges::find(parts, std::string_view("..")) != parts.end()) {
    return Fail(ErrorCode::kCorrupt, "its path leads outside: " + EscapeForTerminal(path));
  }
  if (path.contains('\0')) {
    return Fail(ErrorCode::kCorrupt, "its path holds a zero byte: " + EscapeForTerminal(path));
  }
  if (parts.size() > static_cast<size_t>(limits::kMaxDirectoryDepth)) {
    return Fail(ErrorCode::kLimit, "its path has too many parts (kMaxDirectoryDepth)");
  }
  return parts;
}

Result<MemberTree::Index> MemberTree::NewNode() {
  if (nodes_.size() >= most_) {
    return Fail(ErrorCode::kLimit,
                fmt::format("more than {} members (kMaxCollectionMembers)", most_));
  }
  nodes_.emplace_back();
  nodes_.back().stat.links = 1;
  nodes_.back().stat.inode = nodes_.size();
  return static_cast<Index>(nodes_.size() - 1);
}

Result<MemberTree::Index> MemberTree::MakeDirectory(const std::vector<std::string_view>& parts) {
  Index at = 0;
  for (const std::string_view part : parts) {
    const auto found = nodes_[at].children->find(part);
    if (found != nodes_[at].children->end() && nodes_[found->second].children) {
      at = found->second;
      continue;
    }
    const Index made = EKSHUME_TRY(NewNode());
    Node& node = nodes_[made];
    node.stat.type = NodeType::kDirectory;
    node.stat.permissions = kMadeUpDirectoryMode;
    node.stat.links = 2;
    node.children = std::make_unique<Children>();
    nodes_[at].children->insert_or_assign(std::string(part), made);
    at = made;
  }
  return at;
}

Result<void> MemberTree::Add(Member member) {
  std::vector<std::string_view> parts = EKSHUME_TRY(Parts(member.path));
  const bool is_directory = member.stat.type == NodeType::kDirectory;
  if (parts.empty() && !is_directory) {
    return Fail(ErrorCode::kCorrupt, "a member without a name is no directory");
  }
  Index index = 0;
  if (is_directory) {
    index = EKSHUME_TRY(MakeDirectory(parts));
  } else {
    const std::string name(parts.back());
    parts.pop_back();
    const Index parent = EKSHUME_TRY(MakeDirectory(parts));
    index = EKSHUME_TRY(NewNode());
    nodes_[parent].children->insert_or_assign(name, index);
  }
  Node& node = nodes_[index];
  const uint64_t inode = node.stat.inode;
  node.stat = member.stat;
  node.stat.inode = inode;
  node.stat.links = is_directory ? 2 : 1;
  node.link_target = std::move(member.link_target);
  node.xattrs = std::move(member.xattrs);
  std::ranges::sort(node.xattrs, {}, &Xattr::name);
  node.segments = std::move(member.segments);
  return {};
}

Result<MemberTree::Index> MemberTree::Find(std::string_view path) const {
  Index at = 0;
  for (const std::string_view part : EKSHUME_TRY(Parts(path))) {
    const Node& node = nodes_[at];
    const auto found = node.children ? node.children->find(part) : Children::const_iterator();
    if (!node.children || found == node.children->end()) {
      return Fail(ErrorCode::kNotFound, "no member " + EscapeForTerminal(path));
    }
    at = found->second;
  }
  return at;
}

Result<void> MemberTree::AddHardLink(std::string_view path, std::string_view target) {
  const Index index = EKSHUME_TRY(Find(target));
  if (nodes_[index].children) {
    return Fail(ErrorCode::kCorrupt, "a hard link to a directory: " + EscapeForTerminal(target));
  }
  std::vector<std::string_view> parts = EKSHUME_TRY(Parts(path));
  if (parts.empty()) return Fail(ErrorCode::kCorrupt, "a hard link without a name");
  const std::string name(parts.back());
  parts.pop_back();
  const Index parent = EKSHUME_TRY(MakeDirectory(parts));
  nodes_[parent].children->insert_or_assign(name, index);
  ++nodes_[index].stat.links;
  return {};
}

Result<void> MemberTree::AddWhiteout(std::string_view path) {
  Member member;
  member.path = std::string(path);
  member.stat.type = NodeType::kCharDevice;
  return Add(std::move(member));
}

Result<void> MemberTree::SetXattr(std::string_view directory, Xattr xattr) {
  const std::vector<std::string_view> parts = EKSHUME_TRY(Parts(directory));
  const Index index = EKSHUME_TRY(MakeDirectory(parts));
  std::vector<Xattr>& xattrs = nodes_[index].xattrs;
  xattrs.push_back(std::move(xattr));
  std::ranges::sort(xattrs, {}, &Xattr::name);
  return {};
}

Result<const MemberTree::Node*> MemberTree::At(NodeId node) const {
  const auto index = static_cast<uint64_t>(node);
  if (index >= nodes_.size()) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("no member {}", index));
  }
  return &nodes_[static_cast<size_t>(index)];
}

Result<Stat> MemberTree::GetStat(NodeId node) const { return EKSHUME_TRY(At(node))->stat; }

Result<void> MemberTree::ReadDirectory(NodeId directory, const Visitor& visit) const {
  const Node* node = EKSHUME_TRY(At(directory));
  if (!node->children) return Fail(ErrorCode::kInvalidArgument, "it is no directory");
  for (const auto& [name, index] : *node->children) {
    if (!visit({name, NodeId{index}, nodes_[index].stat.type})) break;
  }
  return {};
}

Result<std::unique_ptr<File>> MemberTree::OpenFile(NodeId node) const {
  const Node* found = EKSHUME_TRY(At(node));
  if (found->stat.type != NodeType::kRegular) {
    return Fail(ErrorCode::kInvalidArgument, "it is no regular file");
  }
  return std::make_unique<MemberFile>(image_, found->stat.size_bytes, found->segments);
}

Result<std::string> MemberTree::ReadSymlink(NodeId node) const {
  const Node* found = EKSHUME_TRY(At(node));
  if (found->stat.type != NodeType::kSymlink) {
    return Fail(ErrorCode::kInvalidArgument, "it is no symbolic link");
  }
  return found->link_target;
}

Result<std::vector<Xattr>> MemberTree::ReadXattrs(NodeId node) const {
  return EKSHUME_TRY(At(node))->xattrs;
}

}  // namespace ekshume::fs::archive
