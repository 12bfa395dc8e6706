// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "casefile/container_view.h"
#include "casefile/json.h"
#include "fs/overlay/diff.h"

namespace ekshume::casefile {

// What a container changed in its image's files.
struct Changes {
  std::vector<fs::overlay::DiffEntry> entries;  // sorted by path
  size_t added = 0;
  size_t modified = 0;
  size_t metadata = 0;
  size_t deleted = 0;
};

// kNotFound when the container has no layer of its own.
Result<Changes> FindChanges(const FileView& view, DiagnosticSink& diagnostics, Progress* progress);

// Why a responder should look at a changed file first ("new program", "set-uid", "changed script",
// "deleted program", "cron", ...); "" when nothing about it stands out.
std::string Notable(const fs::overlay::DiffEntry& entry);

// One entry as `containers diff` prints it, with its SHA-256 when `view` can give it and `hash`.
Json ToJson(const fs::overlay::DiffEntry& entry, const FileView& view, bool hash);

}  // namespace ekshume::casefile
