// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "fs/ext4/ext4.h"

namespace {

using namespace ekshume;

void ReadNode(const fs::Filesystem& filesystem, fs::NodeId node, fs::NodeType type) {
  (void)filesystem.ReadXattrs(node);
  if (type == fs::NodeType::kSymlink) (void)filesystem.ReadSymlink(node);
  if (type != fs::NodeType::kRegular) return;
  const auto file = filesystem.OpenFile(node);
  std::array<std::byte, 4096> content;
  if (file) (void)(*file)->ReadAt(0, content);
}

}  // namespace

// The input is a whole filesystem, zeros behind its end: seeds stay small that way.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kMinBytes = size_t{512} << 10;
  const auto input = std::as_bytes(std::span(data, size));
  std::vector<std::byte> bytes(input.begin(), input.end());
  bytes.resize(std::max(bytes.size(), kMinBytes));
  const auto image = image::MakeMemory(std::move(bytes), "fuzz");
  DiagnosticSink diagnostics;
  fs::ext4::kExt4Format.sniff(*image);
  const auto filesystem = fs::ext4::kExt4Format.open(
      *image, {.diagnostics = &diagnostics, .raw = false, .force = true});
  if (!filesystem) return 0;
  std::set<fs::NodeId> seen = {(*filesystem)->root()};
  std::vector<fs::NodeId> directories = {(*filesystem)->root()};
  const auto meet = [&](fs::NodeId node) {
    if (!seen.insert(node).second) return;
    const auto stat = (*filesystem)->GetStat(node);
    if (!stat) return;
    ReadNode(**filesystem, node, stat->type);
    if (stat->type == fs::NodeType::kDirectory) directories.push_back(node);
  };
  while (!directories.empty()) {
    const fs::NodeId directory = directories.back();
    directories.pop_back();
    (void)(*filesystem)->ReadDirectory(directory, [&](fs::DirectoryEntry&& entry) {
      meet(entry.node);
      return true;
    });
  }
  for (const fs::DeletedNode& deleted : (*filesystem)->Deleted()) meet(deleted.node);
  return 0;
}
