// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "fs/filesystem.h"

namespace ekshume::fs {

enum class FollowLast { kNo, kYes };

// The node at `path` ("/etc/passwd" or "etc/passwd") below the root. Symbolic links on the way are
// resolved inside this filesystem, absolute ones from its root; ".." never leaves it. At most
// limits::kMaxSymlinkHops links are followed. kNotFound names the component that is missing.
Result<NodeId> ResolvePath(const Filesystem& filesystem, std::string_view path,
                           FollowLast follow_last = FollowLast::kYes);

// The whole content of a small file (configuration, a JSON document). kLimit when it is larger than
// `limit_bytes`.
Result<std::string> ReadWholeFile(const Filesystem& filesystem, NodeId node, size_t limit_bytes);
Result<std::string> ReadWholeFile(const Filesystem& filesystem, std::string_view path,
                                  size_t limit_bytes);

// The entries of a directory sorted by name (bytes), with duplicates kept.
Result<std::vector<DirectoryEntry>> ListDirectory(const Filesystem& filesystem, NodeId directory);

// True when the path exists (following links) and is of `type`.
bool Exists(const Filesystem& filesystem, std::string_view path, NodeType type);

// "a/b" + "c" -> "a/b/c"; an empty part adds no slash.
std::string JoinPath(std::string_view directory, std::string_view name);

}  // namespace ekshume::fs
