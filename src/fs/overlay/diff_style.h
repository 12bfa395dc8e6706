// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/progress.h"
#include "fs/overlay/overlay.h"

// The same changes in the words of the runtimes' own tools, for comparing with what they print.
namespace ekshume::fs::overlay {

// The lines of `docker diff` ("A /etc/x", "C /etc", "D /usr/bin/curl"), in the order of a walk
// (Docker's own order is random). Docker compares the merged view with that of the layers below,
// by mode, owner, device and security.capability, and by size and modification time of what is no
// directory. It says "C" for the directories above a change. A deleted directory is one line. (With
// kernels that know neither redirect_dir nor metacopy, Docker reads the upper layer alone instead
// and prints one D line for a directory that was deleted and made anew; that is not done here.)
Result<std::vector<std::string>> DockerDiff(const OverlayFilesystem& overlay, size_t boundary,
                                            DiagnosticSink& diagnostics,
                                            Progress* progress = nullptr);

// The names in the archive that containerd's differ makes of the changes: directories end with a
// slash, the directories above a change are included, "dir/.wh.name" stands for a deleted name.
// Sockets are left out, as in any tar.
Result<std::vector<std::string>> ContainerdDiff(const OverlayFilesystem& overlay, size_t boundary,
                                                DiagnosticSink& diagnostics,
                                                Progress* progress = nullptr);

}  // namespace ekshume::fs::overlay
