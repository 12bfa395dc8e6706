// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/diagnostic.h"
#include "base/time.h"
#include "log/carrier/input.h"

namespace ekshume::log {

// One file of records after every wrapping of compression and archives is off.
struct Leaf {
  std::string evidence;  // "logs.tar!a/audit.json.gz"
  std::string path;      // inside the innermost archive, or of the file: "a/audit.json.gz"
  std::optional<Timestamp> modified;  // of the archive's member
  Input* input = nullptr;             // its content
};

// Takes off gzip, zstd, xz, bzip2, tar, zip, cpio, in any order and depth
// (limits::kMaxCarrierDepth), told by content, and calls `visit` for each file of records inside,
// in the order in which they come. Damage costs the part that is damaged: a diagnostic
// (kLogCarrierDamaged), and the rest is read. What unpacks to far more than it is worth
// (limits::kMaxUnpackRatio) is cut with kLogLimit. `stored_bytes` is the size of the whole. An
// error is that of reading `input` itself.
Result<void> Unpack(Input& input, uint64_t stored_bytes, const Leaf& name,
                    DiagnosticSink& diagnostics, const std::function<void(const Leaf&)>& visit);

}  // namespace ekshume::log
