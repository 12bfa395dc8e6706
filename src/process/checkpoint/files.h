// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/diagnostic.h"
#include "process/format.h"
#include "process/model.h"

namespace ekshume::process::checkpoint {

// One open file of the checkpoint, by the id under which processes name it.
struct FileRecord {
  OpenFile file;                 // without a descriptor
  std::optional<Socket> socket;  // when it is one
};
using FileRecords = std::map<uint64_t, FileRecord>;

// Reads every file that processes had open or mapped: files.img, or reg-files.img, inetsk.img and
// unixsk.img of checkpoints made before CRIU 3.3; which of them were deleted, and where the bytes
// of those are (ghost files).
FileRecords ReadFiles(const Source& source, std::string_view folder, DiagnosticSink& diagnostics);

}  // namespace ekshume::process::checkpoint
