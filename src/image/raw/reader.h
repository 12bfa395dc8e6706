// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "image/evidence_file.h"
#include "image/format.h"

namespace ekshume::image::raw {

// A byte-for-byte copy of a disk, or a block device: what `dd` writes. There is no structure of its
// own to declare, so this format has no format.h; it fits every file and is asked last.
class RawImage final : public Image {
 public:
  explicit RawImage(EvidenceFile file) : file_(std::move(file)) {}

  uint64_t size_bytes() const override { return file_.size_bytes(); }
  const std::string& name() const override { return file_.path(); }
  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    return file_.ReadAt(offset_bytes, out);
  }
  // Holes of a sparse file (SEEK_DATA).
  uint64_t NextData(uint64_t offset_bytes) const override { return file_.NextData(offset_bytes); }

 private:
  EvidenceFile file_;
};

Result<OpenedImage> Open(const std::string& path, const OpenOptions& options);

extern const Format kFormat;

}  // namespace ekshume::image::raw
