// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/file.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "fs/xfs/extent.h"

namespace ekshume::fs::xfs {
namespace {

class RegularFile final : public File {
 public:
  RegularFile(const image::Image& device, uint64_t size_bytes, std::vector<Run> runs)
      : device_(device), size_(size_bytes), runs_(std::move(runs)) {}

  uint64_t size_bytes() const override { return size_; }
  std::span<const Run> runs() const override { return runs_; }

  Result<size_t> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    if (offset_bytes >= size_) return size_t{0};
    out = out.first(std::min<uint64_t>(out.size(), size_ - offset_bytes));
    auto run = std::upper_bound(
        runs_.begin(), runs_.end(), offset_bytes,
        [](uint64_t offset, const Run& candidate) { return offset < candidate.file_offset_bytes; });
    if (run != runs_.begin()) --run;
    std::span<std::byte> rest = out;
    for (; !rest.empty() && run != runs_.end(); ++run) {
      const uint64_t skip = offset_bytes - run->file_offset_bytes;
      const std::span<std::byte> part =
          rest.first(std::min<uint64_t>(rest.size(), run->length_bytes - skip));
      if (run->kind == Run::Kind::kData) {
        EKSHUME_TRY(device_.ReadAt(run->device_offset_bytes + skip, part));
      } else {
        std::fill(part.begin(), part.end(), std::byte{0});
      }
      rest = rest.subspan(part.size());
      offset_bytes += part.size();
    }
    return out.size() - rest.size();
  }

 private:
  const image::Image& device_;
  const uint64_t size_;
  const std::vector<Run> runs_;
};

// Appends a run, joined to the one before where they continue each other.
void Append(std::vector<Run>& runs, const Run& run) {
  if (!runs.empty() && runs.back().kind == run.kind &&
      runs.back().device_offset_bytes + runs.back().length_bytes == run.device_offset_bytes) {
    runs.back().length_bytes += run.length_bytes;
  } else {
    runs.push_back(run);
  }
}

// The mappings up to the size, rounded up to a block, with holes between them. What is preallocated
// behind the end is left out.
std::vector<Run> RunsOf(const Superblock& sb, std::span<const Extent> extents,
                        uint64_t size_bytes) {
  std::vector<Run> runs;
  runs.reserve(extents.size());
  const uint64_t end_block = (size_bytes + sb.block_bytes - 1) >> sb.block_log;
  uint64_t block = 0;
  const auto hole_until = [&](uint64_t until) {
    if (until == block) return;
    runs.push_back({block << sb.block_log, (until - block) << sb.block_log, Run::Kind::kHole, 0});
  };
  for (const Extent& extent : extents) {
    if (extent.file_block >= end_block) break;
    hole_until(extent.file_block);
    const uint64_t end = std::min(extent.end_block(), end_block);
    Append(runs, {extent.file_block << sb.block_log, (end - extent.file_block) << sb.block_log,
                  extent.unwritten ? Run::Kind::kUnwritten : Run::Kind::kData, extent.byte_offset});
    block = end;
  }
  hole_until(end_block);
  return runs;
}

}  // namespace

Result<std::unique_ptr<File>> OpenRegularFile(const Context& context, const Inode& inode) {
  if (inode.is_realtime()) {
    context.Report(DiagnosticCode::kXfsRealtimeFile, fmt::format("inode {}", inode.number),
                   inode.byte_offset);
    return Fail(ErrorCode::kUnsupported,
                fmt::format("xfs: data of inode {} lies on the realtime section", inode.number));
  }
  const auto extents = EKSHUME_TRY(ReadExtents(context, inode, Fork::kData));
  return std::make_unique<RegularFile>(context.device, inode.size_bytes,
                                       RunsOf(context.sb, extents, inode.size_bytes));
}

}  // namespace ekshume::fs::xfs
