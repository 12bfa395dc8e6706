// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>

#include "artifact/format.h"

namespace ekshume::artifact::mactime {

// The directories of a host that are layers of its containers and images: their files belong to
// those. A layer that nothing refers to any more is not among them, as no other view shows it.
class LayerDirectories {
 public:
  explicit LayerDirectories(const View& view);

  // `path`: from the root, no leading slash.
  bool Contains(std::string_view path) const { return paths_.find(path) != paths_.end(); }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  void Add(const View& view, const runtime::Location& location);

  std::unordered_set<std::string, Hash, std::equal_to<>> paths_;
};

}  // namespace ekshume::artifact::mactime
