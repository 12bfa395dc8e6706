// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "fs/filesystem.h"
#include "fs/xfs/context.h"
#include "fs/xfs/inode.h"

namespace ekshume::fs::xfs {

// The extended attributes of an inode as the kernel lists them to root, sorted by name: short form,
// leaf, node and B+tree, with local and remote values. POSIX ACLs appear as system.posix_acl_* in
// the encoding of user space; parent pointers and half-written attributes do not appear. Damage is
// reported and the damaged attribute left out.
Result<std::vector<Xattr>> ReadAttributes(const Context& context, const Inode& inode);

// An on-disk ACL (struct xfs_acl) as getxattr(2) gives it (struct posix_acl_xattr_header); nothing
// when it is malformed.
std::optional<std::string> ConvertAcl(ByteView acl);

}  // namespace ekshume::fs::xfs
