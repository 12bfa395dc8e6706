// SPDX-License-Identifier: Apache-2.0
#include "casefile/extent_file.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace ekshume::casefile {
namespace {

class ExtentFile final : public fs::File {
 public:
  ExtentFile(std::unique_ptr<fs::File> whole, const process::Extent& extent)
      : whole_(std::move(whole)), extent_(extent) {
    const uint64_t end = extent_.offset_bytes + extent_.length_bytes;
    if (extent_.swapped) return;  // the bytes do not lie there as they are
    for (fs::Run run : whole_->runs()) {
      const uint64_t begin = std::max(run.file_offset_bytes, extent_.offset_bytes);
      const uint64_t run_end = std::min(run.file_offset_bytes + run.length_bytes, end);
      if (begin >= run_end) continue;
      run.device_offset_bytes += begin - run.file_offset_bytes;
      run.file_offset_bytes = begin - extent_.offset_bytes;
      run.length_bytes = run_end - begin;
      runs_.push_back(run);
    }
  }
  uint64_t size_bytes() const override { return extent_.length_bytes; }
  Result<size_t> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    if (offset_bytes >= extent_.length_bytes) return size_t{0};
    const size_t count = std::min<uint64_t>(out.size(), extent_.length_bytes - offset_bytes);
    if (extent_.swapped) return ReadSwapped(offset_bytes, out.first(count));
    return whole_->ReadAt(extent_.offset_bytes + offset_bytes, out.first(count));
  }
  std::span<const fs::Run> runs() const override { return runs_; }

 private:
  // Byte i is byte i^1 of what was kept, but for the last one of an odd number.
  Result<size_t> ReadSwapped(uint64_t offset_bytes, std::span<std::byte> out) const {
    const uint64_t begin = offset_bytes & ~uint64_t{1};
    const uint64_t end = std::min(offset_bytes + out.size() + 1, extent_.length_bytes);
    std::vector<std::byte> kept(static_cast<size_t>(end - begin));
    for (size_t done = 0; done < kept.size();) {
      const size_t count = EKSHUME_TRY(
          whole_->ReadAt(extent_.offset_bytes + begin + done, std::span(kept).subspan(done)));
      if (count == 0) return Fail(ErrorCode::kIo, "it ends early");
      done += count;
    }
    for (size_t i = 0; i < out.size(); ++i) {
      const uint64_t at = offset_bytes + i;
      const bool is_last = (at ^ 1U) >= extent_.length_bytes;
      out[i] = kept[static_cast<size_t>((is_last ? at : at ^ 1U) - begin)];
    }
    return out.size();
  }

  const std::unique_ptr<fs::File> whole_;
  const process::Extent extent_;
  std::vector<fs::Run> runs_;  // of the whole file, as far as they are in the extent
};

}  // namespace

Result<std::unique_ptr<fs::File>> OpenExtent(const LiveEvidence& live,
                                             const process::Extent& extent) {
  auto whole = EKSHUME_TRY(live.archive->OpenFile(extent.file));
  return std::make_unique<ExtentFile>(std::move(whole), extent);
}

}  // namespace ekshume::casefile
