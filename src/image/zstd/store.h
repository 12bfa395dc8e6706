// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "image/format.h"
#include "image/stored_image.h"

namespace ekshume::image::zstd {

// Decodes all of `file` into `store`: one pass, in the memory of the frame's window. After a
// damaged frame that declared its size the next one goes on at its place; else the content ends at
// the damage. Both are in the map. kCorrupt when nothing could be decoded; kLimit; kNoSpace;
// kCancelled.
Result<StoredImage::Map> DecodeToStore(const EvidenceFile& file, IndexFile& store,
                                       Progress* progress);

}  // namespace ekshume::image::zstd
