// SPDX-License-Identifier: Apache-2.0
// The union of layers over filesystems that the input describes: loops, several entries of one
// name, marks of every kind on everything, redirects anywhere.
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "fs/overlay/diff.h"
#include "fs/overlay/diff_style.h"
#include "fs/overlay/memory_filesystem.h"
#include "fs/overlay/overlay.h"
#include "fs/walk.h"

namespace {

using namespace ekshume;
using fs::NodeId;
using fs::NodeType;
using fs::overlay::MemoryFilesystem;

// Enough for every combination of parts to meet, few enough for the combinations to end soon.
constexpr size_t kNodesPerLayer = 12;
constexpr size_t kEntriesPerDirectory = 12;
constexpr size_t kLayers = 4;

class Input {
 public:
  explicit Input(ByteView bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  uint8_t Byte() {
    if (bytes_.empty()) return 0;
    const auto value = static_cast<uint8_t>(bytes_.AsSpan().front());
    bytes_ = bytes_.From(1);
    return value;
  }
  std::string Text() {
    const size_t length = Byte() % 24;
    std::string text(bytes_.First(length).AsText());
    bytes_ = bytes_.From(length);
    return text;
  }

 private:
  ByteView bytes_;
};

std::string Name(Input& input) {
  static constexpr std::array<const char*, 7> kNames = {"a", "b", "c", "..", ".", "a/b", ""};
  const uint8_t pick = input.Byte();
  return pick < 250   ? kNames[pick % 4 == 3 ? 2 : pick % 4]
         : pick < 254 ? kNames[pick - 247]
                      : input.Text();
}

void Change(Input& input, std::deque<MemoryFilesystem>& layers,
            std::array<std::vector<NodeId>, kLayers>& nodes,
            std::array<std::vector<size_t>, kLayers>& entries) {
  static constexpr std::array<NodeType, 7> kTypes = {
      NodeType::kDirectory, NodeType::kRegular, NodeType::kDirectory, NodeType::kCharDevice,
      NodeType::kSymlink,   NodeType::kUnknown, NodeType::kSocket};
  static constexpr std::array<const char*, 8> kXattrs = {
      "trusted.overlay.opaque",   "trusted.overlay.redirect",
      "trusted.overlay.metacopy", "trusted.overlay.whiteout",
      "user.overlay.redirect",    "trusted.overlay.overlay.opaque",
      "user.overlay.metacopy",    "user.x"};
  static constexpr std::array<const char*, 8> kValues = {"y", "x",      "/a", "/a/b",
                                                         "b", "/c/a/b", "..", "/b"};
  const size_t layer = input.Byte() % layers.size();
  MemoryFilesystem& filesystem = layers[layer];
  const auto pick = [&] { return input.Byte() % nodes[layer].size(); };
  switch (input.Byte() % 5) {
    case 0:
    case 1: {
      const size_t parent = pick();
      if (nodes[layer].size() >= kNodesPerLayer || entries[layer][parent] >= kEntriesPerDirectory) {
        return;
      }
      const NodeId node = filesystem.Add(kTypes[input.Byte() % kTypes.size()]);
      nodes[layer].push_back(node);
      entries[layer].push_back(0);
      filesystem.Link(nodes[layer][parent], Name(input), node);
      ++entries[layer][parent];
      break;
    }
    case 2: {
      const size_t parent = pick();
      if (entries[layer][parent]++ >= kEntriesPerDirectory) return;
      filesystem.Link(nodes[layer][parent], Name(input), nodes[layer][pick()]);
      break;
    }
    case 3: {
      const NodeId node = nodes[layer][pick()];
      const char* name = kXattrs[input.Byte() % kXattrs.size()];
      const uint8_t value = input.Byte();
      filesystem.SetXattr(node, name, value < 250 ? kValues[value % kValues.size()] : input.Text());
      break;
    }
    default: {
      const NodeId node = nodes[layer][pick()];
      filesystem.SetContent(node, input.Text());
      filesystem.StatOf(node).permissions = input.Byte();
      if (input.Byte() > 250) filesystem.StatOf(node).size_bytes = ~uint64_t{0};
      break;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 2048) return 0;
  Input input(std::as_bytes(std::span(data, size)));
  std::deque<MemoryFilesystem> layers(1 + input.Byte() % kLayers);
  std::array<std::vector<NodeId>, kLayers> nodes;
  std::array<std::vector<size_t>, kLayers> entries;
  for (size_t i = 0; i < layers.size(); ++i) {
    nodes[i].push_back(layers[i].root());
    entries[i].push_back(0);
  }
  const uint8_t flags = input.Byte();
  while (!input.empty()) Change(input, layers, nodes, entries);

  DiagnosticSink diagnostics;
  fs::overlay::OverlayOptions options;
  options.diagnostics = &diagnostics;
  options.has_upper = true;
  options.user_xattrs = (flags & 1) != 0;
  for (size_t i = 0; i < layers.size(); ++i) {
    const bool data_only = (flags & 2) != 0 && i + 1 == layers.size() && i != 0;
    (data_only ? options.data_only : options.layers)
        .push_back({&layers[i], layers[i].root(), std::to_string(i)});
  }
  const auto overlay = fs::overlay::OverlayFilesystem::Open(std::move(options));
  if (!overlay) return 0;
  const auto& view = **overlay;
  [[maybe_unused]] const auto walked =
      fs::Walk(view, view.root(), diagnostics, [&](const fs::WalkItem& item) {
        [[maybe_unused]] const auto origins = view.Origins(item.node);
        [[maybe_unused]] const auto path = view.PathOf(item.node);
        [[maybe_unused]] const auto xattrs = view.ReadXattrs(item.node);
        [[maybe_unused]] const auto whiteouts = view.ReadWhiteouts(item.node);
        if (const auto file = view.OpenFile(item.node)) {
          std::array<std::byte, 64> buffer;
          [[maybe_unused]] const auto count = (*file)->ReadAt(3, buffer);
        }
        return fs::WalkStep::kContinue;
      });
  const size_t boundary = (flags >> 2) % 3;
  [[maybe_unused]] const auto diff = DiffLayers(view, boundary, diagnostics);
  [[maybe_unused]] const auto docker = DockerDiff(view, boundary, diagnostics);
  [[maybe_unused]] const auto containerd = ContainerdDiff(view, boundary, diagnostics);
  return 0;
}
