// SPDX-License-Identifier: Apache-2.0
#include "fs/subtree.h"

namespace ekshume::fs {

SubtreeFilesystem::SubtreeFilesystem(const Filesystem& base, NodeId root)
    : base_(base), info_(base.info()) {
  info_.root = root;
}

}  // namespace ekshume::fs
