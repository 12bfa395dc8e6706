// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/byte_view.h"
#include "base/diagnostic.h"
#include "base/limits.h"
#include "fs/filesystem.h"
#include "image/image.h"

namespace ekshume::fs::archive {

// Whether these first bytes (at least kTarBlockBytes, when it has them) begin a tar archive: the
// checksum of the first header is right, and it is of a kind that POSIX or GNU tar knows.
bool IsTar(ByteView head);

struct TarOptions {
  // The archive is an image's layer or what a container changed: names with ".wh." before them
  // become overlayfs's own marks of what is deleted (OCI image-spec, layer.md, "Whiteouts"), so
  // that fs/overlay reads the tree like any upper layer.
  bool is_layer = false;
  size_t most_members = limits::kMaxCollectionMembers;
};

// A tar archive as a tree of files: ustar, pax, GNU tar, GNU's sparse format 1.0. The headers are
// read once, the files' bytes when they are asked for. A damaged header costs the members up to the
// next one that is whole (kCollectionDamaged under `name`); a cut archive keeps what is before the
// cut. kUnsupported when it does not begin like a tar archive. `image` and `diagnostics` must
// outlive the tree.
Result<std::unique_ptr<Filesystem>> OpenTar(const image::Image& image, const std::string& name,
                                            DiagnosticSink& diagnostics,
                                            const TarOptions& options = {});

// The name in a header that is all of a member's (no longer one came before it), and how many bytes
// of data follow, for those who only pass by. Nothing for a block that is no header.
struct TarGlance {
  std::string name;
  uint64_t size_bytes = 0;
  char typeflag = 0;
};
std::optional<TarGlance> GlanceAtTarHeader(ByteView block);

}  // namespace ekshume::fs::archive
