// SPDX-License-Identifier: Apache-2.0
#include "collection/left_out.h"

#include <algorithm>

#include "base/hash.h"

namespace ekshume::collection {

std::string LeftOutDigest(std::vector<std::string> names) {
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  Sha256 hash;
  for (std::string& name : names) {
    name += '\n';
    hash.Update(ByteView::Of(name));
  }
  return ToHex(hash.Finish());
}

}  // namespace ekshume::collection
