// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <zstd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_view.h"
#include "base/text.h"
#include "fs/filesystem.h"

// For tests and fuzz targets only: stores without a disk below them.
namespace ekshume::runtime {

// A tree of files in memory. Not to be changed while it is read.
class MemoryTree : public fs::Filesystem {
 public:
  MemoryTree() : nodes_(1) {
    info_.root = fs::NodeId{0};
    info_.type = "memory";
    nodes_[0].type = fs::NodeType::kDirectory;
  }

  // Adds or replaces; directories on the way are made.
  void AddFile(std::string_view path, std::string content) {
    Node& node = Make(path);
    node.type = fs::NodeType::kRegular;
    node.content = std::move(content);
  }
  void AddDirectory(std::string_view path) { Make(path).type = fs::NodeType::kDirectory; }
  void AddSymlink(std::string_view path, std::string target) {
    Node& node = Make(path);
    node.type = fs::NodeType::kSymlink;
    node.content = std::move(target);
  }
  void Remove(std::string_view path) {
    const size_t slash = path.rfind('/');
    Node& parent = slash == std::string_view::npos ? nodes_[0] : Make(path.substr(0, slash));
    parent.children.erase(std::string(path.substr(slash + 1)));
  }
  // The content of a file that was added, to be changed.
  std::string& Content(std::string_view path) { return Make(path).content; }

  // Every entry of a tar archive (ustar or GNU; long names of type 'L' and 'K') that zstd packed.
  // False when the file cannot be read.
  bool AddTarZst(const std::string& file);

  const fs::FilesystemInfo& info() const override { return info_; }
  Result<fs::Stat> GetStat(fs::NodeId node) const override {
    fs::Stat stat;
    stat.type = At(node).type;
    stat.size_bytes = At(node).content.size();
    stat.inode = static_cast<uint64_t>(node);
    return stat;
  }
  Result<void> ReadDirectory(fs::NodeId directory, const Visitor& visit) const override {
    if (At(directory).type != fs::NodeType::kDirectory) {
      return Fail(ErrorCode::kInvalidArgument, "no directory");
    }
    for (const auto& [name, index] : At(directory).children) {
      if (!visit({name, fs::NodeId{index}, nodes_[index].type})) break;
    }
    return {};
  }
  Result<std::unique_ptr<fs::File>> OpenFile(fs::NodeId node) const override {
    if (At(node).type != fs::NodeType::kRegular) {
      return Fail(ErrorCode::kInvalidArgument, "no regular file");
    }
    return std::make_unique<MemoryFile>(At(node).content);
  }
  Result<std::string> ReadSymlink(fs::NodeId node) const override {
    if (At(node).type != fs::NodeType::kSymlink) {
      return Fail(ErrorCode::kInvalidArgument, "no symbolic link");
    }
    return At(node).content;
  }
  Result<std::vector<fs::Xattr>> ReadXattrs(fs::NodeId /*node*/) const override {
    return std::vector<fs::Xattr>{};
  }

  // Bytes as an open file; a view of `content`.
  class MemoryFile : public fs::File {
   public:
    explicit MemoryFile(std::string_view content) : content_(content) {}
    uint64_t size_bytes() const override { return content_.size(); }
    Result<size_t> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
      const ByteView rest = ByteView::Of(content_).From(offset_bytes).First(out.size());
      CopyBytes(out, rest);
      return rest.size();
    }
    std::span<const fs::Run> runs() const override { return {}; }

   private:
    std::string_view content_;
  };

 private:
  struct Node {
    fs::NodeType type = fs::NodeType::kDirectory;
    std::string content;
    std::map<std::string, size_t> children;
  };

  const Node& At(fs::NodeId node) const { return nodes_.at(static_cast<size_t>(node)); }

  Node& Make(std::string_view path) {
    size_t at = 0;
    for (const std::string_view name : SplitNonEmpty(path, '/')) {
      const auto found = nodes_[at].children.find(std::string(name));
      if (found != nodes_[at].children.end()) {
        at = found->second;
        continue;
      }
      const size_t index = nodes_.size();
      nodes_[at].children[std::string(name)] = index;
      nodes_.emplace_back();
      at = index;
    }
    return nodes_[at];
  }

  fs::FilesystemInfo info_;
  std::vector<Node> nodes_;
};

// What zstd packed into `file`, "" when it cannot be read.
inline std::string ReadZst(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string packed(std::istreambuf_iterator<char>(stream), {});
  std::string content;
  ZSTD_DCtx* context = ZSTD_createDCtx();
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  std::string block(ZSTD_DStreamOutSize(), '\0');
  while (in.pos < in.size) {
    ZSTD_outBuffer out{block.data(), block.size(), 0};
    const size_t rest = ZSTD_decompressStream(context, &out, &in);
    if (ZSTD_isError(rest) != 0U) break;
    content.append(block, 0, out.pos);
  }
  ZSTD_freeDCtx(context);
  return content;
}

inline bool MemoryTree::AddTarZst(const std::string& file) {
  constexpr size_t kBlock = 512;
  const std::string tar = ReadZst(file);
  const auto field = [&](size_t at, size_t offset, size_t length) {
    const std::string_view text = std::string_view(tar).substr(at + offset, length);
    return std::string(text.substr(0, text.find('\0')));
  };
  std::string long_name;
  std::string long_link;
  for (size_t at = 0; at + kBlock <= tar.size() && tar[at] != '\0';) {
    const std::string name = long_name.empty() ? field(at, 0, 100) : long_name;
    const std::string link = long_link.empty() ? field(at, 157, 100) : long_link;
    const size_t size = std::stoul("0" + field(at, 124, 12), nullptr, 8);
    const char type = tar[at + 156];
    std::string content = tar.substr(at + kBlock, size);
    at += kBlock + (size + kBlock - 1) / kBlock * kBlock;
    if (type == 'L' || type == 'K') {
      (type == 'L' ? long_name : long_link) = content.substr(0, content.find('\0'));
      continue;
    }
    if (type == '0') AddFile(name, std::move(content));
    if (type == '2') AddSymlink(name, link);
    if (type == '5') AddDirectory(name);
    long_name.clear();
    long_link.clear();
  }
  return !tar.empty();
}

}  // namespace ekshume::runtime
