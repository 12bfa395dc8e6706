// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "image/evidence_file.h"
#include "image/format.h"

// A raw image cut into files of equal size: disk.img.001, disk.img.002, ... (names: segments.h).
// Any file of the set opens all of it. There is no structure in the files, hence no format.h.
namespace ekshume::image::split {

// One segment in its place. A missing one, and the end of one that is shorter than the others, is
// not there: reading it fails with kCorrupt.
struct Segment {
  std::string path;
  uint64_t offset_bytes = 0;         // in the image
  uint64_t size_bytes = 0;           // of its place
  uint64_t there_bytes = 0;          // of the file
  std::optional<EvidenceFile> file;  // the first limits::kMaxOpenSegments are kept open
};

class SplitImage final : public Image {
 public:
  // `segments` are ascending, without gaps between their places.
  SplitImage(std::vector<Segment> segments, std::string name);

  uint64_t size_bytes() const override { return size_bytes_; }
  const std::string& name() const override { return name_; }
  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override;
  uint64_t NextData(uint64_t offset_bytes) const override;

 private:
  const Segment& SegmentAt(uint64_t offset_bytes) const;

  const std::vector<Segment> segments_;
  const uint64_t size_bytes_;
  const std::string name_;
};

// True when the name ends like a segment's and other files of the set lie beside it: a single raw
// image may be called disk.001 as well.
bool Sniff(ByteView head, std::string_view path);

// Missing segments are reported, and their places are taken to be as large as the others.
// kUnsupported when the joined content is compressed. kLimit for limits::kMaxSplitSegments.
Result<OpenedImage> Open(const std::string& path, const OpenOptions& options);

extern const Format kFormat;

}  // namespace ekshume::image::split
