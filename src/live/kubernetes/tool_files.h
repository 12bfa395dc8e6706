// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "image/image.h"
#include "live/kubernetes/tool_archive.h"

namespace ekshume::live::kubernetes {

// Puts the files of a container into its collection, each below root/ and with a row for
// files.jsonl; what could not be had becomes a row of skipped.jsonl. kCancelled, kNoSpace and
// failures of the writer are returned.

// From what the container's tar printed.
Result<void> WriteTarredFiles(const image::Image& answer, ToolArchive& archive);
// From what its shell printed, one file after the other (kFilesScript): bytes without owner, mode
// and times.
Result<void> WriteListedFiles(const image::Image& answer, const std::string& boundary,
                              ToolArchive& archive);

}  // namespace ekshume::live::kubernetes
