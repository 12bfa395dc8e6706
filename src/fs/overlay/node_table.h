// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "fs/filesystem.h"

namespace ekshume::fs::overlay {

// One node of one layer. `layer` counts the layers of OverlayOptions from the top, data-only
// layers after the others.
struct Element {
  NodeId node{};
  uint32_t layer = 0;

  friend bool operator==(const Element&, const Element&) = default;
};

// A node of the union: the layer nodes it is made of, topmost first. More than one only for merged
// directories. Where it was first met is kept to tell its path.
struct Node {
  Element top;
  std::span<const Element> below;
  std::string_view name;  // in `parent`
  uint32_t parent = 0;    // index; the root is its own
  NodeType type = NodeType::kUnknown;
  // Set once the attributes of a regular file were read and say that its data is its own. The one
  // member that changes; any thread may set it, and all set the same.
  mutable uint8_t has_own_data = 0;

  void SetHasOwnData() const {
    std::atomic_ref<uint8_t>(has_own_data).store(1, std::memory_order_relaxed);
  }
  bool HasOwnData() const {
    return std::atomic_ref<uint8_t>(has_own_data).load(std::memory_order_relaxed) != 0;
  }
  size_t element_count() const { return 1 + below.size(); }
  const Element& element(size_t index) const { return index == 0 ? top : below[index - 1]; }
  std::vector<Element> elements() const {
    std::vector<Element> all = {top};
    all.insert(all.end(), below.begin(), below.end());
    return all;
  }
};

// Every node that was met, once per set of layer nodes: two names of one hard-linked file get one
// index, and a directory that contains itself stays one node. Grows to `most` nodes and
// parts of merged directories; about 90 bytes a node. Nodes never move once they are in. Any number
// of threads.
class NodeTable {
 public:
  explicit NodeTable(size_t most) : most_(most) {}

  // One child to put in: `elements` is not kept.
  struct Child {
    std::span<const Element> elements;
    std::string_view name;
    NodeType type;
    // Paths inside their layers of the elements that do not lie at `name` below the parent's
    // element of the same layer (reached through a redirect): (element index, path).
    std::span<const std::pair<size_t, std::string>> paths;
  };

  // The index of the node made of these elements, new or known. kLimit
  // (limits::kMaxOverlayNodes) when the table is full.
  Result<uint32_t> Intern(uint32_t parent, const Child& child);

  // The node of an index, kInvalidArgument for one that was never given out.
  Result<const Node*> Find(uint64_t index) const;

  // The path inside its layer of element `element_index`, without a leading slash.
  std::string LayerPath(uint32_t index, size_t element_index) const;
  // The same of the node's element of that layer; "" when it has none.
  std::string LayerPathIn(uint32_t index, uint32_t layer) const;
  // The path in the union where the node was first met, without a leading slash.
  std::string UnionPath(uint32_t index) const;

 private:
  // Bytes or elements that stay where they are, packed in chunks.
  template <typename T>
  class Arena {
   public:
    std::span<const T> Keep(std::span<const T> values);

   private:
    static constexpr size_t kChunk = size_t{64} << 10;
    std::vector<std::vector<T>> chunks_;
  };

  static uint64_t Hash(std::span<const Element> elements);
  static bool Equal(const Node& node, std::span<const Element> elements);
  void Grow();

  const size_t most_;
  mutable std::shared_mutex mutex_;
  std::deque<Node> nodes_;
  std::vector<uint32_t> slots_;  // open addressing: index + 1, 0 is empty; a power of two
  Arena<char> names_;
  Arena<Element> elements_;
  size_t extra_elements_ = 0;
  std::unordered_map<uint64_t, std::string> redirected_;  // index << 16 | element index
};

}  // namespace ekshume::fs::overlay
