// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/diagnostic.h"
#include "base/result.h"
#include "process/format.h"

namespace ekshume::process::checkpoint {

// The entries of one image file in their order. Keeps the file's bytes; views of entries are valid
// while it lives. One thread.
class ImageFile {
 public:
  // Opens `folder`/`name`. kNotFound when there is none, kCorrupt when its magic number is not
  // `magic`, kLimit when it is larger than limits::kMaxArtifactBytes.
  static Result<ImageFile> Open(const Source& source, std::string_view folder,
                                std::string_view name, uint32_t magic);
  // The same from bytes.
  static Result<ImageFile> FromBytes(std::string bytes, std::string name, uint32_t magic);

  // The next entry's message; false at the end, and when the rest is cut off or damaged (then
  // damaged() is true).
  bool Next(std::string_view& message);
  bool damaged() const { return damaged_; }
  // Where the next entry begins, in bytes from the start of the file.
  size_t position() const { return position_; }
  const std::string& bytes() const { return bytes_; }
  const std::string& name() const { return name_; }

 private:
  ImageFile(std::string bytes, std::string name)
      : bytes_(std::move(bytes)), name_(std::move(name)) {}

  std::string bytes_;
  std::string name_;
  size_t position_ = 0;
  bool damaged_ = false;
};

// Calls `visit` for each entry of an image file that may be missing. Damage is reported
// (kCheckpointDamaged), as is a file that is too large (kCollectionLimit).
void VisitEntries(const Source& source, std::string_view folder, const std::string& name,
                  uint32_t magic, DiagnosticSink& diagnostics,
                  const std::function<void(std::string_view message)>& visit);

}  // namespace ekshume::process::checkpoint
