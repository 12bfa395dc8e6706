// SPDX-License-Identifier: Apache-2.0
#include "fs/walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/limits.h"
#include "base/text.h"
#include "fs/path.h"

namespace ekshume::fs {
namespace {

// A directory whose entries are being visited.
struct Level {
  NodeId directory;
  std::vector<DirectoryEntry> entries;
  size_t next = 0;
  size_t path_length;  // of the directory's own path
};

}  // namespace

Result<void> Walk(const Filesystem& filesystem, NodeId start, DiagnosticSink& diagnostics,
                  const std::function<WalkStep(const WalkItem&)>& visit, Progress* progress,
                  WalkStat wanted) {
  const auto report = [&](DiagnosticCode code, const std::string& path, std::string detail) {
    diagnostics.Report(code, "/" + path, std::move(detail));
  };
  WalkItem item{"", start, EKSHUME_TRY(filesystem.GetStat(start))};
  std::vector<Level> levels;
  std::unordered_set<uint64_t> entered;  // all directories ever entered

  // Pushes the directory `item` unless it is an ancestor of itself, was entered by another name
  // (directories have one name; a second one is damage), or lies too deep.
  const auto enter = [&] {
    const auto id = static_cast<uint64_t>(item.node);
    if (!entered.insert(id).second) {
      report(DiagnosticCode::kFilesystemLoop, item.path, fmt::format("node {} again", id));
      return;
    }
    if (levels.size() >= static_cast<size_t>(limits::kMaxDirectoryDepth)) {
      report(DiagnosticCode::kFilesystemLimit, item.path, "kMaxDirectoryDepth");
      return;
    }
    auto entries = ListDirectory(filesystem, item.node);
    if (!entries) {
      report(DiagnosticCode::kFilesystemNodeUnreadable, item.path, entries.error().message);
      return;
    }
    levels.push_back({item.node, *std::move(entries), 0, item.path.size()});
  };

  WalkStep step = visit(item);
  if (step == WalkStep::kStop) return {};
  if (item.stat.type == NodeType::kDirectory && step == WalkStep::kContinue) enter();
  while (!levels.empty()) {
    if (progress != nullptr && progress->cancelled()) {
      return Fail(ErrorCode::kCancelled, "stopped");
    }
    Level& level = levels.back();
    if (level.next == level.entries.size()) {
      levels.pop_back();
      continue;
    }
    DirectoryEntry& entry = level.entries[level.next++];
    item.path.resize(level.path_length);
    if (!item.path.empty()) item.path.push_back('/');
    item.path += entry.name;
    item.node = entry.node;
    const bool type_is_enough = wanted == WalkStat::kDirectories &&
                                entry.type != NodeType::kUnknown &&
                                entry.type != NodeType::kDirectory;
    if (type_is_enough) {
      item.stat = Stat{};
      item.stat.type = entry.type;
    } else {
      auto stat = filesystem.GetStat(entry.node);
      if (!stat) {
        report(DiagnosticCode::kFilesystemNodeUnreadable, item.path, stat.error().message);
        continue;
      }
      item.stat = *std::move(stat);
    }
    if (progress != nullptr) progress->AddItems(1);
    step = visit(item);
    if (step == WalkStep::kStop) return {};
    if (item.stat.type == NodeType::kDirectory && step == WalkStep::kContinue) enter();
  }
  return {};
}

}  // namespace ekshume::fs
