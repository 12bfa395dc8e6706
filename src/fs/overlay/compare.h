// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "fs/overlay/change_walk.h"

namespace ekshume::fs::overlay {

// In which respects the two sides of a pair differ: the words of DiffEntry::differs, sorted. Both
// sides must be there. A file that cannot be read is reported and counts as different.
std::vector<std::string_view> FindDifferences(const OverlayFilesystem& now,
                                              const OverlayFilesystem& before,
                                              const ChangePair& pair, DiagnosticSink& diagnostics);

// Whether two regular files of the same size hold the same bytes.
Result<bool> SameContent(const OverlayFilesystem& now, NodeId node_now,
                         const OverlayFilesystem& before, NodeId node_before);

// As many of the file's first bytes as GuessContentKind wants.
Result<std::string> ReadFirstBytes(const Filesystem& filesystem, NodeId node);

// Paths in the order of a walk: parents first, then their children, names in byte order.
bool PathLess(std::string_view a, std::string_view b);

// The value of one attribute, "" when the node has none or it cannot be read.
std::string XattrValue(const Filesystem& filesystem, NodeId node, std::string_view name);

}  // namespace ekshume::fs::overlay
