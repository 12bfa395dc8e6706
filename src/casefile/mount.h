// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "fs/filesystem.h"

namespace ekshume::casefile {

struct MountOptions {
  bool allow_other = false;  // other users may look too (needs user_allow_other in fuse.conf)
};

// Shows `filesystem` at the folder `mountpoint` through FUSE, read-only, with owners, modes, inode
// numbers, link counts, times and attributes as they are stored, and serves it until SIGINT,
// SIGTERM, SIGHUP or an unmount (fusermount3 -u). Permissions are not enforced: who may enter the
// mount may read everything, as whoever has the image can anyway; devices and set-uid bits have no
// effect (nodev, nosuid). Several threads serve. The kernel may cache everything, as evidence does
// not change. kUnsupported when ekshume was built without libfuse 3, kInvalidArgument when the
// mountpoint is no folder, kIo when mounting fails (libfuse prints its reason).
Result<void> MountAndServe(const fs::Filesystem& filesystem, const std::string& mountpoint,
                           const MountOptions& options);

}  // namespace ekshume::casefile
