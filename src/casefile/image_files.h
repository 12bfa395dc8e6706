// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/diagnostic.h"
#include "fs/filesystem.h"
#include "runtime/model.h"

namespace ekshume::casefile {

// Looks files up in the images of containers, as far as their layers are in the evidence. One
// thread. What it is made with must outlive it.
class ImageFiles {
 public:
  explicit ImageFiles(DiagnosticSink& diagnostics) : diagnostics_(diagnostics) {}

  // Whether the image has something at that path; none when not all of its layers are there.
  std::optional<bool> Has(const runtime::Container& container, std::string_view path);
  // Whether something is mounted there in the container, by its records.
  static bool IsOnVolume(const runtime::Container& container, std::string_view path);

 private:
  // Null where the layers are not all there.
  const fs::Filesystem* Of(const runtime::Container& container);

  struct Image;
  DiagnosticSink& diagnostics_;
  std::map<const runtime::Container*, std::shared_ptr<const Image>> images_;
};

}  // namespace ekshume::casefile
