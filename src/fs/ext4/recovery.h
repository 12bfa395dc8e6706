// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "fs/ext4/fast_commit.h"
#include "fs/format.h"
#include "image/image.h"

namespace ekshume::fs::ext4 {

// A device as a mount would leave it: the journal replayed in memory where it was dirty.
struct RecoveredDevice {
  // From the device up, each on the one before; the last one is to be read. Never empty.
  std::vector<std::unique_ptr<image::Image>> images;
  FastCommitChanges changes;
  std::string_view log_state;  // see FilesystemInfo

  const image::Image& image() const { return *images.back(); }
};

// Fails only when the filesystem itself cannot be opened. A journal that cannot be replayed is
// reported. `device` must outlive the result.
Result<RecoveredDevice> Recover(const image::Image& device, const OpenOptions& options);

}  // namespace ekshume::fs::ext4
