// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "fs/xfs/context.h"
#include "fs/xfs/inode.h"

namespace ekshume::fs::xfs {

// The target of a symbolic link, from the inode or from blocks of its own. kCorrupt when it is
// damaged or longer than XFS allows.
Result<std::string> ReadLinkTarget(const Context& context, const Inode& inode);

}  // namespace ekshume::fs::xfs
