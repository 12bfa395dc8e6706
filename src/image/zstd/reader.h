// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "image/format.h"

// A raw image compressed with zstd. With many small frames (pzstd, the seekable format) each is
// decoded when it is read. A large frame, which is what `zstd disk.img` makes, cannot be entered in
// the middle: it is decoded once, into a StoredImage.
namespace ekshume::image::zstd {

// The magic of a frame with data, or a skippable frame with such a frame behind it.
bool Sniff(ByteView head, std::string_view path);

// What is there of a truncated or damaged file is the image, with a diagnostic. kCorrupt when not
// one byte could be decoded; kLimit and kUnsupported by name; kNoSpace for the store; kCancelled.
Result<OpenedImage> Open(const std::string& path, const OpenOptions& options);

extern const Format kFormat;

}  // namespace ekshume::image::zstd
