// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/rule.h"

#include <algorithm>

namespace ekshume::detect::sigma {

uint32_t Detection::FieldIndex(std::string_view name) {
  const auto found = std::ranges::find(fields, name);
  if (found != fields.end()) return static_cast<uint32_t>(found - fields.begin());
  fields.emplace_back(name);
  return static_cast<uint32_t>(fields.size() - 1);
}

void Detection::Restrict(const Detection& other, bool keep) {
  const auto first_search = static_cast<uint32_t>(searches.size());
  const auto first_node = static_cast<uint32_t>(nodes.size());
  for (Search search : other.searches) {
    for (std::vector<Item>& alternative : search.alternatives) {
      for (Item& item : alternative) {
        if (item.field != Item::kKeyword) item.field = FieldIndex(other.fields[item.field]);
        for (Matcher& matcher : item.matchers) {
          if (matcher.kind != Matcher::Kind::kFieldRef) continue;
          matcher.other_field = FieldIndex(other.fields[matcher.other_field]);
        }
      }
    }
    searches.push_back(std::move(search));
  }
  for (ConditionNode node : other.nodes) {
    node.search += first_search;
    for (uint32_t& child : node.children) child += first_node;
    nodes.push_back(std::move(node));
  }
  uint32_t second = first_node + other.root;
  if (!keep) {
    nodes.push_back({ConditionNode::Kind::kNot, 0, 0, {second}});
    second = static_cast<uint32_t>(nodes.size() - 1);
  }
  nodes.push_back({ConditionNode::Kind::kAtLeast, 0, 2, {root, second}});
  root = static_cast<uint32_t>(nodes.size() - 1);
}

}  // namespace ekshume::detect::sigma
