// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/diagnostic.h"
#include "base/limits.h"
#include "fs/filesystem.h"

namespace ekshume::fs {

// What reading a folder may cost; tests pass less.
struct FolderLimits {
  size_t nodes = limits::kMaxFolderNodes;
  size_t xattrs_per_node = limits::kMaxXattrsPerNode;
  size_t symlink_target_bytes = limits::kMaxSymlinkTargetBytes;
};

// A directory of the analyst's machine as evidence: an extracted tree, or a copy that is mounted
// read-only. Symbolic links in it are never followed by the operating system, so that nothing
// outside the directory can be reached through one; fs/path.h resolves them inside the tree. Access
// times are left alone where the operating system lets us (O_NOATIME).
//
// A NodeId is a handle to a path, given out as directories are read; at most
// FolderLimits::nodes exist (kLimit and kFilesystemLimit afterwards). Files have no runs(), as the
// operating system does not tell where bytes lie. The tree must not change while it is read: a name
// that vanishes is kNotFound.
//
// `diagnostics` must outlive the Filesystem. kNotFound when there is no such path, kInvalidArgument
// when it is no directory, kIo when it cannot be opened.
Result<std::unique_ptr<Filesystem>> OpenFolder(const std::string& path, DiagnosticSink& diagnostics,
                                               const FolderLimits& most = {});

}  // namespace ekshume::fs
