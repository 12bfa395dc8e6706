// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/result.h"
#include "fs/filesystem.h"
#include "fs/folder/descriptor.h"

namespace ekshume::fs::folder {

// The paths that were given out as NodeIds: each is a parent's handle and a name. The same path has
// the same handle. Keeps a few directories open, as a walk asks for one directory's names one after
// the other. Any number of threads may use it.
class NodeTable {
 public:
  static constexpr NodeId kRoot{0};

  // Takes `most` nodes, the root among them.
  NodeTable(Descriptor root, size_t most);

  // The handle of `name` in `directory`. kLimit (limits::kMaxFolderNodes) when the table is full.
  Result<NodeId> Add(NodeId directory, std::string_view name);

  // Where the node lies. Opens the directories above it one by one, never through a link.
  // kInvalidArgument for a handle that was never given out.
  Result<Place> Find(NodeId node);

  // The node's path from the root, for messages.
  std::string Path(NodeId node) const;

 private:
  using Index = uint32_t;
  struct Node {
    Index parent;
    std::string name;
  };
  struct Key {
    Index parent;
    std::string_view name;
  };
  // Looks a node up by (parent, name) without keeping the name twice.
  struct Hash {
    using is_transparent = void;
    const std::deque<Node>* nodes;
    size_t operator()(const Key& key) const {
      return std::hash<std::string_view>{}(key.name) ^ (size_t{key.parent} * 0x9e3779b97f4a7c15U);
    }
    size_t operator()(Index index) const {
      return operator()(Key{(*nodes)[index].parent, (*nodes)[index].name});
    }
  };
  struct Equal {
    using is_transparent = void;
    const std::deque<Node>* nodes;
    Key At(Index index) const { return {(*nodes)[index].parent, (*nodes)[index].name}; }
    static Key At(const Key& key) { return key; }
    bool operator()(const auto& a, const auto& b) const {
      const Key left = At(a);
      const Key right = At(b);
      return left.parent == right.parent && left.name == right.name;
    }
  };
  struct OpenDirectory {
    Index index;
    std::shared_ptr<const Descriptor> descriptor;
  };

  Result<std::shared_ptr<const Descriptor>> Open(Index directory);

  const size_t most_;
  mutable std::mutex mutex_;
  std::deque<Node> nodes_;
  std::unordered_set<Index, Hash, Equal> by_name_;
  std::shared_ptr<const Descriptor> root_;
  std::array<OpenDirectory, 16> open_{};  // a ring of directories used last
  size_t next_open_ = 0;
};

}  // namespace ekshume::fs::folder
