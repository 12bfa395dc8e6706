// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/byte_view.h"
#include "base/diagnostic.h"
#include "base/limits.h"
#include "fs/filesystem.h"
#include "image/image.h"

namespace ekshume::fs::archive {

// Whether these first bytes begin a zip archive.
bool IsZip(ByteView head);

struct ZipOptions {
  size_t most_members = limits::kMaxCollectionMembers;
  uint64_t most_unpacked_bytes =
      limits::kMinUnpackedBytes;  // whatever limits::kMaxUnpackRatio says
};

// A zip archive as a tree of files: stored and deflated members, zip64. Its directory is read once.
// A deflated member is unpacked to a temporary file when it is first read, and its CRC compared. A
// member that is encrypted, packed otherwise, or larger than its stored size can mean
// (limits::kMaxUnpackRatio) is listed, and reading it fails with the reason. Damage in the
// directory costs what is behind it (kCollectionDamaged under `name`). kUnsupported when it has no
// directory. `image` and `diagnostics` must outlive the tree. Any number of threads may use it.
Result<std::unique_ptr<Filesystem>> OpenZip(const image::Image& image, const std::string& name,
                                            DiagnosticSink& diagnostics,
                                            const ZipOptions& options = {});

}  // namespace ekshume::fs::archive
