// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "image/format.h"

// A raw image compressed with gzip (any number of members), read at random through an index that is
// built in one pass when it is first opened.
namespace ekshume::image::gzip {

bool Sniff(ByteView head, std::string_view path);

// What is there of a truncated or damaged file is the image, with a diagnostic. kCorrupt when not
// one byte could be decoded; kLimit; kNoSpace for the index; kCancelled.
Result<OpenedImage> Open(const std::string& path, const OpenOptions& options);

extern const Format kFormat;

}  // namespace ekshume::image::gzip
