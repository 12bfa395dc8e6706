// SPDX-License-Identifier: Apache-2.0
#include "image/gzip/store.h"

#include "image/gzip/stream.h"

namespace ekshume::image::gzip {
namespace {

// Decodes up to the end or an error.
Result<void> DecodeAll(MemberStream& stream, StoreWriter& writer, Progress* progress) {
  while (true) {
    if (progress != nullptr && progress->cancelled()) {
      return Fail(ErrorCode::kCancelled, "stopped while the image was decompressed");
    }
    const uint64_t position = stream.position();
    const auto step = EKSHUME_TRY(stream.Run(writer.Space(), false));
    if (progress != nullptr) progress->AddBytes(stream.position() - position);
    EKSHUME_TRY(writer.Commit(step.produced));
    if (step.ended) return {};
  }
}

}  // namespace

Result<StoredImage::Map> DecodeToStore(const EvidenceFile& file, IndexFile& store,
                                       Progress* progress) {
  MemberStream stream(file, 0);
  StoreWriter writer(store, StoreWriter::MaxKeptBytes(file.size_bytes()));
  const auto done = DecodeAll(stream, writer, progress);
  if (!done) {
    if (done.error().code != ErrorCode::kCorrupt && done.error().code != ErrorCode::kOutOfRange) {
      return done.error();
    }
    writer.SetDamage(done.error().message, stream.position());
  } else if (!stream.mismatch().empty()) {
    writer.SetDamage(stream.mismatch(), stream.position());
  }
  return writer.Finish();
}

}  // namespace ekshume::image::gzip
