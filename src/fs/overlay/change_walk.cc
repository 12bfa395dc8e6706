// SPDX-License-Identifier: Apache-2.0
#include "fs/overlay/change_walk.h"

#include <algorithm>
#include <unordered_set>

#include "base/limits.h"
#include "base/text.h"
#include "fs/path.h"

namespace ekshume::fs::overlay {
namespace {

// The part of `elements` below the boundary, as the view of the lower layers counts them.
std::vector<Element> LowerPart(std::span<const Element> elements, size_t boundary) {
  std::vector<Element> lower;
  for (const Element& element : elements) {
    if (element.layer < boundary) continue;
    lower.push_back({element.node, element.layer - static_cast<uint32_t>(boundary)});
  }
  return lower;
}

class ChangeWalker {
 public:
  ChangeWalker(const OverlayFilesystem& now, const OverlayFilesystem* before, size_t boundary,
               Renames renames, DiagnosticSink& diagnostics)
      : now_(now),
        before_(before),
        boundary_(boundary),
        renames_(renames),
        diagnostics_(diagnostics) {}

  Result<void> Run(const std::function<void(const ChangePair&)>& visit, Progress* progress);

 private:
  // The touched names of one directory that are still to be visited.
  struct Level {
    std::vector<ChangePair> pairs;
    size_t next = 0;
  };

  void Enter(const ChangePair& directory);
  Result<Level> ReadLevel(const ChangePair& directory);
  std::optional<ChangePair> MakePair(std::string path, const DirectoryEntry* now,
                                     const DirectoryEntry* before);
  void Relate(ChangePair& pair);
  std::optional<NodeId> FindOldPlace(NodeId now, const std::vector<Element>& lower);
  void ReportUnreadable(const std::string& path, const Error& error) {
    diagnostics_.Report(DiagnosticCode::kFilesystemNodeUnreadable, "/" + path, error.message);
  }

