// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/program.h"
#include "fs/filesystem.h"

namespace ekshume::cli {

// Listings over any filesystem, a host's or a container's merged one: what `fs` and `containers`
// share. `path` is where the user asked to begin; printed paths are absolute in that filesystem.

struct FindOptions {
  bool sha256 = false;
  bool xattrs = false;
};

// One row per name below `path`: path, type, mode, uid, gid, size, mtime, ctime, atime, crtime,
// inode, links, target, device, sha256 (and xattrs when asked for).
Result<void> PrintFind(Program& program, const fs::Filesystem& filesystem, const std::string& path,
                       const FindOptions& options);

// path, size, sha256 of every regular file below `path`.
Result<void> PrintHashes(Program& program, const fs::Filesystem& filesystem,
                         const std::string& path);

// The names in one directory, or the one file, with the columns of find.
Result<void> PrintDirectory(Program& program, const fs::Filesystem& filesystem,
                            const std::string& path);

// Everything about one node, with its extended attributes and, if `runs`, where its bytes lie.
Result<void> PrintStat(Program& program, const fs::Filesystem& filesystem, const std::string& path,
                       bool runs);

// The bytes of a file.
Result<void> PrintContent(Program& program, const fs::Filesystem& filesystem,
                          const std::string& path);
// The same by node, for what has no name: `name` goes into messages.
Result<void> PrintContent(Program& program, const fs::Filesystem& filesystem, fs::NodeId node,
                          const std::string& name);

}  // namespace ekshume::cli
