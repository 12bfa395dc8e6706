// SPDX-License-Identifier: Apache-2.0
#include "runtime/bolt/page.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/bolt/format.h"

namespace ekshume::runtime::bolt {
namespace {

// The element at `offset` of a leaf or branch page; kOutOfRange when it reaches out of the page.
Result<Element> ParseElement(ByteView bytes, size_t offset, bool is_leaf) {
  Element element;
  if (!is_leaf) {
    const auto raw = EKSHUME_TRY(bytes.Read<BranchPageElement>(offset));
    element.key = EKSHUME_TRY(bytes.Sub(offset + raw.pos.value(), raw.ksize.value())).AsText();
    element.child = raw.pgid.value();
    return element;
  }
  const auto raw = EKSHUME_TRY(bytes.Read<LeafPageElement>(offset));
  // Both are 32 bits wide: the sums cannot overflow 64.
  const size_t key_offset = offset + raw.pos.value();
  element.key = EKSHUME_TRY(bytes.Sub(key_offset, raw.ksize.value())).AsText();
  element.value =
      EKSHUME_TRY(bytes.Sub(key_offset + raw.ksize.value(), raw.vsize.value())).AsText();
  element.is_bucket = (raw.flags.value() & kBucketLeafFlag) != 0;
  return element;
}

}  // namespace

Result<Page> ParsePage(ByteView bytes) {
  const auto header = EKSHUME_TRY(bytes.Read<PageHeader>(0));
  const uint16_t flags = header.flags.value();
  if (flags != kBranchPageFlag && flags != kLeafPageFlag) {
    return Fail(
        ErrorCode::kCorrupt,
        fmt::format("page flags {:#06x}, expected branch (0x0001) or leaf (0x0002)", flags));
  }
  Page page;
  page.is_leaf = flags == kLeafPageFlag;
  const size_t count = header.count.value();
  page.elements.reserve(std::min(count, bytes.size() / sizeof(LeafPageElement)));
  for (size_t i = 0; i < count; ++i) {
    const size_t offset = sizeof(PageHeader) + i * sizeof(LeafPageElement);
    auto element = ParseElement(bytes, offset, page.is_leaf);
    if (!element) {
      page.damage = fmt::format("element {} of {}: {}", i, count, element.error().message);
      if (!bytes.Contains(offset, sizeof(LeafPageElement))) break;
      continue;
    }
    page.elements.push_back(*element);
  }
  const auto by_key = [](const Element& a, const Element& b) { return a.key < b.key; };
  if (!std::is_sorted(page.elements.begin(), page.elements.end(), by_key)) {
    if (page.damage.empty()) page.damage = "keys are not in order";
    std::stable_sort(page.elements.begin(), page.elements.end(), by_key);
  }
  return page;
}

}  // namespace ekshume::runtime::bolt
