// SPDX-License-Identifier: Apache-2.0
#include "image/zstd/reader.h"

#include <fmt/format.h>

#include "image/zstd/format.h"
#include "image/zstd/framed_image.h"
#include "image/zstd/store.h"

namespace ekshume::image::zstd {
namespace {

void ReportDamage(const OpenOptions& options, const std::string& path, const std::string& damage,
                  uint64_t offset_bytes, uint64_t size_bytes) {
  options.diagnostics->Report(DiagnosticCode::kImageCompressedDamaged, path,
                              fmt::format("{}; the image has {} bytes", damage, size_bytes),
                              offset_bytes);
}

Error NothingThere(const std::string& path, const std::string& damage) {
  return Fail(ErrorCode::kCorrupt, fmt::format("{}: nothing could be decompressed: {}", path,
                                               damage.empty() ? "it has no content" : damage));
}

Result<std::unique_ptr<Image>> OpenStored(const EvidenceFile& file, const OpenOptions& options) {
  IndexFile store =
      EKSHUME_TRY(IndexFile::Open(options, kFormat.name, StoredImage::kVersion, file));
  Result<StoredImage::Map> map = Fail(ErrorCode::kNotFound, "no table");
  if (store.has_table()) map = StoredImage::DecodeMap(store.table());
  store.DropTable();
  const bool found = map.has_value();
  if (!found) {
    EKSHUME_TRY(store.Reset());
    map = DecodeToStore(file, store, options.progress);
    if (!map) {
      // Whatever it was, half a store helps nobody; the first error is the one to tell.
      static_cast<void>(store.Reset());
      return std::move(map).error();
    }
  }
  if (map->size_bytes == 0) return NothingThere(file.path(), map->damage);
  if (!map->damage.empty()) {
    ReportDamage(options, file.path(), map->damage, map->damage_offset, map->size_bytes);
  }
  return std::make_unique<StoredImage>(std::move(store), *std::move(map), file.path(), found);
}

}  // namespace

bool Sniff(ByteView head, std::string_view) {
  // A skippable frame alone could be lz4's as well.
  size_t offset = 0;
  while (true) {
    const auto magic = head.Read<le32>(offset);
    if (!magic) return false;
    if (!IsSkippable(magic->value())) return magic->value() == kMagic;
    const auto length = head.Read<le32>(offset + sizeof(le32));
    if (!length) return false;
    offset += kSkippableHeaderBytes + size_t{length->value()};
  }
}

Result<OpenedImage> Open(const std::string& path, const OpenOptions& options) {
  EvidenceFile file = EKSHUME_TRY(EvidenceFile::Open(path));
  OpenedImage opened;
  opened.format = kFormat.name;
  opened.files = {path};
  opened.stored_bytes = file.size_bytes();
  FrameList list = EKSHUME_TRY(ListFrames(file, options.progress));
  if (!list.seekable) {
    opened.image = EKSHUME_TRY(OpenStored(file, options));
    return opened;
  }
  const std::string damage = list.damage;
  const uint64_t damage_offset = list.damage_offset;
  if (list.frames.empty()) return NothingThere(path, damage);
  opened.image =
      std::make_unique<FramedImage>(std::move(file), std::move(list), *options.diagnostics);
  if (opened.image->size_bytes() == 0) return NothingThere(path, damage);
  if (!damage.empty()) {
    ReportDamage(options, path, damage, damage_offset, opened.image->size_bytes());
  }
  return opened;
}

const Format kFormat = {
    .name = "zstd",
    .description = "a raw image compressed with zstd",
    .priority = 20,
    .sniff = Sniff,
    .open = Open,
};

}  // namespace ekshume::image::zstd
