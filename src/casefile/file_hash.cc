// SPDX-License-Identifier: Apache-2.0
#include "casefile/file_hash.h"

#include <fmt/format.h>

#include <array>

#include "base/checked.h"
#include "base/hash.h"
#include "base/limits.h"
#include "fs/overlay/diff.h"

namespace ekshume::casefile {
namespace {
constexpr size_t kReadBytes = size_t{1} << 20;

// How much of a file is holes: bytes that nobody stored but that a digest must go through. A file
// may claim 2^63 of them.
uint64_t HoleBytes(const fs::File& file) {
  uint64_t holes = 0;
  for (const fs::Run& run : file.runs()) {
    const bool stored = run.kind == fs::Run::Kind::kData || run.kind == fs::Run::Kind::kInline;
    if (!stored) holes = CheckedAdd(holes, run.length_bytes).value_or(UINT64_MAX);
  }
  return holes;
}

}  // namespace

Result<std::string> HashFile(const fs::Filesystem& filesystem, fs::NodeId node,
                             Progress* progress) {
  const auto file = EKSHUME_TRY(filesystem.OpenFile(node));
  return HashFile(*file, progress);
}

Result<std::string> HashFile(const fs::File& file, Progress* progress) {
  // Both are costly to make and are asked for once per file.
  thread_local std::vector<std::byte> buffer(kReadBytes);
  thread_local Sha256 hash;
  if (const uint64_t holes = HoleBytes(file); holes > limits::kMaxHashedHoleBytes) {
    return Fail(ErrorCode::kLimit,
                fmt::format("kMaxHashedHoleBytes: {} of the file's {} bytes are holes", holes,
                            file.size_bytes()));
  }
  uint64_t offset = 0;
  for (;;) {
    if (progress != nullptr && progress->cancelled()) {
      hash.Finish();
      return Fail(ErrorCode::kCancelled, "stopped");
    }
    const Result<size_t> count = file.ReadAt(offset, buffer);
    if (!count) {
      hash.Finish();
      return count.error();
    }
    if (*count == 0) break;
    hash.Update(ByteView(buffer).First(*count));
    offset += *count;
    if (progress != nullptr) progress->AddBytes(*count);
    if (*count < buffer.size() && offset >= file.size_bytes()) break;
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
