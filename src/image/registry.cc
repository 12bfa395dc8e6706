// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "image/evidence_file.h"
#include "image/foreign.h"
#include "image/format.h"
#include "image/gzip/reader.h"
#include "image/raw/reader.h"
#include "image/split/reader.h"
#include "image/zstd/reader.h"

namespace ekshume::image {
namespace {

// What sniffing looks at.
constexpr size_t kHeadBytes = 4096;

Result<std::vector<std::byte>> ReadHead(const EvidenceFile& file) {
  std::vector<std::byte> head(std::min<uint64_t>(kHeadBytes, file.size_bytes()));
  EKSHUME_TRY(file.ReadAt(0, head));
  return head;
}

}  // namespace

std::span<const Format> Formats() {
  static const std::array formats = {split::kFormat, gzip::kFormat, zstd::kFormat, raw::kFormat};
  return formats;
}

Result<OpenedImage> Open(const std::string& path, const OpenOptions& options) {
  const EvidenceFile file = EKSHUME_TRY(EvidenceFile::Open(path));
  // A disk whose first sector cannot be read is still a raw disk.
  const auto head = ReadHead(file);
  if (!head) {
    options.diagnostics->Report(DiagnosticCode::kImageReadFailed, path, head.error().message, 0);
    return raw::Open(path, options);
  }
  if (const ForeignFormat* foreign = RecogniseForeign(ByteView(*head))) {
    return Fail(ErrorCode::kUnsupported, fmt::format("{} is {}, which ekshume does not read; {}",
                                                     path, foreign->name, foreign->advice));
  }
  for (const Format& format : Formats()) {
    if (format.sniff(ByteView(*head), path)) return format.open(path, options);
  }
  return raw::Open(path, options);
}

}  // namespace ekshume::image
