// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "base/result.h"
#include "fs/filesystem.h"

namespace ekshume::casefile {

struct TarSummary {
  uint64_t members = 0;
  uint64_t bytes = 0;       // of the archive
  uint64_t unreadable = 0;  // files whose bytes, or some of them, are missing from the archive
  uint64_t left_out = 0;    // sockets, which no tar archive can hold
};

// Writes `start` and what is below it as a tar archive (pax, see tar_header.h) that tar and `docker
// import` accept, to the descriptor `output`. Members are in the order of fs::Walk, named by their
// path below `start` without "./", as `docker export` names them; `start` itself has no member
// unless it is no directory (then it is the only one, named "file"). The same evidence gives the
// same bytes. Names of one file that `fs` shows with one inode number become hard links. Holes stay
// holes where the filesystem knows them. Devices, FIFOs and attributes are kept, owners are
// numbers.
//
// A file that cannot be opened becomes an empty member, one whose bytes cannot all be read is
// filled with zeros up to its size; both are reported (kFilesystemNodeUnreadable). Sockets and
// attributes with "=" in their name are left out and reported (kExportLeftOut). A second thread
// writes while the first reads. kNoSpace when the disk is full, kIo for other failures of writing
// (EPIPE needs SIGPIPE ignored), kCancelled.
Result<TarSummary> WriteTar(const fs::Filesystem& filesystem, fs::NodeId start, int output,
                            DiagnosticSink& diagnostics, Progress* progress = nullptr);

// The same to the file `path`, which appears only when it is complete: a full disk, a failure or a
// Ctrl-C leaves nothing behind. "" and "-" are standard output; a device or pipe is written as is.
Result<TarSummary> ExportTar(const fs::Filesystem& filesystem, fs::NodeId start,
                             const std::string& path, DiagnosticSink& diagnostics,
                             Progress* progress = nullptr);

}  // namespace ekshume::casefile
