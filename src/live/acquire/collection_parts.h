// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "collection/reader.h"
#include "image/image.h"

namespace ekshume::live {

// The parts of a collection that lie in an acquisition's folder, opened.
struct OpenedParts {
  std::vector<std::unique_ptr<image::Image>> images;  // the reader's
  std::unique_ptr<collection::Reader> reader;
};
// `names` are relative to `directory`, in order. Errors of the archives and of reading them; a cut
// is none.
Result<OpenedParts> OpenCollectionParts(const std::string& directory,
                                        const std::vector<std::string>& names);

// What they hold so far.
struct CollectionParts {
  bool complete = false;  // the last one has its trailer
  std::string stream_id;  // of the first, as the collector's --resumes wants it
  std::string members;    // that arrived whole, as --skip - wants them
};
Result<CollectionParts> ReadCollectionParts(const std::string& directory,
                                            const std::vector<std::string>& names);

}  // namespace ekshume::live
