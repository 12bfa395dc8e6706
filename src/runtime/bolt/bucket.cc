// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/limits.h"
#include "runtime/bolt/database.h"
#include "runtime/bolt/format.h"

namespace ekshume::runtime::bolt {
namespace {

// The first element whose key is not less than `key`.
auto LowerBound(const Page& page, std::string_view key) {
  return std::lower_bound(
      page.elements.begin(), page.elements.end(), key,
      [](const Element& element, std::string_view k) { return element.key < k; });
}

}  // namespace

const Element* Bucket::Find(std::string_view key) const {
  const Page* page = inline_page_ != nullptr ? inline_page_ : database_->GetPage(root_page_);
  for (int level = 0; page != nullptr && database_->CountItem(); ++level) {
    auto at = LowerBound(*page, key);
    if (page->is_leaf) {
      return at != page->elements.end() && at->key == key ? &*at : nullptr;
    }
    if (level >= limits::kMaxBoltDepth) {
      database_->Report(root_page_, "kMaxBoltDepth: too many levels of branch pages");
      return nullptr;
    }
    // The child that may hold the key is the last one that does not begin after it.
    if ((at == page->elements.end() || at->key != key) && at != page->elements.begin()) --at;
    if (at == page->elements.end()) return nullptr;
    page = database_->GetPage(at->child);
  }
  return nullptr;
}

std::optional<Bucket> Bucket::Open(const Element& element) const {
  if (!element.is_bucket) return std::nullopt;
  if (depth_ + 1 >= limits::kMaxBoltDepth) {
    database_->Report(root_page_, "kMaxBoltDepth: buckets are nested too deeply");
    return std::nullopt;
  }
  const ByteView value = ByteView::Of(element.value);
  const auto head = value.Read<InBucket>(0);
  if (!head) {
    database_->Report(root_page_, "a bucket's head is cut off: " + head.error().message);
    return std::nullopt;
  }
  const uint64_t root = head->root.value();
  const Page* inline_page =
      root == 0 ? database_->InlinePage(value.From(sizeof(InBucket))) : nullptr;
  return Bucket(database_, root, inline_page, head->sequence.value(), depth_ + 1);
}

void Bucket::ForEachElement(const std::function<bool(const Element&)>& visit) const {
  struct Level {
    const Page* page;
    size_t next;
  };
  std::vector<Level> levels;
  std::unordered_set<uint64_t> visited = {root_page_};
  if (const Page* page = inline_page_ != nullptr ? inline_page_ : database_->GetPage(root_page_)) {
    levels.push_back({page, 0});
  }
  while (!levels.empty()) {
    Level& level = levels.back();
    if (level.next == level.page->elements.size()) {
      levels.pop_back();
      continue;
    }
    const Element& element = level.page->elements[level.next++];
    if (!database_->CountItem()) return;
    if (level.page->is_leaf) {
      if (!visit(element)) return;
      continue;
    }
    if (!visited.insert(element.child).second) {
      database_->Report(element.child, "a page is reached twice in one tree");
    } else if (levels.size() >= static_cast<size_t>(limits::kMaxBoltDepth)) {
      database_->Report(element.child, "kMaxBoltDepth: too many levels of branch pages");
    } else if (const Page* child = database_->GetPage(element.child)) {
      levels.push_back({child, 0});
    }
  }
}

std::optional<std::string_view> Bucket::Get(std::string_view key) const {
  const Element* element = Find(key);
  if (element == nullptr || element->is_bucket) return std::nullopt;
  return element->value;
}

std::optional<Bucket> Bucket::Child(std::string_view name) const {
  const Element* element = Find(name);
  if (element == nullptr) return std::nullopt;
  return Open(*element);
}

std::optional<Bucket> Bucket::Descend(std::initializer_list<std::string_view> names) const {
  std::optional<Bucket> bucket = *this;
  for (const std::string_view name : names) {
    bucket = bucket->Child(name);
    if (!bucket) break;
  }
  return bucket;
}

void Bucket::ForEach(const std::function<bool(const Item&)>& visit) const {
  ForEachElement([&](const Element& element) {
    return visit(
        {element.key, element.is_bucket ? std::string_view() : element.value, element.is_bucket});
  });
}

void Bucket::ForEachChild(
    const std::function<void(std::string_view name, const Bucket&)>& visit) const {
  ForEachElement([&](const Element& element) {
    if (element.is_bucket) {
      if (const auto bucket = Open(element)) visit(element.key, *bucket);
    }
    return true;
  });
}

}  // namespace ekshume::runtime::bolt
