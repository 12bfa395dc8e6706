// SPDX-License-Identifier: Apache-2.0
#include "fs/overlay/node_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

namespace ekshume::fs::overlay {
namespace {

constexpr size_t kFirstSlots = 1024;

uint64_t RedirectKey(uint32_t index, size_t element_index) {
  return uint64_t{index} << 16 | element_index;
}

// The finaliser of SplitMix64: spreads consecutive inode numbers over the slots.
uint64_t Mix(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

}  // namespace

template <typename T>
std::span<const T> NodeTable::Arena<T>::Keep(std::span<const T> values) {
  if (values.empty()) return {};
  if (chunks_.empty() || chunks_.back().capacity() - chunks_.back().size() < values.size()) {
    chunks_.emplace_back().reserve(std::max(kChunk / sizeof(T), values.size()));
  }
  std::vector<T>& chunk = chunks_.back();
  const size_t begin = chunk.size();
  chunk.insert(chunk.end(), values.begin(), values.end());  // within the capacity: nothing moves
  return std::span<const T>(chunk).subspan(begin);
}

uint64_t NodeTable::Hash(std::span<const Element> elements) {
  uint64_t hash = 0;
  for (const Element& element : elements) {
    hash = Mix(hash ^ Mix(static_cast<uint64_t>(element.node) + (uint64_t{element.layer} << 56)));
  }
  return hash;
}

bool NodeTable::Equal(const Node& node, std::span<const Element> elements) {
  return node.top == elements.front() &&
         std::equal(node.below.begin(), node.below.end(), elements.begin() + 1, elements.end());
}

void NodeTable::Grow() {
  std::vector<uint32_t> slots(std::max(kFirstSlots, slots_.size() * 2), 0);
  const size_t mask = slots.size() - 1;
  std::vector<Element> elements;
  for (uint32_t index = 0; index < nodes_.size(); ++index) {
    const Node& node = nodes_[index];
    elements.assign(1, node.top);
    elements.insert(elements.end(), node.below.begin(), node.below.end());
    size_t slot = Hash(elements) & mask;
    while (slots[slot] != 0) slot = (slot + 1) & mask;
    slots[slot] = index + 1;
  }
  slots_ = std::move(slots);
}

Result<uint32_t> NodeTable::Intern(uint32_t parent, const Child& child) {
  const std::unique_lock lock(mutex_);
  if ((nodes_.size() + 1) * 4 > slots_.size() * 3) Grow();
  const size_t mask = slots_.size() - 1;
  size_t slot = Hash(child.elements) & mask;
  while (slots_[slot] != 0) {
    if (Equal(nodes_[slots_[slot] - 1], child.elements)) return slots_[slot] - 1;
    slot = (slot + 1) & mask;
  }
  if (nodes_.size() + extra_elements_ >= most_) {
    return Fail(ErrorCode::kLimit, "kMaxOverlayNodes: the union has too many names");
  }
  const auto index = static_cast<uint32_t>(nodes_.size());
  const std::span<const char> name = names_.Keep(child.name);
  nodes_.push_back(Node{child.elements.front(), elements_.Keep(child.elements.subspan(1)),
                        std::string_view(name.data(), name.size()), parent, child.type});
  for (const auto& [element_index, path] : child.paths) {
    redirected_.emplace(RedirectKey(index, element_index), path);
  }
  extra_elements_ += child.elements.size() - 1;
  slots_[slot] = index + 1;
  return index;
}

Result<const Node*> NodeTable::Find(uint64_t index) const {
  const std::shared_lock lock(mutex_);
  if (index >= nodes_.size()) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("overlay: no node {}", index));
  }
  return &nodes_[index];
}

std::string NodeTable::LayerPath(uint32_t index, size_t element_index) const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string_view> parts;  // deepest first
  const uint32_t layer = nodes_[index].element(element_index).layer;
  size_t at = element_index;
  while (index != 0) {
    const auto redirected = redirected_.find(RedirectKey(index, at));
    if (redirected != redirected_.end()) {
      parts.push_back(redirected->second);
      break;
    }
    const Node& node = nodes_[index];
    parts.push_back(node.name);
    index = node.parent;
    for (at = 0; at + 1 < nodes_[index].element_count(); ++at) {
      if (nodes_[index].element(at).layer == layer) break;
    }
  }
  std::reverse(parts.begin(), parts.end());
  return fmt::format("{}", fmt::join(parts, "/"));
}

std::string NodeTable::LayerPathIn(uint32_t index, uint32_t layer) const {
  const Node* node = *Find(index);
  for (size_t i = 0; i < node->element_count(); ++i) {
    if (node->element(i).layer == layer) return LayerPath(index, i);
  }
  return {};
}

std::string NodeTable::UnionPath(uint32_t index) const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string_view> parts;
  for (; index != 0; index = nodes_[index].parent) parts.push_back(nodes_[index].name);
  std::reverse(parts.begin(), parts.end());
  return fmt::format("{}", fmt::join(parts, "/"));
}

}  // namespace ekshume::fs::overlay
