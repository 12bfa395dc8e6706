// SPDX-License-Identifier: Apache-2.0
#include "casefile/file_hash.h"

#include <array>

#include "base/hash.h"
#include "fs/overlay/diff.h"

namespace ekshume::casefile {
namespace {
constexpr size_t kReadBytes = size_t{1} << 20;
}  // namespace

Result<std::string> HashFile(const fs::Filesystem& filesystem, fs::NodeId node,
                             Progress* progress) {
  // Both are costly to make and are asked for once per file.
  thread_local std::vector<std::byte> buffer(kReadBytes);
  thread_local Sha256 hash;
  const auto file = EKSHUME_TRY(filesystem.OpenFile(node));
  uint64_t offset = 0;
  for (;;) {
    if (progress != nullptr && progress->cancelled()) {
      hash.Finish();
      return Fail(ErrorCode::kCancelled, "stopped");
    }
    const Result<size_t> count = file->ReadAt(offset, buffer);
    if (!count) {
      hash.Finish();
      return count.error();
    }
    if (*count == 0) break;
    hash.Update(ByteView(buffer).First(*count));
    offset += *count;
    if (progress != nullptr) progress->AddBytes(*count);
    if (*count < buffer.size() && offset >= file->size_bytes()) break;
  }
  return ToHex(hash.Finish());
}

Result<std::string> FileKind(const fs::Filesystem& filesystem, fs::NodeId node) {
  std::array<std::byte, fs::overlay::kContentKindBytes> head;
  const auto file = EKSHUME_TRY(filesystem.OpenFile(node));
  const size_t count = EKSHUME_TRY(file->ReadAt(0, head));
  const auto kind = fs::overlay::GuessContentKind(ByteView(head).First(count).AsText());
  return std::string(ContentKindName(kind));
}

}  // namespace ekshume::casefile
