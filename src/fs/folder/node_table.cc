// SPDX-License-Identifier: Apache-2.0
#include "fs/folder/node_table.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "base/text.h"

namespace ekshume::fs::folder {

NodeTable::NodeTable(Descriptor root, size_t most)
    : most_(most),
      nodes_{Node{0, "."}},
      by_name_(0, Hash{&nodes_}, Equal{&nodes_}),
      root_(std::make_shared<const Descriptor>(std::move(root))) {}

Result<NodeId> NodeTable::Add(NodeId directory, std::string_view name) {
  const std::scoped_lock lock(mutex_);
  const auto parent = static_cast<Index>(directory);
  if (const auto found = by_name_.find(Key{parent, name}); found != by_name_.end()) {
    return NodeId{*found};
  }
  if (nodes_.size() >= most_) {
    return Fail(ErrorCode::kLimit,
                fmt::format("a folder of more than {} names (kMaxFolderNodes)", most_));
  }
  const auto index = static_cast<Index>(nodes_.size());
  nodes_.push_back({parent, std::string(name)});
  by_name_.insert(index);
  return NodeId{index};
}

Result<Place> NodeTable::Find(NodeId node) {
  const std::scoped_lock lock(mutex_);
  const auto index = static_cast<uint64_t>(node);
  if (index >= nodes_.size()) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("no node {} in this folder", index));
  }
  if (node == kRoot) return Place{root_, "."};
  const Node& found = nodes_[index];
  return Place{EKSHUME_TRY(Open(found.parent)), found.name};
}

Result<std::shared_ptr<const Descriptor>> NodeTable::Open(Index directory) {
  // Up to the nearest directory that is open, then down again.
  std::vector<Index> closed;
  std::shared_ptr<const Descriptor> descriptor;
  for (Index at = directory; descriptor == nullptr; at = nodes_[at].parent) {
    const auto open = std::ranges::find_if(open_, [at](const OpenDirectory& candidate) {
      return candidate.descriptor != nullptr && candidate.index == at;
    });
    if (at == 0) {
      descriptor = root_;
    } else if (open != open_.end()) {
      descriptor = open->descriptor;
    } else {
      closed.push_back(at);
    }
  }
  for (auto at = closed.rbegin(); at != closed.rend(); ++at) {
    Descriptor child = OpenAt(descriptor->value(), nodes_[*at].name, O_PATH | O_DIRECTORY);
    if (!child) {
      return Fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                  fmt::format("{}: {}", EscapeForTerminal(nodes_[*at].name),
                              std::generic_category().message(errno)));
    }
    descriptor = std::make_shared<const Descriptor>(std::move(child));
    open_[next_open_++ % open_.size()] = {*at, descriptor};
  }
  return descriptor;
}

std::string NodeTable::Path(NodeId node) const {
  const std::scoped_lock lock(mutex_);
  std::string path;
  for (auto at = static_cast<uint64_t>(node); at != 0 && at < nodes_.size();
       at = nodes_[at].parent) {
    path.insert(0, path.empty() ? nodes_[at].name : nodes_[at].name + "/");
  }
  return path;
}

}  // namespace ekshume::fs::folder
