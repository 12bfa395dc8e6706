// SPDX-License-Identifier: Apache-2.0
#include "image/evidence_hash.h"

#include <algorithm>
#include <optional>

#include "image/evidence_file.h"

namespace ekshume::image {
namespace {

// Small enough to stay in the nearest caches while it is hashed.
constexpr size_t kBufferBytes = size_t{256} << 10;
constexpr size_t kZeroBytes = size_t{32} << 10;

Error Cancelled() { return Fail(ErrorCode::kCancelled, "stopped while the evidence was hashed"); }

// Gives the bytes of `source` (an EvidenceFile or an Image), in order, to `update`. Holes come from
// one buffer of zeros.
template <typename Source, typename Update, typename IsCancelled>
Result<void> ForEachPiece(const Source& source, Update update, IsCancelled is_cancelled) {
  const std::vector<std::byte> zeros(kZeroBytes);
  std::vector<std::byte> buffer(kBufferBytes);
  const uint64_t size_bytes = source.size_bytes();
  uint64_t offset_bytes = 0;
  uint64_t next_data = 0;  // nothing but zeros before it
  while (offset_bytes < size_bytes) {
    if (is_cancelled()) return Cancelled();
    if (next_data <= offset_bytes) next_data = std::min(source.NextData(offset_bytes), size_bytes);
    const bool hole = next_data > offset_bytes;
    const size_t count = std::min<uint64_t>(hole ? kZeroBytes : kBufferBytes,
                                            (hole ? next_data : size_bytes) - offset_bytes);
    if (!hole) EKSHUME_TRY(source.ReadAt(offset_bytes, std::span(buffer).first(count)));
    update(ByteView(hole ? zeros : buffer).First(count));
    offset_bytes += count;
  }
  return {};
}

}  // namespace

EvidenceHasher::EvidenceHasher(std::vector<std::string> files, Progress* progress)
    : files_(std::move(files)),
      progress_(progress),
      result_(Cancelled()),
      thread_([this] { result_ = Run(); }) {}

std::unique_ptr<EvidenceHasher> EvidenceHasher::Start(std::vector<std::string> files,
                                                      Progress* progress) {
  return std::unique_ptr<EvidenceHasher>(new EvidenceHasher(std::move(files), progress));
}

EvidenceHasher::~EvidenceHasher() {
  Cancel();
  if (thread_.joinable()) thread_.join();
}

Result<EvidenceHash> EvidenceHasher::Wait() {
  if (thread_.joinable()) thread_.join();
  return std::move(result_);
}

bool EvidenceHasher::IsCancelled() const {
  return cancelled_.load(std::memory_order_relaxed) ||
         (progress_ != nullptr && progress_->cancelled());
}

Result<EvidenceHash> EvidenceHasher::Run() const {
  EvidenceHash hash;
  // Only several files need a second digest.
  std::optional<Sha256> whole;
  if (files_.size() != 1) whole.emplace();
  for (const std::string& path : files_) {
    const EvidenceFile file = EKSHUME_TRY(EvidenceFile::Open(path));
    file.AdviseSequential();
    Sha256 one;
    const auto update = [&](ByteView piece) {
      one.Update(piece);
      if (whole) whole->Update(piece);
      if (progress_ != nullptr) progress_->AddBytes(piece.size());
    };
    EKSHUME_TRY(ForEachPiece(file, update, [this] { return IsCancelled(); }));
    hash.files.push_back({path, file.size_bytes(), one.Finish(), file.HasChanged()});
    hash.size_bytes += file.size_bytes();
  }
  hash.sha256 = whole ? whole->Finish() : hash.files.front().sha256;
  return hash;
}

Result<Sha256Digest> HashContent(const Image& image, Progress* progress) {
  Sha256 hash;
  const auto update = [&](ByteView piece) {
    hash.Update(piece);
    if (progress != nullptr) progress->AddBytes(piece.size());
  };
  EKSHUME_TRY(ForEachPiece(image, update,
                           [progress] { return progress != nullptr && progress->cancelled(); }));
  return hash.Finish();
}

}  // namespace ekshume::image
