// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/progress.h"
#include "base/result.h"
#include "fs/filesystem.h"

namespace ekshume::casefile {

// SHA-256 of a file's content as lower-case hex. kLimit when more than
// limits::kMaxHashedHoleBytes of it are holes; kCancelled when `progress` (may be null) says so.
// Any thread.
Result<std::string> HashFile(const fs::Filesystem& filesystem, fs::NodeId node, Progress* progress);
Result<std::string> HashFile(const fs::File& file, Progress* progress);

// What a file is by its first bytes: "elf", "script" (#!), "text", "data", "" when empty.
Result<std::string> FileKind(const fs::Filesystem& filesystem, fs::NodeId node);

}  // namespace ekshume::casefile
