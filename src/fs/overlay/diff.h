// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "fs/overlay/overlay.h"

namespace ekshume::fs::overlay {

enum class Change { kAdded, kModified, kMetadata, kDeleted };
std::string_view ChangeName(Change change);  // added modified metadata deleted

// What a regular file holds, by its first bytes.
enum class ContentKind { kNone, kElf, kScript, kText, kData };  // kNone: empty, or no regular file
std::string_view ContentKindName(ContentKind kind);             // "" elf script text data
// How many of a file's first bytes the guess looks at.
inline constexpr size_t kContentKindBytes = 512;
// From the first kContentKindBytes bytes of a file, or all of them.
ContentKind GuessContentKind(std::string_view first);

struct DiffEntry {
  std::string path;  // in the union, no leading slash
  Change change = Change::kAdded;
  Stat stat;                     // as it is now; of a deleted node as it was
  std::optional<Stat> previous;  // as it was; not for added nodes
  bool executable = false;       // a regular file with an execute bit
  bool setuid = false;
  bool setgid = false;  // not for directories, where the bit means something else
  ContentKind kind = ContentKind::kNone;
  std::string target;  // of a symbolic link
  // What differs, sorted: "content" "device" "group" "mode" "owner" "target" "time" "type"
  // "xattrs". "time" is the modification time, which is not compared for directories.
  std::vector<std::string_view> differs;
  // The node in the union; nothing when deleted.
  std::optional<NodeId> node;
  // Where it lies now; of a deleted node nothing.
  std::optional<Origin> origin;
  // Where it was before: the layer it came from. Not for added nodes. The layer index is that of
  // the whole union.
  std::optional<Origin> from;
  // A directory that was deleted and made anew (kModified) though it may look the same.
  bool replaced = false;
  // A directory that was renamed: what it was before, or, when this entry is the deleted old name,
  // what it is now. Its unchanged children are not listed, as they still exist.
  std::string renamed_from;
  std::string renamed_to;
  // A deleted node whose directory was deleted, replaced or is a different thing now.
  bool with_parent = false;
};

// What the topmost `boundary` layers of `overlay` changed: the merged view against that of the
// layers below, sorted by path. Nodes whose content, mode, owner, modification time, target and
// attributes are what they were are left out, copied up or not; so are directories that were copied
// up only because something below them changed, and the root. A deleted directory is an entry, and
// everything that was below it is one each (`with_parent`). File contents are compared byte by
// byte when the sizes are equal. When no layer is below the boundary, everything is added.
// An entry takes about a KiB; VisitDifferences() is for who keeps few of them.
Result<std::vector<DiffEntry>> DiffLayers(const OverlayFilesystem& overlay, size_t boundary,
                                          DiagnosticSink& diagnostics,
                                          Progress* progress = nullptr);

// The same, one by one as they are found: what was below a deleted directory comes last.
Result<void> VisitDifferences(const OverlayFilesystem& overlay, size_t boundary,
                              DiagnosticSink& diagnostics,
                              const std::function<void(DiffEntry)>& visit,
                              Progress* progress = nullptr);

}  // namespace ekshume::fs::overlay
