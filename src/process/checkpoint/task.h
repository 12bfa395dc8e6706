// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/diagnostic.h"
#include "process/checkpoint/files.h"
#include "process/format.h"

namespace ekshume::process::checkpoint {

// Fills in what the image files of one process say: core-PID, ids-PID, mm-PID, pagemap-PID and its
// pages, fs-PID, fdinfo-N. `process.pid` is set. Its sockets get it as a holder in `files`.
void ReadTask(const Source& source, std::string_view folder, FileRecords& files, Process& process,
              DiagnosticSink& diagnostics);

}  // namespace ekshume::process::checkpoint
