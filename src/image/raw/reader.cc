// SPDX-License-Identifier: Apache-2.0
#include "image/raw/reader.h"

namespace ekshume::image::raw {
namespace {

bool Sniff(ByteView, std::string_view) { return true; }

}  // namespace

Result<OpenedImage> Open(const std::string& path, const OpenOptions&) {
  EvidenceFile file = EKSHUME_TRY(EvidenceFile::Open(path));
  OpenedImage opened;
  opened.format = kFormat.name;
  opened.files = {path};
  opened.stored_bytes = file.size_bytes();
  opened.image = std::make_unique<RawImage>(std::move(file));
  return opened;
}

const Format kFormat = {
    .name = "raw",
    .description = "a raw disk image (dd) or a block device",
    .priority = 0,
    .sniff = Sniff,
    .open = Open,
};

}  // namespace ekshume::image::raw
