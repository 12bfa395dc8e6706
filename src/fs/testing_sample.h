// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "fs/format.h"
#include "fs/walk.h"

// What the tests of the disk filesystems share: sample images with what the kernel says of them,
// and ways to read and to damage them. `area` is a folder of tests/data.
namespace ekshume::fs::testing {

// A decompressed file of tests/data.
inline std::string LoadSample(const std::string& area, const std::string& name) {
  std::ifstream stream(std::string(EKSHUME_SOURCE_DIR) + "/tests/data/" + area + "/" + name,
                       std::ios::binary);
  std::string packed{std::istreambuf_iterator<char>(stream), {}};
  if (!name.ends_with(".zst")) return packed;
  const unsigned long long size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  EXPECT_LT(size, 1ULL << 30) << name;
  std::string plain(size < (1ULL << 30) ? size : 0, '\0');
  EXPECT_EQ(ZSTD_decompress(plain.data(), plain.size(), packed.data(), packed.size()), size);
  return plain;
}

// The bytes of a sample image, loaded once.
inline const std::string& SampleBytes(const std::string& area, const std::string& name) {
  static auto* const loaded = new std::map<std::pair<std::string, std::string>, std::string>;
  auto found = loaded->find({area, name});
  if (found == loaded->end()) {
    found = loaded->emplace(std::pair(area, name), LoadSample(area, name + ".img.zst")).first;
  }
  return found->second;
}

// An image over bytes that are kept elsewhere, cut at a size, with a few bytes changed.
class TestImage final : public image::Image {
 public:
  explicit TestImage(const std::string& bytes) : bytes_(bytes), size_(bytes.size()) {}

  void Cut(uint64_t size_bytes) { size_ = size_bytes; }
  void Change(uint64_t offset_bytes, std::string bytes) {
    changes_.emplace_back(offset_bytes, std::move(bytes));
  }
  // Changes one byte by exclusive or.
  void Flip(uint64_t offset_bytes, char mask) {
    Change(offset_bytes, std::string(1, static_cast<char>(bytes_[offset_bytes] ^ mask)));
  }
  template <typename T>
  void ChangeStruct(uint64_t offset_bytes, const T& value) {
    Change(offset_bytes, std::string(AsBytes(value).AsText()));
  }

  uint64_t size_bytes() const override { return size_; }
  const std::string& name() const override { return name_; }
  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    if (!RangeFits(offset_bytes, uint64_t{out.size()}, size_)) {
      return Fail(ErrorCode::kOutOfRange, "past the end");
    }
    CopyBytes(out, ByteView::Of(bytes_).Sub(offset_bytes, out.size()).value());
    for (const auto& [at, changed] : changes_) {
      for (size_t i = 0; i < changed.size(); ++i) {
        if (at + i >= offset_bytes && at + i - offset_bytes < out.size()) {
          out[at + i - offset_bytes] = static_cast<std::byte>(changed[i]);
        }
      }
    }
    return {};
  }

 private:
  const std::string& bytes_;
  uint64_t size_;
  std::vector<std::pair<uint64_t, std::string>> changes_;
  std::string name_ = "test";
};

// The whole content of a regular file.
inline std::string ReadAll(const Filesystem& filesystem, NodeId node) {
  const auto file = filesystem.OpenFile(node);
  if (!file) return file.error().message;
  std::string content(std::min<uint64_t>((*file)->size_bytes(), 1 << 27), '\0');
  const auto count = (*file)->ReadAt(0, AsWritableBytes(content));
  if (!count) return count.error().message;
  content.resize(*count);
  return content;
}

// One line of a sample's .tsv: what make_samples.py writes of the kernel's view.
// Without times and size of directories when `after_fast_commits`, which do not hold these.
inline std::string DescribeNode(const Filesystem& filesystem, const std::string& path, NodeId node,
                                const Stat& stat, bool after_fast_commits) {
  const bool blank = after_fast_commits && stat.type == NodeType::kDirectory;
  const auto nanoseconds = [](const std::optional<Timestamp>& time) {
    return time ? fmt::format("{}", time->seconds * 1000000000 + time->nanoseconds) : "";
  };
  std::string target, device, hash, attributes;
  if (stat.type == NodeType::kSymlink) target = filesystem.ReadSymlink(node).value_or("unreadable");
  if (stat.type == NodeType::kCharDevice || stat.type == NodeType::kBlockDevice) {
    device = fmt::format("{}:{}", stat.device_major, stat.device_minor);
  }
  if (stat.type == NodeType::kRegular) {
    hash = ToHex(Sha256::Of(ByteView::Of(ReadAll(filesystem, node))));
  }
  for (const Xattr& xattr : filesystem.ReadXattrs(node).value_or(std::vector<Xattr>{})) {
    attributes += fmt::format("{}{}={}", attributes.empty() ? "" : ",", xattr.name,
                              ToHex(ByteView::Of(xattr.value)));
  }
  return fmt::format("/{}\t{}\t{:o}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", path,
                     NodeTypeLetter(stat.type), stat.permissions, stat.uid, stat.gid,
                     blank ? "" : fmt::format("{}", stat.size_bytes),
                     blank ? "" : nanoseconds(stat.modified),
                     blank ? "" : nanoseconds(stat.changed), nanoseconds(stat.created), stat.inode,
                     stat.links, target, device, hash, attributes);
}

// All lines, sorted.
inline std::string Describe(const Filesystem& filesystem, DiagnosticSink& sink,
                            bool after_fast_commits = false) {
  std::vector<std::string> lines;
  EXPECT_TRUE(Walk(filesystem, filesystem.root(), sink, [&](const WalkItem& item) {
                lines.push_back(
                    DescribeNode(filesystem, item.path, item.node, item.stat, after_fast_commits));
                return WalkStep::kContinue;
              }).has_value());
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (const std::string& line : lines) all += line;
  return all;
}

inline void ReadNode(const Filesystem& filesystem, NodeId node, NodeType type) {
  (void)filesystem.ReadXattrs(node);
  if (type == NodeType::kSymlink) (void)filesystem.ReadSymlink(node);
  if (type != NodeType::kRegular) return;
  const auto file = filesystem.OpenFile(node);
  if (!file) return;
  std::string content(std::min<uint64_t>((*file)->size_bytes(), 65536), '\0');
  (void)(*file)->ReadAt(0, AsWritableBytes(content));
}

// Reads everything there is, each node once (some samples' names are mostly hard links), and
// returns how many names were met.
inline size_t ReadEverything(const Filesystem& filesystem) {
  size_t names = 0;
  std::set<NodeId> seen = {filesystem.root()};
  std::vector<NodeId> directories = {filesystem.root()};
  const auto meet = [&](NodeId node) {
    if (!seen.insert(node).second) return;
    const auto stat = filesystem.GetStat(node);
    if (!stat) return;
    ReadNode(filesystem, node, stat->type);
    if (stat->type == NodeType::kDirectory) directories.push_back(node);
  };
  while (!directories.empty()) {
    const NodeId directory = directories.back();
    directories.pop_back();
    (void)filesystem.ReadDirectory(directory, [&](DirectoryEntry&& entry) {
      ++names;
      meet(entry.node);
      return true;
    });
  }
  for (const DeletedNode& deleted : filesystem.Deleted()) meet(deleted.node);
  return names;
}

}  // namespace ekshume::fs::testing
