// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/progress.h"
#include "image/index_file.h"

namespace ekshume::image::gzip {

inline constexpr uint32_t kIndexVersion = 1;
// At least so much content lies between two points.
inline constexpr uint64_t kPointSpacingBytes = uint64_t{4} << 20;
// Zero stretches shorter than this are not worth remembering.
inline constexpr uint64_t kMinZeroRunBytes = uint64_t{1} << 20;

// A place where decoding can start: a member's header, or a block within a member.
struct Point {
  uint64_t content_offset = 0;
  uint64_t file_offset = 0;
  int bits = 0;
  bool at_member = true;
  uint64_t window_offset = 0;  // in the index's data area, when not at_member
  uint32_t window_stored_bytes = 0;
  uint32_t window_crc32c = 0;
};

struct ZeroRun {
  uint64_t offset_bytes;
  uint64_t length;
};

struct Index {
  uint64_t size_bytes = 0;         // of the content
  std::vector<Point> points;       // ascending; the first is at 0
  std::vector<ZeroRun> zero_runs;  // ascending, limits::kMaxZeroRuns at most
  std::string damage;              // empty when the file is whole
  uint64_t damage_offset = 0;      // in the file
};

std::string EncodeIndex(const Index& index);
Result<Index> DecodeIndex(ByteView table);

// What one index may cost; tests pass less.
struct IndexLimits {
  uint64_t decoded_bytes = limits::kMaxDecodedBytes;
  size_t points = limits::kMaxGzipPoints;
  size_t zero_runs = limits::kMaxZeroRuns;
};

// Decodes all of `file` once, writing the windows to `store`, and completes `store` with the index.
// What is wrong with the evidence is in `damage`; the content ends there. Nothing when two points
// would lie more than limits::kMaxGzipSpanBytes apart, as no compressor in use makes them: then the
// file cannot be entered in the middle. kLimit for limits::kMaxGzipPoints and kMaxDecodedBytes;
// kNoSpace; kCancelled.
Result<std::optional<Index>> BuildIndex(const EvidenceFile& file, IndexFile& store,
                                        Progress* progress, const IndexLimits& most = {});

}  // namespace ekshume::image::gzip
