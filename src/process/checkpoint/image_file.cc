// SPDX-License-Identifier: Apache-2.0
#include "process/checkpoint/image_file.h"

#include <fmt/format.h>

#include "base/byte_view.h"
#include "base/endian.h"
#include "base/limits.h"
#include "fs/path.h"
#include "process/checkpoint/format.h"

namespace ekshume::process::checkpoint {

Result<ImageFile> ImageFile::FromBytes(std::string bytes, std::string name, uint32_t magic) {
  ImageFile file(std::move(bytes), std::move(name));
  const ByteView view = ByteView::Of(file.bytes_);
  uint32_t first = EKSHUME_TRY(view.Read<le32>(0)).value();
  file.position_ = sizeof(le32);
  if (first == kImgCommonMagic || first == kImgServiceMagic) {
    first = EKSHUME_TRY(view.Read<le32>(file.position_)).value();
    file.position_ += sizeof(le32);
  }
  if (first != magic) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("{}: bad magic {:#010x}, expected {:#010x}", file.name_, first, magic));
  }
  return file;
}

Result<ImageFile> ImageFile::Open(const Source& source, std::string_view folder,
                                  std::string_view name, uint32_t magic) {
  const std::string path = fs::JoinPath(folder, name);
  std::string bytes = EKSHUME_TRY(fs::ReadWholeFile(source.tree, path, limits::kMaxArtifactBytes));
  return FromBytes(std::move(bytes), path, magic);
}

bool ImageFile::Next(std::string_view& message) {
  const ByteView view = ByteView::Of(bytes_);
  if (damaged_ || position_ == view.size()) return false;
  const auto length = view.Read<le32>(position_);
  const auto entry = length ? view.Sub(position_ + sizeof(le32), length->value())
                            : Result<ByteView>(length.error());
  if (!entry) {
    damaged_ = true;
    return false;
  }
  message = entry->AsText();
  position_ += sizeof(le32) + entry->size();
  return true;
}

void VisitEntries(const Source& source, std::string_view folder, const std::string& name,
                  uint32_t magic, DiagnosticSink& diagnostics,
                  const std::function<void(std::string_view message)>& visit) {
  Result<ImageFile> file = ImageFile::Open(source, folder, name, magic);
  if (!file) {
    if (file.error().code == ErrorCode::kNotFound) return;
    const bool is_limit = file.error().code == ErrorCode::kLimit;
    diagnostics.Report(
        is_limit ? DiagnosticCode::kCollectionLimit : DiagnosticCode::kCheckpointDamaged,
        source.name, is_limit ? name + ": " + file.error().message : file.error().message);
    return;
  }
  std::string_view message;
  while (file->Next(message)) visit(message);
  if (file->damaged()) {
    diagnostics.Report(DiagnosticCode::kCheckpointDamaged, source.name,
                       name + ": an entry is cut off", file->position());
  }
}

}  // namespace ekshume::process::checkpoint
