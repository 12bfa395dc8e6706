// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace ekshume::fs::ext4 {

// A POSIX ACL from ext4's short encoding (version 1; entries without an id where none is needed)
// to the one of getxattr(2) (linux/posix_acl_xattr.h, version 2). kCorrupt on any other bytes.
Result<std::string> ConvertAcl(std::string_view on_disk);

}  // namespace ekshume::fs::ext4
