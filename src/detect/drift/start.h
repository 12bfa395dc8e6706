// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "fs/overlay/overlay.h"
#include "runtime/model.h"

namespace ekshume::detect::drift {

// Files that run when the container starts, by their path in the union (without a leading slash):
// "the entry point" for what its configuration runs first, "run by the entry point" for programs
// and scripts among its arguments, "called by a start script" for scripts that those name by path.
// Names that the search path or a symbolic link resolves are followed. Reads at most
// kMaxStartFiles scripts, of each the first kMaxStartScriptBytes.
using StartFiles = std::map<std::string, std::string_view, std::less<>>;
StartFiles FindStartFiles(const fs::overlay::OverlayFilesystem& view,
                          const runtime::Container& container);

// Words of a script or of a shell's command that may be paths: split at blanks, quotes and the
// shell's own signs.
std::vector<std::string_view> PathWords(std::string_view script);

inline constexpr size_t kMaxStartFiles = 64;
inline constexpr size_t kMaxStartScriptBytes = size_t{64} << 10;
inline constexpr int kMaxStartDepth = 3;  // scripts that call scripts

}  // namespace ekshume::detect::drift
