// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "casefile/container_view.h"
#include "casefile/json.h"
#include "fs/overlay/diff.h"

namespace ekshume::casefile {

// One thing that a container changed in its image's files.
struct ContainerChange {
  fs::overlay::DiffEntry entry;
  // An empty file or a folder that the runtime made to mount something on, or a folder on the way
  // to one: the attacker's doing only by accident.
  bool is_mount_point = false;
  // Why a responder should look at it first ("new hidden program", "set-uid program", "changed
  // script", "deleted program", "cron", ...); "" when nothing about it stands out.
  std::string notable;
};

struct Changes {
  std::vector<ContainerChange> entries;  // sorted by path; the counts are of all changes
  size_t added = 0;
  size_t modified = 0;
  size_t metadata = 0;
  size_t deleted = 0;
  size_t mount_points = 0;  // among the added
};

// kNotFound when the container has no layer of its own. `view` is the container's. Of the changes
// that are not notable only the first `most_ordinary` are entries, so that memory does not grow
// with what a container wrote.
Result<Changes> FindChanges(const runtime::Container& container, const FileView& view,
                            DiagnosticSink& diagnostics, Progress* progress,
                            size_t most_ordinary = std::numeric_limits<size_t>::max());

// The same, one by one as they are found: what was below a deleted directory comes last.
Result<void> VisitChanges(const runtime::Container& container, const FileView& view,
                          DiagnosticSink& diagnostics,
                          const std::function<void(ContainerChange)>& visit, Progress* progress);

// One entry as `containers diff` prints it, with its SHA-256 when `view` can give it and `hash`.
Json ToJson(const ContainerChange& change, const FileView& view, bool hash);

}  // namespace ekshume::casefile
