// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "fs/filesystem.h"
#include "fs/xfs/context.h"
#include "fs/xfs/inode.h"

namespace ekshume::fs::xfs {

// Opens a regular file. `context` must outlive it. kUnsupported, and a diagnostic, when its data
// lies on the realtime section.
Result<std::unique_ptr<File>> OpenRegularFile(const Context& context, const Inode& inode);

}  // namespace ekshume::fs::xfs
