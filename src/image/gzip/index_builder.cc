// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/hash.h"
#include "base/limits.h"
#include "image/decoded_cache.h"
#include "image/gzip/index.h"
#include "image/gzip/stream.h"

namespace ekshume::image::gzip {
namespace {

constexpr size_t kPieceBytes = size_t{64} << 10;  // zeros are found in pieces of this size

// Collects the runs of zero pieces.
class ZeroTracker {
 public:
  ZeroTracker(std::vector<ZeroRun>& runs, size_t most) : runs_(runs), most_(most) {}

  void Add(uint64_t offset_bytes, std::span<const std::byte> piece) {
    if (IsZero(piece)) {
      if (length_ == 0) start_ = offset_bytes;
      length_ += piece.size();
    } else {
      Close();
    }
  }
  // Beyond limits::kMaxZeroRuns, stretches are decoded like all else.
  void Close() {
    if (length_ >= kMinZeroRunBytes && runs_.size() < most_) {
      runs_.push_back({start_, length_});
    }
    length_ = 0;
  }

 private:
  std::vector<ZeroRun>& runs_;
  const size_t most_;
  uint64_t start_ = 0;
  uint64_t length_ = 0;
};

class IndexBuilder {
 public:
  IndexBuilder(const EvidenceFile& file, IndexFile& store, Progress* progress,
               const IndexLimits& most)
      : file_(file),
        store_(store),
        progress_(progress),
        most_(most),
        stream_(file, 0),
        piece_(kPieceBytes) {}

  // False when the content cannot be entered in the middle.
  Result<bool> Run() {
    index_.points.push_back({});
    while (true) {
      const auto more = Step();
      if (!more) {
        if (more.error().code != ErrorCode::kCorrupt && more.error().code != ErrorCode::kIo &&
            more.error().code != ErrorCode::kOutOfRange) {
          return more.error();
        }
        index_.damage = more.error().message;
        index_.damage_offset = stream_.position();
        break;
      }
      if (!*more) break;
      if (SinceLastPoint() > limits::kMaxGzipSpanBytes) return false;
    }
    FinishPiece();
    zeros_.Close();
    if (index_.damage.empty()) index_.damage = stream_.mismatch();
    EKSHUME_TRY(store_.Finish(window_bytes_, ByteView::Of(EncodeIndex(index_))));
    return true;
  }

  Index Take() { return std::move(index_); }

 private:
  uint64_t SinceLastPoint() const {
    return index_.size_bytes - index_.points.back().content_offset;
  }

  // False at the end of the content.
  Result<bool> Step() {
    if (progress_ != nullptr && progress_->cancelled()) {
      return Fail(ErrorCode::kCancelled, "stopped while the image was indexed");
    }
    const uint64_t position = stream_.position();
    const auto step = EKSHUME_TRY(stream_.Run(std::span(piece_).subspan(filled_), true));
    if (progress_ != nullptr) progress_->AddBytes(stream_.position() - position);
    filled_ += step.produced;
    index_.size_bytes += step.produced;
    if (filled_ == piece_.size()) FinishPiece();
    if (index_.size_bytes > most_.decoded_bytes) {
      return Fail(ErrorCode::kLimit, fmt::format("kMaxDecodedBytes: {} holds more than {} bytes",
                                                 file_.path(), most_.decoded_bytes));
    }
    if (step.ended) return false;
    if ((step.at_block || step.at_member) && SinceLastPoint() >= kPointSpacingBytes) {
      EKSHUME_TRY(AddPoint(step.at_member));
    }
    return true;
  }

  void FinishPiece() {
    zeros_.Add(index_.size_bytes - filled_, std::span(piece_).first(filled_));
    filled_ = 0;
  }

  Result<void> AddPoint(bool at_member) {
    if (index_.points.size() >= most_.points) {
      return Fail(ErrorCode::kLimit, fmt::format("kMaxGzipPoints: {} is too large; decompress it "
                                                 "first",
                                                 file_.path()));
    }
    Point point;
    point.content_offset = index_.size_bytes;
    point.file_offset = stream_.position();
    point.at_member = at_member;
    if (!at_member) {
      point.bits = stream_.inflater().unused_bits();
      const auto window = EKSHUME_TRY(stream_.inflater().Window());
      const auto stored = PackWindow(ByteView(window));
      point.window_offset = window_bytes_;
      point.window_stored_bytes = static_cast<uint32_t>(stored.size());
      point.window_crc32c = Crc32c(~0U, ByteView(stored));
      EKSHUME_TRY(store_.WriteData(window_bytes_, ByteView(stored)));
      window_bytes_ += stored.size();
    }
    index_.points.push_back(point);
    return {};
  }

  const EvidenceFile& file_;
  IndexFile& store_;
  Progress* progress_;
  const IndexLimits most_;
  MemberStream stream_;
  std::vector<std::byte> piece_;
  size_t filled_ = 0;
  Index index_;
  ZeroTracker zeros_{index_.zero_runs, most_.zero_runs};
  uint64_t window_bytes_ = 0;
};

}  // namespace

Result<std::optional<Index>> BuildIndex(const EvidenceFile& file, IndexFile& store,
                                        Progress* progress, const IndexLimits& most) {
  if (progress != nullptr) {
    progress->SetStage("indexing");
    progress->SetTotalBytes(file.size_bytes());
  }
  file.AdviseSequential();
  IndexBuilder builder(file, store, progress, most);
  if (!EKSHUME_TRY(builder.Run())) return std::optional<Index>();
  return std::optional<Index>(builder.Take());
}

}  // namespace ekshume::image::gzip
