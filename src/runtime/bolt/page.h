// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/byte_view.h"

namespace ekshume::runtime::bolt {

// One item of a page. The views point into the page's bytes.
struct Element {
  std::string_view key;
  std::string_view value;  // leaf: the value; of a bucket, its InBucket and inline page
  uint64_t child = 0;      // branch: the page below
  bool is_bucket = false;  // leaf
};

// A branch or leaf page, checked: every element lies inside the page, and they are in key order.
struct Page {
  bool is_leaf = true;
  std::vector<Element> elements;
  // What was wrong, "" when nothing: elements outside the page (left out) or out of order (sorted).
  std::string damage;
};

// Parses the page that begins at the first byte of `bytes`, which holds all of it with its
// overflow; the result points into it. kCorrupt when it is neither a branch nor a leaf.
Result<Page> ParsePage(ByteView bytes);

}  // namespace ekshume::runtime::bolt
