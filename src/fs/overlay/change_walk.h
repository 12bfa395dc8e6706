// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/progress.h"
#include "fs/overlay/overlay.h"

namespace ekshume::fs::overlay {

// One name that the upper layers touch: what it is now, and what the layers below show for it.
struct ChangePair {
  std::string path;  // in the union, no leading slash
  std::optional<NodeId> now;
  Stat now_stat;
  std::optional<NodeId> before;  // in the view of the layers below
  Stat before_stat;
  // Directories only: what it was before lies hidden under it (deleted and made anew, or something
  // else was renamed to its name).
  bool replaced = false;
  // A renamed directory: its node before, by its old name.
  std::optional<NodeId> renamed_from;
  // Its children are compared with this directory's.
  std::optional<NodeId> children_before;
};

enum class Renames {
  kFollow,  // a renamed directory is compared with what it was by its old name
  kIgnore,  // names are compared with the same names, as tools that know no overlay do
};

// Visits what the topmost `boundary` layers of `now` touch, parents first, names in byte order; the
// root is left out. Costs as much as these layers hold and the directories they lie in, not the
// whole union: directories that only lower layers have are not entered. Directories that were
// copied up and names that did not change in the end are visited too. A deleted or replaced
// directory is visited once, not what was below it.
// `before` is now.Below(boundary); without it everything is new.
Result<void> WalkChanges(const OverlayFilesystem& now, const OverlayFilesystem* before,
                         size_t boundary, Renames renames, DiagnosticSink& diagnostics,
                         const std::function<void(const ChangePair&)>& visit,
                         Progress* progress = nullptr);

}  // namespace ekshume::fs::overlay
