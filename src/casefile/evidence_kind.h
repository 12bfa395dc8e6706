// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace ekshume::casefile {

enum class EvidenceKind {
  kNode,  // a disk image, or a folder with the root of a host
  kLogs,  // a file of records in whatever wrapping, or a folder of such files
};

// What a path that exists is, by content: the first bytes, unpacked where they are compressed.
// Something of no known kind counts as a disk, as an image may begin with anything. kIo when it
// cannot be read.
Result<EvidenceKind> ClassifyEvidence(const std::string& path);

// One file to be read.
struct LogFile {
  std::string path;  // to open it
  std::string name;  // for people: below the folder that was given, with that folder's name
};

// The regular files below a path that is a file or a folder, in byte order. Symbolic links are not
// followed. What cannot be listed is an error that names it.
Result<std::vector<LogFile>> ListLogFiles(const std::string& path);

}  // namespace ekshume::casefile
