// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace ekshume::live {

// What the parts of a collection that lie in an acquisition's folder hold so far.
struct CollectionParts {
  bool complete = false;  // the last one has its trailer
  std::string stream_id;  // of the first, as the collector's --resumes wants it
  std::string members;    // that arrived whole, as --skip - wants them
};

// `names` are relative to `directory`, in order. Errors of the archives and of reading them.
Result<CollectionParts> ReadCollectionParts(const std::string& directory,
                                            const std::vector<std::string>& names);

}  // namespace ekshume::live
