// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ekshume::image::split {

// The name of one segment of a split image: "disk.img.003" is base "disk.img.", number 3 of three
// digits. There is no specification; these are the names that FTK Imager, dd_rescue, split -d and
// split write: digits from 0 or 1 (.000, .001, .0001; a counter that grows past its width goes on
// with more digits), or two or three letters (.aa, .ab).
struct SegmentName {
  std::string base;  // up to and with the dot
  uint64_t number = 0;
  size_t width = 0;  // digits or letters
  bool letters = false;
};

// Nothing when the path does not end like a segment.
std::optional<SegmentName> ParseSegmentName(std::string_view path);

// The segments beside `path` that belong to its set, by number, `path` among them; empty when it
// belongs to none. kIo when the folder cannot be listed; kLimit for limits::kMaxSplitSegments.
Result<std::map<uint64_t, std::string>> FindSegments(const std::string& path);

// The name of segment `number` of the set that `example` belongs to, for messages.
std::string SegmentPath(const SegmentName& example, uint64_t number);

}  // namespace ekshume::image::split
