// SPDX-License-Identifier: Apache-2.0
#include "runtime/bolt/stale.h"

#include <algorithm>
#include <unordered_set>

#include "base/limits.h"
#include "runtime/bolt/format.h"

namespace ekshume::runtime::bolt {
namespace {

// Every page of the current state's trees, with overflow.
std::unordered_set<uint64_t> ReachablePages(const Database& database) {
  std::unordered_set<uint64_t> reachable;
  std::vector<uint64_t> pending = {database.state().root};
  while (!pending.empty()) {
    const uint64_t number = pending.back();
    pending.pop_back();
    if (!reachable.insert(number).second) continue;
    const Page* page = database.GetPage(number);
    if (page == nullptr) continue;
    for (uint64_t i = 1; i < database.PageSpan(number); ++i) reachable.insert(number + i);
    for (const Element& element : page->elements) {
      if (!page->is_leaf) {
        pending.push_back(element.child);
      } else if (element.is_bucket) {
        const auto bucket = ByteView::Of(element.value).Read<InBucket>(0);
        if (bucket && bucket->root.value() != 0) pending.push_back(bucket->root.value());
      }
    }
  }
  return reachable;
}

// Whether each child is a page that begins with the key that the branch page has for it.
bool ChildrenFit(const Database& database, const Page& branch) {
  std::string storage;
  return std::ranges::all_of(branch.elements, [&](const Element& element) {
    const auto child = database.PeekPage(element.child, storage);
    return child != nullptr && !child->elements.empty() &&
           child->elements.front().key == element.key;
  });
}

}  // namespace

std::vector<uint64_t> StalePages(const Database& database) {
  const auto reachable = ReachablePages(database);
  const State& state = database.state();
  const uint64_t bytes = std::min<uint64_t>(database.size_bytes(), limits::kMaxBoltBytes);
  const uint64_t end = std::min(state.high_water, bytes / state.page_bytes);
  if (end < std::min(state.high_water, database.size_bytes() / state.page_bytes)) {
    database.ReportLimit(
        "kMaxBoltBytes: what deleted records left behind is looked for only so far");
  }
  std::vector<uint64_t> stale;
  std::string storage;
  for (uint64_t number = 2; number < end; ++number) {
    if (reachable.contains(number)) continue;
    const auto page = database.PeekPage(number, storage);
    if (page == nullptr || page->elements.empty()) continue;
    if (page->is_leaf || ChildrenFit(database, *page)) stale.push_back(number);
  }
  return stale;
}

}  // namespace ekshume::runtime::bolt
