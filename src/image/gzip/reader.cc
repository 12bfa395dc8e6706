// SPDX-License-Identifier: Apache-2.0
#include "image/gzip/reader.h"

#include <fmt/format.h>

#include "image/gzip/format.h"
#include "image/gzip/indexed_image.h"
#include "image/gzip/store.h"

namespace ekshume::image::gzip {
namespace {

// What an index or a store says about the whole.
struct Summary {
  uint64_t size_bytes;
  std::string damage;
  uint64_t damage_offset;
};

Result<void> Report(const Summary& summary, const std::string& path, const OpenOptions& options) {
  if (summary.size_bytes == 0) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("{}: nothing could be decompressed: {}", path,
                            summary.damage.empty() ? "it has no content" : summary.damage));
  }
  if (summary.damage.empty()) return {};
  options.diagnostics->Report(
      DiagnosticCode::kImageCompressedDamaged, path,
      fmt::format("{}; the image has {} bytes", summary.damage, summary.size_bytes),
      summary.damage_offset);
  return {};
}

Result<std::unique_ptr<Image>> FromIndex(EvidenceFile file, IndexFile store, Index index,
                                         const OpenOptions& options) {
  EKSHUME_TRY(Report({index.size_bytes, index.damage, index.damage_offset}, file.path(), options));
  store.DropTable();
  return std::make_unique<IndexedImage>(std::move(file), std::move(store), std::move(index));
}

Result<std::unique_ptr<Image>> FromStore(const EvidenceFile& file, IndexFile store,
                                         StoredImage::Map map, bool verify,
                                         const OpenOptions& options) {
  EKSHUME_TRY(Report({map.size_bytes, map.damage, map.damage_offset}, file.path(), options));
  store.DropTable();
  return std::make_unique<StoredImage>(std::move(store), std::move(map), file.path(), verify);
}

Result<std::unique_ptr<Image>> Build(EvidenceFile file, IndexFile store,
                                     const OpenOptions& options) {
  EKSHUME_TRY(store.Reset());
  auto index = BuildIndex(file, store, options.progress);
  if (index && index->has_value()) {
    return FromIndex(std::move(file), std::move(store), **std::move(index), options);
  }
  EKSHUME_TRY(store.Reset());  // half an index helps nobody
  if (!index) return std::move(index).error();
  auto map = DecodeToStore(file, store, options.progress);
  if (map) return FromStore(file, std::move(store), *std::move(map), false, options);
  EKSHUME_TRY(store.Reset());
  return std::move(map).error();
}

}  // namespace

bool Sniff(ByteView head, std::string_view) {
  const auto header = head.Read<MemberHeader>(0);
  return header && header->id1 == kId1 && header->id2 == kId2 && header->cm == kDeflate;
}

Result<OpenedImage> Open(const std::string& path, const OpenOptions& options) {
  EvidenceFile file = EKSHUME_TRY(EvidenceFile::Open(path));
  OpenedImage opened;
  opened.format = kFormat.name;
  opened.files = {path};
  opened.stored_bytes = file.size_bytes();
  IndexFile store = EKSHUME_TRY(IndexFile::Open(options, kFormat.name, kIndexVersion, file));
  if (store.has_table() && StoredImage::IsMap(store.table())) {
    if (auto map = StoredImage::DecodeMap(store.table())) {
      opened.image = EKSHUME_TRY(FromStore(file, std::move(store), *std::move(map), true, options));
      return opened;
    }
  } else if (store.has_table()) {
    if (auto index = DecodeIndex(store.table())) {
      opened.image =
          EKSHUME_TRY(FromIndex(std::move(file), std::move(store), *std::move(index), options));
      return opened;
    }
  }
  opened.image = EKSHUME_TRY(Build(std::move(file), std::move(store), options));
  return opened;
}

const Format kFormat = {
    .name = "gzip",
    .description = "a raw image compressed with gzip",
    .priority = 20,
    .sniff = Sniff,
    .open = Open,
};

}  // namespace ekshume::image::gzip
