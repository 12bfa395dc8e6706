// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "image/decoded_cache.h"
#include "image/gzip/index.h"
#include "image/image.h"

namespace ekshume::image::gzip {

// A gzip file read at random: what lies between two points is decoded when it is read. Known zero
// stretches are not decoded at all.
class IndexedImage final : public Image {
 public:
  IndexedImage(EvidenceFile file, IndexFile store, Index index);

  uint64_t size_bytes() const override { return index_.size_bytes; }
  const std::string& name() const override { return file_.path(); }
  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override;
  uint64_t NextData(uint64_t offset_bytes) const override;

 private:
  Result<std::vector<std::byte>> Decode(uint64_t point_number) const;

  const EvidenceFile file_;
  const IndexFile store_;
  const Index index_;
  mutable DecodedCache cache_;
};

}  // namespace ekshume::image::gzip
