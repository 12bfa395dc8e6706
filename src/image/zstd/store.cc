// SPDX-License-Identifier: Apache-2.0
#include "image/zstd/store.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "image/zstd/decoder.h"
#include "image/zstd/format.h"
#include "image/zstd/frames.h"

namespace ekshume::image::zstd {
namespace {

// True for what is wrong with the evidence; other errors end the work.
bool IsDamage(const Error& error) {
  return error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kOutOfRange;
}

class StoreDecoder {
 public:
  StoreDecoder(const EvidenceFile& file, IndexFile& store, Progress* progress)
      : file_(file),
        reader_(file),
        writer_(store, StoreWriter::MaxKeptBytes(file.size_bytes())),
        progress_(progress) {}

  Result<StoredImage::Map> Run() {
    while (true) {
      const uint64_t start = reader_.position();
      const auto more = DecodeNext();
      if (!more && !IsDamage(more.error()) && more.error().code != ErrorCode::kIo) {
        return more.error();
      }
      if (!more) writer_.SetDamage(more.error().message, start);
      if (!more || !*more) break;
    }
    return writer_.Finish();
  }

 private:
  // One frame; false at the end of the file.
  Result<bool> DecodeNext() {
    EKSHUME_TRY(SkipSkippable(reader_));
    if (reader_.at_end()) return false;
    const uint64_t start = reader_.position();
    const ByteView bytes = EKSHUME_TRY(reader_.Peek(kMaxFrameHeaderBytes));
    const FrameHeader header = EKSHUME_TRY(ParseFrameHeader(bytes));
    EKSHUME_TRY(CheckHeader(header, file_.path()));
    const uint64_t content_start = writer_.size_bytes();
    const auto decoded = DecodeFrameContent();
    if (decoded) return true;
    if (!IsDamage(decoded.error())) return decoded.error();
    EKSHUME_TRY(SkipDamaged(start, header, writer_.size_bytes() - content_start));
    writer_.SetDamage(decoded.error().message, start);
    decoder_.Restart();
    return true;
  }

  Result<void> DecodeFrameContent() {
    while (true) {
      if (progress_ != nullptr && progress_->cancelled()) {
        return Fail(ErrorCode::kCancelled, "stopped while the image was decompressed");
      }
      const ByteView in = EKSHUME_TRY(reader_.Peek());
      const Decoder::Step step = EKSHUME_TRY(decoder_.Run(in, writer_.Space()));
      reader_.Skip(step.consumed);
      if (progress_ != nullptr) progress_->AddBytes(step.consumed);
      EKSHUME_TRY(writer_.Commit(step.produced));
      if (step.frame_ended) return {};
      if (step.consumed == 0 && step.produced == 0) {
        return Fail(ErrorCode::kCorrupt,
                    fmt::format("the file ends inside a frame, {} bytes of content are there",
                                writer_.size_bytes()));
      }
    }
  }

  // Stands behind the frame at `start`, of whose content `decoded_bytes` are written. Fails when
  // the frame's end or the content's size is not known.
  Result<void> SkipDamaged(uint64_t start, const FrameHeader& header, uint64_t decoded_bytes) {
    reader_.Rewind(start);
    EKSHUME_TRY(SkipFrame(reader_, header));
    if (!header.content_bytes || *header.content_bytes < decoded_bytes) {
      return Fail(ErrorCode::kCorrupt, "the size of a damaged frame's content is not known");
    }
    const uint64_t missing = *header.content_bytes - decoded_bytes;
    if (missing > limits::kMaxUnreadableBytes - unreadable_bytes_) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("kMaxUnreadableBytes: a damaged frame lacks {} bytes", missing));
    }
    unreadable_bytes_ += missing;
    return missing == 0 ? Result<void>() : writer_.AppendBad(missing);
  }

  const EvidenceFile& file_;
  SequentialReader reader_;
  Decoder decoder_;
  StoreWriter writer_;
  Progress* progress_;
  uint64_t unreadable_bytes_ = 0;
};

}  // namespace

Result<StoredImage::Map> DecodeToStore(const EvidenceFile& file, IndexFile& store,
                                       Progress* progress) {
  if (progress != nullptr) {
    progress->SetStage("decompressing");
    progress->SetTotalBytes(file.size_bytes());
  }
  file.AdviseSequential();
  StoreDecoder decoder(file, store, progress);
  return decoder.Run();
}

}  // namespace ekshume::image::zstd