  const OverlayFilesystem& now_;
  const OverlayFilesystem* before_;
  size_t boundary_;
  Renames renames_;
  DiagnosticSink& diagnostics_;
  std::vector<Level> levels_;
  std::unordered_set<uint64_t> entered_;
};

// The directory of the lower view that a renamed directory was: made of the same layer nodes.
std::optional<NodeId> ChangeWalker::FindOldPlace(NodeId now, const std::vector<Element>& lower) {
  const auto origins = now_.Origins(now);
  if (!origins) return std::nullopt;
  const auto first = std::find_if(origins->begin(), origins->end(),
                                  [&](const Origin& origin) { return origin.layer >= boundary_; });
  if (first == origins->end()) return std::nullopt;
  NodeId node = before_->root();
  for (const std::string_view part : SplitNonEmpty(first->path, '/')) {
    const auto entry = before_->Lookup(node, part);
    if (!entry) return std::nullopt;
    node = entry->node;
  }
  const auto elements = before_->Elements(node);
  if (!elements || *elements != lower) return std::nullopt;
  return node;
}

// Finds out what a directory's children have to be compared with.
void ChangeWalker::Relate(ChangePair& pair) {
  const bool was_directory = pair.before && pair.before_stat.type == NodeType::kDirectory;
  const auto elements = now_.Elements(*pair.now);
  if (!elements) return;
  const std::vector<Element> lower = LowerPart(*elements, boundary_);
  if (was_directory) {
    pair.children_before = pair.before;
    const auto before = before_->Elements(*pair.before);
    pair.replaced = !before || *before != lower;
  }
  const bool elsewhere = !lower.empty() && (pair.replaced || !was_directory);
  if (renames_ == Renames::kFollow && elsewhere) {
    pair.renamed_from = FindOldPlace(*pair.now, lower);
    if (pair.renamed_from) pair.children_before = pair.renamed_from;
  }
}

std::optional<ChangePair> ChangeWalker::MakePair(std::string path, const DirectoryEntry* now,
                                                 const DirectoryEntry* before) {
  ChangePair pair;
  pair.path = std::move(path);
  if (now != nullptr && before != nullptr) {
    const auto elements = now_.Elements(now->node);
    const auto elements_before = before_->Elements(before->node);
    const bool lower_only = elements && elements->front().layer >= boundary_;
    if (lower_only && elements_before && LowerPart(*elements, boundary_) == *elements_before) {
      return std::nullopt;  // the same nodes: nothing changed here or below
    }
  }
  if (now != nullptr) {
    auto stat = now_.GetStat(now->node);
    if (!stat) {
      ReportUnreadable(pair.path, stat.error());
      return std::nullopt;
    }
    pair.now = now->node;
    pair.now_stat = *std::move(stat);
  }
  if (before != nullptr) {
    auto stat = before_->GetStat(before->node);
    if (stat) {
      pair.before = before->node;
      pair.before_stat = *std::move(stat);
    } else {
      ReportUnreadable(pair.path, stat.error());
    }
  }
  if (!pair.now && !pair.before) return std::nullopt;
  if (pair.now && pair.now_stat.type == NodeType::kDirectory) Relate(pair);
  return pair;
}

Result<ChangeWalker::Level> ChangeWalker::ReadLevel(const ChangePair& directory) {
  const auto now = EKSHUME_TRY(ListDirectory(now_, *directory.now));
  std::vector<DirectoryEntry> before;
  bool same_lower = false;
  if (directory.children_before) {
    before = EKSHUME_TRY(ListDirectory(*before_, *directory.children_before));
    same_lower = LowerPart(EKSHUME_TRY(now_.Elements(*directory.now)), boundary_) ==
                 EKSHUME_TRY(before_->Elements(*directory.children_before));
  }
  std::vector<std::string> names;
  if (same_lower) {
    names = EKSHUME_TRY(now_.NamesInLayers(*directory.now, boundary_));
  } else {
    for (const DirectoryEntry& entry : now) names.push_back(entry.name);
    for (const DirectoryEntry& entry : before) names.push_back(entry.name);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
  }
  const auto find = [](const std::vector<DirectoryEntry>& entries, const std::string& name) {
    const auto at =
        std::lower_bound(entries.begin(), entries.end(), name,
                         [](const auto& entry, const auto& key) { return entry.name < key; });
    return at != entries.end() && at->name == name ? &*at : nullptr;
  };
  Level level;
  for (const std::string& name : names) {
    auto pair = MakePair(JoinPath(directory.path, name), find(now, name), find(before, name));
    if (pair) level.pairs.push_back(*std::move(pair));
  }
  return level;
}

void ChangeWalker::Enter(const ChangePair& directory) {
  const auto id = static_cast<uint64_t>(*directory.now);
  if (!entered_.insert(id).second) {
    diagnostics_.Report(DiagnosticCode::kFilesystemLoop, "/" + directory.path, "met again");
    return;
  }
  if (levels_.size() >= static_cast<size_t>(limits::kMaxDirectoryDepth)) {
    diagnostics_.Report(DiagnosticCode::kFilesystemLimit, "/" + directory.path,
                        "kMaxDirectoryDepth");
    return;
  }
  auto level = ReadLevel(directory);
  if (!level) return ReportUnreadable(directory.path, level.error());
  levels_.push_back(*std::move(level));
}

Result<void> ChangeWalker::Run(const std::function<void(const ChangePair&)>& visit,
                               Progress* progress) {
  ChangePair root;
  root.now = now_.root();
  if (before_ != nullptr) root.before = root.children_before = before_->root();
  Enter(root);
  while (!levels_.empty()) {
    if (progress != nullptr && progress->cancelled()) {
      return Fail(ErrorCode::kCancelled, "stopped");
    }
    Level& level = levels_.back();
    if (level.next == level.pairs.size()) {
      levels_.pop_back();
      continue;
    }
    const ChangePair pair = std::move(level.pairs[level.next++]);
    if (progress != nullptr) progress->AddItems(1);
    visit(pair);
    if (pair.now && pair.now_stat.type == NodeType::kDirectory) Enter(pair);
  }
  return {};
}

}  // namespace

Result<void> WalkChanges(const OverlayFilesystem& now, const OverlayFilesystem* before,
                         size_t boundary, Renames renames, DiagnosticSink& diagnostics,
                         const std::function<void(const ChangePair&)>& visit, Progress* progress) {
  return ChangeWalker(now, before, boundary, renames, diagnostics).Run(visit, progress);
}

}  // namespace ekshume::fs::overlay
