// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "detect/story/item.h"

namespace ekshume::detect::story {

// Findings that belong together: indexes into the items, in order of time.
struct Group {
  std::vector<size_t> items;
  // Parts of it hold together by nothing but the node and a few minutes.
  bool by_time_only = false;
  // Those that nobody known, or somebody refused, tried around that time.
  std::vector<size_t> tried;
};

struct Joined {
  std::vector<Group> groups;  // in order of their first item
  std::vector<size_t> alone;  // of at least medium and in no group, in order of time
};

// Groups what belongs together (story.h says what joins) and puts what begins nothing by itself
// where it belongs.
Joined Join(const std::vector<Item>& items, const Actors& actors, const Places& places,
            const Facts& facts);

}  // namespace ekshume::detect::story
