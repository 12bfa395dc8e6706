// SPDX-License-Identifier: Apache-2.0
#include "fs/overlay/diff_style.h"

#include <functional>
#include <map>

#include "fs/overlay/change_walk.h"
#include "fs/overlay/compare.h"

namespace ekshume::fs::overlay {
namespace {

struct WalkOrder {
  bool operator()(const std::string& a, const std::string& b) const { return PathLess(a, b); }
};
using Changes = std::map<std::string, char, WalkOrder>;  // path -> A, C or D

// What both tools compare first.
bool SameIdentity(const OverlayFilesystem& now, const OverlayFilesystem& before,
                  const ChangePair& pair) {
  const Stat& a = pair.now_stat;
  const Stat& b = pair.before_stat;
  return a.type == b.type && a.permissions == b.permissions && a.uid == b.uid && a.gid == b.gid &&
         a.device_major == b.device_major && a.device_minor == b.device_minor &&
         XattrValue(now, *pair.now, "security.capability") ==
             XattrValue(before, *pair.before, "security.capability");
}

using Same = bool (*)(const OverlayFilesystem& now, const OverlayFilesystem& before,
                      const ChangePair& pair);

bool SameForDocker(const OverlayFilesystem& now, const OverlayFilesystem& before,
                   const ChangePair& pair) {
  if (!SameIdentity(now, before, pair)) return false;
  const Stat& a = pair.now_stat;
  const Stat& b = pair.before_stat;
  if (a.type == NodeType::kDirectory) return true;
  // Archives may have cut the times of one side to seconds.
  const bool same_time = a.modified.seconds == b.modified.seconds &&
                         (a.modified.nanoseconds == b.modified.nanoseconds ||
                          a.modified.nanoseconds == 0 || b.modified.nanoseconds == 0);
  return same_time && a.size_bytes == b.size_bytes;
}

bool SameForContainerd(const OverlayFilesystem& now, const OverlayFilesystem& before,
                       const ChangePair& pair) {
  if (!SameIdentity(now, before, pair)) return false;
  const Stat& a = pair.now_stat;
  const Stat& b = pair.before_stat;
  if (a.type == NodeType::kDirectory) return true;
  if (a.size_bytes != b.size_bytes || a.modified != b.modified) return false;
  if (a.modified.nanoseconds != 0) return true;
  // Both times may have been cut to seconds: only the content can tell.
  if (a.type == NodeType::kSymlink) {
    const auto target = now.ReadSymlink(*pair.now);
    const auto target_before = before.ReadSymlink(*pair.before);
    return target && target_before && *target == *target_before;
  }
  if (a.type != NodeType::kRegular || a.size_bytes == 0) return true;
  const auto same = SameContent(now, *pair.now, before, *pair.before);
  return same && *same;
}

// The touched names with their letters; directories above a change get a C, as in both tools.
Result<Changes> FindChanges(const OverlayFilesystem& overlay, size_t boundary, Same same,
                            DiagnosticSink& diagnostics, Progress* progress,
                            const std::function<void(const ChangePair&)>& see) {
  const auto before = EKSHUME_TRY(overlay.Below(boundary));
  Changes changes;
  EKSHUME_TRY(WalkChanges(
      overlay, before.get(), boundary, Renames::kIgnore, diagnostics,
      [&](const ChangePair& pair) {
        see(pair);
        if (!pair.now) {
          changes.emplace(pair.path, 'D');
        } else if (!pair.before) {
          changes.emplace(pair.path, 'A');
        } else if (!same(overlay, *before, pair)) {
          changes.emplace(pair.path, 'C');
        }
      },
      progress));
  Changes all = changes;
  for (const auto& [path, letter] : changes) {
    for (size_t end = path.rfind('/'); end != std::string::npos; end = path.rfind('/', end - 1)) {
      if (!all.emplace(path.substr(0, end), 'C').second) break;
      if (end == 0) break;
    }
  }
  return all;
}

}  // namespace

Result<std::vector<std::string>> DockerDiff(const OverlayFilesystem& overlay, size_t boundary,
                                            DiagnosticSink& diagnostics, Progress* progress) {
  const auto changes = EKSHUME_TRY(FindChanges(overlay, boundary, SameForDocker, diagnostics,
                                               progress, [](const ChangePair&) {}));
  std::vector<std::string> lines;
  lines.reserve(changes.size());
  for (const auto& [path, letter] : changes) lines.push_back(std::string(1, letter) + " /" + path);
  return lines;
}

Result<std::vector<std::string>> ContainerdDiff(const OverlayFilesystem& overlay, size_t boundary,
                                                DiagnosticSink& diagnostics, Progress* progress) {
  std::map<std::string, NodeType, WalkOrder> types;
  const auto changes = EKSHUME_TRY(FindChanges(overlay, boundary, SameForContainerd, diagnostics,
                                               progress, [&](const ChangePair& pair) {
                                                 if (pair.now)
                                                   types.emplace(pair.path, pair.now_stat.type);
                                               }));
  std::vector<std::string> names;
  names.reserve(changes.size());
  for (const auto& [path, letter] : changes) {
    const auto type = types.find(path);
    if (letter == 'D') {
      const size_t name = path.rfind('/') + 1;  // npos + 1 is 0
      names.push_back(path.substr(0, name) + ".wh." + path.substr(name));
    } else if (type != types.end() && type->second == NodeType::kSocket) {
      continue;
    } else {
      const bool directory = type == types.end() || type->second == NodeType::kDirectory;
      names.push_back(directory ? path + "/" : path);
    }
  }
  return names;
}

}  // namespace ekshume::fs::overlay
