// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/progress.h"
#include "image/sequential_reader.h"

namespace ekshume::image::zstd {

// The parsed header of a frame with data.
struct FrameHeader {
  uint64_t window_bytes = 0;
  std::optional<uint64_t> content_bytes;  // decoded, when declared
  uint32_t dictionary_id = 0;
  bool has_checksum = false;
  size_t header_bytes = 0;  // with the magic
};

// Parses the frame header at the start of `bytes` (RFC 8878, 3.1.1.1). kCorrupt when it is none.
Result<FrameHeader> ParseFrameHeader(ByteView bytes);

// True for the magic of a skippable frame.
bool IsSkippable(uint32_t magic);

// One frame of the file.
struct Frame {
  uint64_t offset_bytes = 0;    // in the file
  uint64_t stored_bytes = 0;    // in the file; up to its end when it is cut off
  uint64_t content_offset = 0;  // where its content lies in the image
  uint64_t content_bytes = 0;
  bool cut_off = false;  // the file ends in it, or its blocks make no sense
};

// The frames of a file, found by their headers without decoding anything.
struct FrameList {
  std::vector<Frame> frames;
  // False when a frame declares no size or is larger than limits::kMaxZstdFrameBytes: then frames
  // cannot be entered one by one, and the list ends there.
  bool seekable = true;
  uint64_t content_bytes = 0;
  std::string damage;  // why it ended before the end of the file, when it did
  uint64_t damage_offset = 0;
};

// Fails when not even the first frame can be used (kCorrupt, kUnsupported for a dictionary, kLimit
// for limits::kMaxZstdWindowBytes, kIo), and with kCancelled. What is wrong further on, also
// limits::kMaxZstdFrames, ends the list and is its `damage`.
Result<FrameList> ListFrames(const EvidenceFile& file, const Progress* progress);

// Moves `reader`, which stands at a frame, past skippable frames. kCorrupt when one is cut off.
Result<void> SkipSkippable(SequentialReader& reader);

// Moves `reader`, which stands at a frame with `header`, past it by its block headers. kCorrupt
// when they make no sense or the file ends first.
Result<void> SkipFrame(SequentialReader& reader, const FrameHeader& header);

// Refuses a window or dictionary that we cannot or will not serve.
Result<void> CheckHeader(const FrameHeader& header, const std::string& path);

}  // namespace ekshume::image::zstd
