// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "base/result.h"
#include "fs/filesystem.h"

namespace ekshume::casefile {

struct ExtractOptions {
  bool devices = false;   // also make devices and FIFOs (the former need root)
  bool preserve = false;  // keep set-uid, set-gid and sticky bits, and as root the owners
};

// Something of the evidence that is not in the extracted tree.
struct LeftOut {
  std::string path;    // below what was extracted, no leading slash; bytes
  std::string reason;  // "device", "set-uid and set-gid bits", ...
};

struct ExtractSummary {
  uint64_t files = 0;
  uint64_t directories = 0;
  uint64_t symlinks = 0;
  uint64_t bytes = 0;             // of file contents
  uint64_t unreadable = 0;        // files whose bytes, or some of them, are missing
  std::vector<LeftOut> left_out;  // in the order of a walk; the first kMaxLeftOutListed
  uint64_t left_out_count = 0;
};
inline constexpr size_t kMaxLeftOutListed = 100000;

// Copies `node` and what is below it out of the evidence to `target`, which may not exist yet or be
// an empty folder; it appears when it is complete. A node that is no directory becomes the file
// `target`. Nothing is written outside `target`: every name is made anew below a descriptor of its
// folder, no symbolic link is followed, names that cannot be one path component are left out.
// Symbolic links themselves are kept as they are, so what opens them later may end up elsewhere on
// this machine. Modes are kept without the set-uid, set-gid and sticky bits (unless preserve), with
// the owner's permission to read; times are kept, attributes are not. Devices, FIFOs and sockets
// are left out (unless devices; sockets always). Hard links and holes stay such.
//
// What was left out is reported (kExportLeftOut), counted, and listed in the file
// `target`.left-out.txt beside the folder, one "path<TAB>reason" a line with control characters
// escaped. Bytes that cannot be read are zeros and are reported (kFilesystemNodeUnreadable). On a
// failure everything that was written is removed: kNoSpace when the disk is full, kInvalidArgument
// when the target is in the way, kIo, kCancelled.
Result<ExtractSummary> Extract(const fs::Filesystem& filesystem, fs::NodeId node,
                               const std::string& target, const ExtractOptions& options,
                               DiagnosticSink& diagnostics, Progress* progress = nullptr);

}  // namespace ekshume::casefile
