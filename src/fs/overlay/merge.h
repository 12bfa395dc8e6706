// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fs/overlay/layer_lookup.h"
#include "fs/overlay/overlay.h"

namespace ekshume::fs::overlay {

// One name of a merged directory and the layer nodes it is made of.
struct MergedEntry {
  std::string name;
  NodeType type = NodeType::kUnknown;
  bool whiteout = false;
  bool open = false;  // a directory that may still get lower parts
  Element top;
  std::vector<Element> all;  // empty when there is only `top`
  std::vector<std::pair<size_t, std::string>> paths;

  std::span<const Element> elements() const {
    return all.empty() ? std::span<const Element>(&top, 1) : std::span<const Element>(all);
  }
  void Add(const Element& element) {
    if (all.empty()) all.push_back(top);
    all.push_back(element);
  }
  uint32_t lowest_layer() const { return all.empty() ? top.layer : all.back().layer; }
};

// Merges the listings of one directory's layers, topmost first. Used once, by one thread.
class DirectoryMerger {
 public:
  // `node` is the directory `index` of `overlay`; both must outlive the merger.
  DirectoryMerger(const OverlayFilesystem& overlay, uint32_t index, const Node& node);

  // The visible names: those of the topmost layer in its order, then what each lower one adds. A
  // layer's part that cannot be read is reported and left out; the error when none can be.
  Result<std::deque<MergedEntry>> Merge();

 private:
  void MergeLayer(const Element& part, std::vector<DirectoryEntry> entries, bool is_lowest);
  void AddNew(DirectoryEntry& entry, NodeType type, const Element& element, bool whiteout);
  // Reads the marks of the directory that `merged` got from `element` and acts on them.
  void Continue(MergedEntry& merged, const Element& element);
  void FollowRedirect(MergedEntry& merged, uint32_t layer, const Marks& marks);
  std::string PathOf(const MergedEntry& merged) const;
  void Report(DiagnosticCode code, const std::string& path, std::string detail) const;

  const OverlayFilesystem& overlay_;
  uint32_t index_;
  const Node& node_;
  std::deque<MergedEntry> entries_;  // views into the names must stay
  std::unordered_map<std::string_view, MergedEntry*> by_name_;
};

}  // namespace ekshume::fs::overlay
