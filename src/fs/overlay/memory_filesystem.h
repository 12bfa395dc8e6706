// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_view.h"
#include "base/text.h"
#include "fs/filesystem.h"

namespace ekshume::fs::overlay {

// A filesystem in memory for tests and fuzzing, which may be as contradictory as no real one can
// be: directories that contain themselves, several entries of one name. Filled by one thread, then
// read by any number.
class MemoryFilesystem final : public Filesystem {
 public:
  MemoryFilesystem() {
    info_.root = NodeId{0};
    info_.type = "memory";
    Add(NodeType::kDirectory);
  }

  NodeId Add(NodeType type) {
    nodes_.emplace_back();
    Node& node = nodes_.back();
    node.stat.type = type;
    node.stat.permissions = type == NodeType::kDirectory ? 0755 : 0644;
    node.stat.links = type == NodeType::kDirectory ? 2 : 1;
    node.stat.inode = 1000 + nodes_.size();
    return NodeId{nodes_.size() - 1};
  }
  void Link(NodeId directory, std::string name, NodeId node) {
    At(directory).entries.push_back({std::move(name), node, At(node).stat.type});
  }
  void SetXattr(NodeId node, std::string name, std::string value) {
    At(node).xattrs.push_back({std::move(name), std::move(value)});
  }
  void SetContent(NodeId node, std::string content) {
    At(node).stat.size_bytes = content.size();
    At(node).content = std::move(content);
  }
  Stat& StatOf(NodeId node) { return At(node).stat; }

  // The node at a path, made with the directories above it when it is not there.
  NodeId Make(std::string_view path, NodeType type, std::string content = "") {
    NodeId at{0};
    const auto parts = SplitNonEmpty(path, '/');
    for (size_t i = 0; i < parts.size(); ++i) {
      const auto& entries = At(at).entries;
      const auto found = std::find_if(entries.begin(), entries.end(),
                                      [&](const auto& entry) { return entry.name == parts[i]; });
      if (found != entries.end()) {
        at = found->node;
        continue;
      }
      const NodeId made = Add(i + 1 == parts.size() ? type : NodeType::kDirectory);
      Link(at, std::string(parts[i]), made);
      at = made;
    }
    if (!content.empty()) SetContent(at, std::move(content));
    return at;
  }
  NodeId File(std::string_view path, std::string content) {
    return Make(path, NodeType::kRegular, std::move(content));
  }
  NodeId Directory(std::string_view path) { return Make(path, NodeType::kDirectory); }
  NodeId Whiteout(std::string_view path) { return Make(path, NodeType::kCharDevice); }

  const FilesystemInfo& info() const override { return info_; }
  Result<Stat> GetStat(NodeId node) const override {
    if (static_cast<uint64_t>(node) >= nodes_.size()) return Fail(ErrorCode::kCorrupt, "no node");
    return At(node).stat;
  }
  Result<void> ReadDirectory(NodeId directory, const Visitor& visit) const override {
    if (EKSHUME_TRY(GetStat(directory)).type != NodeType::kDirectory) {
      return Fail(ErrorCode::kInvalidArgument, "not a directory");
    }
    for (const DirectoryEntry& entry : At(directory).entries) {
      if (!visit(DirectoryEntry(entry))) break;
    }
    return {};
  }
  Result<std::unique_ptr<fs::File>> OpenFile(NodeId node) const override {
    if (EKSHUME_TRY(GetStat(node)).type != NodeType::kRegular) {
      return Fail(ErrorCode::kInvalidArgument, "not a file");
    }
    return std::make_unique<MemoryFile>(At(node));
  }
  Result<std::string> ReadSymlink(NodeId node) const override {
    EKSHUME_TRY(GetStat(node));
    return At(node).content;
  }
  Result<std::vector<Xattr>> ReadXattrs(NodeId node) const override {
    EKSHUME_TRY(GetStat(node));
    return At(node).xattrs;
  }

 private:
  struct Node {
    Stat stat;
    std::vector<DirectoryEntry> entries;
    std::vector<Xattr> xattrs;
    std::string content;
  };
  class MemoryFile final : public fs::File {
   public:
    explicit MemoryFile(const Node& node) : node_(node) {}
    uint64_t size_bytes() const override { return node_.stat.size_bytes; }
    Result<size_t> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
      // A size beyond the content stands for bytes that cannot be read.
      if (offset_bytes >= node_.content.size()) {
        if (offset_bytes >= size_bytes()) return size_t{0};
        return Fail(ErrorCode::kIo, "unreadable");
      }
      const ByteView content = ByteView::Of(node_.content).From(offset_bytes).First(out.size());
      CopyBytes(out, content);
      return content.size();
    }
    std::span<const Run> runs() const override { return {}; }

   private:
    const Node& node_;
  };

  Node& At(NodeId node) { return nodes_.at(static_cast<size_t>(node)); }
  const Node& At(NodeId node) const { return nodes_.at(static_cast<size_t>(node)); }

  FilesystemInfo info_;
  std::vector<Node> nodes_;
};

}  // namespace ekshume::fs::overlay
