// SPDX-License-Identifier: Apache-2.0
#include "image/split/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/checked.h"
#include "base/limits.h"
#include "image/foreign.h"
#include "image/split/segments.h"

namespace ekshume::image::split {
namespace {

constexpr size_t kHeadBytes = 512;

// Joined segments are a raw disk; a compressed stream cut into files is not read.
Result<void> RefuseCompressed(const Segment& first) {
  if (!first.file) return {};
  std::vector<std::byte> head(std::min<uint64_t>(kHeadBytes, first.there_bytes));
  if (!first.file->ReadAt(0, head)) return {};  // an unreadable sector is met again when it is read
  const ByteView view(head);
  const bool packed = std::ranges::any_of(Formats(), [&](const Format& format) {
    return format.sniff != Sniff && format.priority > 0 && format.sniff(view, first.path);
  });
  if (packed || RecogniseForeign(view) != nullptr) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{} is the first part of a compressed or packed image; join the parts "
                            "first: cat",
                            first.path));
  }
  return {};
}

// Opens what is there, in order; a missing number becomes a segment without a file.
Result<std::vector<Segment>> OpenSegments(const std::map<uint64_t, std::string>& found,
                                          const SegmentName& example) {
  const uint64_t first = std::min<uint64_t>(found.begin()->first, example.letters ? 0 : 1);
  const uint64_t last = found.rbegin()->first;
  if (last - first >= limits::kMaxSplitSegments) {
    return Fail(ErrorCode::kLimit, fmt::format("kMaxSplitSegments: {} is segment number {}",
                                               found.rbegin()->second, last));
  }
  std::vector<Segment> segments;
  for (uint64_t number = first; number <= last; ++number) {
    Segment segment;
    const auto entry = found.find(number);
    segment.path = entry == found.end() ? SegmentPath(example, number) : entry->second;
    if (entry != found.end()) {
      EvidenceFile file = EKSHUME_TRY(EvidenceFile::Open(segment.path));
      segment.there_bytes = file.size_bytes();
      if (segments.size() < limits::kMaxOpenSegments) segment.file = std::move(file);
    }
    segments.push_back(std::move(segment));
  }
  return segments;
}

// Every segment but the last has the size of the largest of them: what is shorter was cut off.
Result<void> Place(std::vector<Segment>& segments) {
  uint64_t full_bytes = 0;
  for (size_t i = 0; i + 1 < segments.size(); ++i) {
    full_bytes = std::max(full_bytes, segments[i].there_bytes);
  }
  uint64_t offset_bytes = 0;
  for (Segment& segment : segments) {
    const bool last = &segment == &segments.back();
    segment.offset_bytes = offset_bytes;
    segment.size_bytes = last ? segment.there_bytes : full_bytes;
    const auto end = CheckedAdd(offset_bytes, segment.size_bytes);
    if (!end) return Fail(ErrorCode::kCorrupt, fmt::format("{} is too large", segment.path));
    offset_bytes = *end;
  }
  return {};
}

void ReportMissing(const std::vector<Segment>& segments, DiagnosticSink& diagnostics) {
  for (const Segment& segment : segments) {
    if (segment.there_bytes == 0) {
      diagnostics.Report(
          DiagnosticCode::kImageSegmentMissing, segment.path,
          fmt::format("{} bytes at {:#x} of the image", segment.size_bytes, segment.offset_bytes),
          segment.offset_bytes);
    } else if (segment.there_bytes < segment.size_bytes) {
      diagnostics.Report(DiagnosticCode::kImageTruncated, segment.path,
                         fmt::format("the segment has {} bytes, the others have {}",
                                     segment.there_bytes, segment.size_bytes),
                         segment.offset_bytes + segment.there_bytes);
    }
  }
}

}  // namespace

SplitImage::SplitImage(std::vector<Segment> segments, std::string name)
    : segments_(std::move(segments)),
      size_bytes_(segments_.back().offset_bytes + segments_.back().size_bytes),
      name_(std::move(name)) {}

const Segment& SplitImage::SegmentAt(uint64_t offset_bytes) const {
  const auto after = std::ranges::upper_bound(segments_, offset_bytes, {}, &Segment::offset_bytes);
  return *std::prev(after);
}

Result<void> SplitImage::ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const {
  if (!RangeFits(offset_bytes, uint64_t{out.size()}, size_bytes_)) {
    return Fail(ErrorCode::kOutOfRange,
                fmt::format("read of {} bytes at {:#x} is past the end of {} ({} bytes)",
                            out.size(), offset_bytes, name_, size_bytes_));
  }
  while (!out.empty()) {
    const Segment& segment = SegmentAt(offset_bytes);
    const uint64_t within = offset_bytes - segment.offset_bytes;
    const size_t count = std::min<uint64_t>(out.size(), segment.size_bytes - within);
    if (!RangeFits(within, uint64_t{count}, segment.there_bytes)) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("{}: {} bytes at {:#x} are missing: {} has {} bytes", name_, count,
                              offset_bytes, segment.path, segment.there_bytes));
    }
    if (segment.file) {
      EKSHUME_TRY(segment.file->ReadAt(within, out.first(count)));
    } else {
      const EvidenceFile file = EKSHUME_TRY(EvidenceFile::Open(segment.path));
      EKSHUME_TRY(file.ReadAt(within, out.first(count)));
    }
    out = out.subspan(count);
    offset_bytes += count;
  }
  return {};
}

uint64_t SplitImage::NextData(uint64_t offset_bytes) const {
  while (offset_bytes < size_bytes_) {
    const Segment& segment = SegmentAt(offset_bytes);
    const uint64_t within = offset_bytes - segment.offset_bytes;
    if (!segment.file || within >= segment.there_bytes) return offset_bytes;
    const uint64_t next = segment.file->NextData(within);
    if (next < segment.there_bytes || segment.there_bytes < segment.size_bytes) {
      return segment.offset_bytes + next;
    }
    offset_bytes = segment.offset_bytes + segment.size_bytes;
  }
  return offset_bytes;
}

bool Sniff(ByteView, std::string_view path) {
  const auto found = FindSegments(std::string(path));
  return found && found->size() > 1;
}

Result<OpenedImage> Open(const std::string& path, const OpenOptions& options) {
  const auto example = ParseSegmentName(path);
  const auto found = EKSHUME_TRY(FindSegments(path));
  if (!example || found.empty()) {
    return Fail(ErrorCode::kNotFound, fmt::format("{} is no segment of a split image", path));
  }
  std::vector<Segment> segments = EKSHUME_TRY(OpenSegments(found, *example));
  EKSHUME_TRY(RefuseCompressed(segments.front()));
  EKSHUME_TRY(Place(segments));
  ReportMissing(segments, *options.diagnostics);
  OpenedImage opened;
  opened.format = kFormat.name;
  for (const Segment& segment : segments) {
    if (segment.there_bytes > 0) opened.files.push_back(segment.path);
    opened.stored_bytes += segment.there_bytes;
  }
  opened.image = std::make_unique<SplitImage>(std::move(segments), path);
  return opened;
}

const Format kFormat = {
    .name = "split",
    .description = "a raw image split into .001, .002, ... or .aa, .ab, ...",
    .priority = 30,
    .sniff = Sniff,
    .open = Open,
};

}  // namespace ekshume::image::split
