// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/limits.h"
#include "base/progress.h"
#include "collection/parts_image.h"
#include "fs/filesystem.h"

// Collections as files of the analyst's machine: docs/formats/collection.md.
namespace ekshume::casefile {

// Whether it is a regular file that begins as a collection does.
bool IsCollectionFile(const std::string& path);

// The file, and the other parts of the same collection that lie in its folder, by their number.
// Only the openings of files are read. What cannot be read is left out. More files than `most`
// beside it are a diagnostic.
std::vector<std::string> PartsOfCollection(const std::string& path, DiagnosticSink& diagnostics,
                                           size_t most = limits::kMaxFilesBesideAPart);

// Opens the files as parts of one collection, checks every frame and every member with the
// manifests, and reports damage and missing parts. `diagnostics` must outlive the image.
Result<std::unique_ptr<collection::PartsImage>> OpenCollection(
    const std::vector<std::string>& parts, const std::string& name, DiagnosticSink& diagnostics,
    Progress* progress);

// Compares the files of a collection that is no stream any more (unpacked to a folder or to a plain
// tar archive) with its manifest and reports what differs. kCancelled when `progress` says so.
Result<void> CheckManifest(const fs::Filesystem& tree, const std::string& name,
                           DiagnosticSink& diagnostics, Progress* progress);

}  // namespace ekshume::casefile
