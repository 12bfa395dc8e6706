// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "image/format.h"

namespace ekshume::casefile {

// Keeps the indexes of compressed images in a folder (the case's `index/`), created on first use
// with mode 0700. One thread at a time.
class FolderScratch final : public image::Scratch {
 public:
  explicit FolderScratch(std::string folder) : folder_(std::move(folder)) {}
  Result<int> Open(std::string_view file_name, bool& existed) override;

 private:
  const std::string folder_;
};

}  // namespace ekshume::casefile
