// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "image/format.h"
#include "image/stored_image.h"

namespace ekshume::image::gzip {

// Decodes all of `file` into `store`, for content that cannot be entered in the middle: a deflate
// block without end. The content ends at damage, which is in the map. kLimit; kNoSpace; kCancelled.
Result<StoredImage::Map> DecodeToStore(const EvidenceFile& file, IndexFile& store,
                                       Progress* progress);

}  // namespace ekshume::image::gzip
