// SPDX-License-Identifier: Apache-2.0
#include "fs/overlay/diff.h"

#include <algorithm>
#include <unordered_map>

#include "base/limits.h"
#include "fs/overlay/change_walk.h"
#include "fs/overlay/compare.h"
#include "fs/path.h"
#include "fs/walk.h"

namespace ekshume::fs::overlay {
namespace {

// A deleted or hidden node whose subtree is listed when all renames are known.
struct DeletedRoot {
  std::string path;
  NodeId before;
  bool with_root;  // false: the name itself still exists, only what was below is gone
};

class LayerDiffer {
 public:
  LayerDiffer(const OverlayFilesystem& now, const OverlayFilesystem* before, size_t boundary,
              DiagnosticSink& diagnostics, const std::function<void(DiffEntry)>& visit)
      : now_(now), before_(before), boundary_(boundary), diagnostics_(diagnostics), visit_(visit) {}

  Result<void> Run(Progress* progress);

 private:
  void Visit(const ChangePair& pair);
  Result<void> ListDeleted(const DeletedRoot& root, Progress* progress);
  void AddDeleted(std::string path, NodeId before, const Stat& stat, bool with_parent);
  void Describe(const Filesystem& filesystem, NodeId node, DiffEntry& entry) const;
  std::optional<Origin> OriginBefore(NodeId before) const;

  const OverlayFilesystem& now_;
  const OverlayFilesystem* before_;
  size_t boundary_;
  DiagnosticSink& diagnostics_;
  const std::function<void(DiffEntry)>& visit_;
  std::vector<DeletedRoot> deleted_;
  std::unordered_map<uint64_t, std::string> renamed_;  // node before -> path now
};

std::optional<Origin> LayerDiffer::OriginBefore(NodeId before) const {
  auto origins = before_->Origins(before);
  if (!origins) return std::nullopt;
  Origin origin = std::move(origins->front());
  origin.layer += boundary_;
  if (origin.layer < now_.layers().size()) origin.layer_name = now_.layers()[origin.layer].name;
  return origin;
}

void LayerDiffer::Describe(const Filesystem& filesystem, NodeId node, DiffEntry& entry) const {
  const Stat& stat = entry.stat;
  const bool regular = stat.type == NodeType::kRegular;
  entry.executable = regular && (stat.permissions & 0111U) != 0;
  entry.setuid = regular && (stat.permissions & 04000U) != 0;
  entry.setgid = regular && (stat.permissions & 02000U) != 0;
  if (regular && stat.size_bytes != 0) {
    auto first = ReadFirstBytes(filesystem, node);
    if (first) {
      entry.kind = GuessContentKind(*first);
    } else {
      diagnostics_.Report(DiagnosticCode::kFilesystemNodeUnreadable, "/" + entry.path,
                          first.error().message);
    }
  }
  if (stat.type == NodeType::kSymlink) {
    auto target = filesystem.ReadSymlink(node);
    if (target) entry.target = *std::move(target);
  }
}

void LayerDiffer::Visit(const ChangePair& pair) {
  if (!pair.now) {
    deleted_.push_back({pair.path, *pair.before, true});
    return;
  }
  if (pair.renamed_from) renamed_.emplace(static_cast<uint64_t>(*pair.renamed_from), pair.path);
  const bool was_directory = pair.before && pair.before_stat.type == NodeType::kDirectory;
  const bool is_directory = pair.now_stat.type == NodeType::kDirectory;
  // What lies below a directory that is still one is compared by the walk, unless the walk compares
  // its children with another directory.
  if (was_directory && (!is_directory || pair.children_before != pair.before)) {
    deleted_.push_back({pair.path, *pair.before, false});
  }
  DiffEntry entry;
  if (pair.before) {
    entry.differs = FindDifferences(now_, *before_, pair, diagnostics_);
    entry.replaced = is_directory && pair.replaced;
    if (entry.differs.empty() && !entry.replaced) return;
    const auto content = [](std::string_view what) {
      return what == "content" || what == "target" || what == "type" || what == "device";
    };
    const bool modified =
        entry.replaced || std::any_of(entry.differs.begin(), entry.differs.end(), content);
    entry.change = modified ? Change::kModified : Change::kMetadata;
    entry.previous = pair.before_stat;
    entry.from = OriginBefore(*pair.before);
  }
  entry.path = pair.path;
  entry.stat = pair.now_stat;
  entry.node = pair.now;
  auto origins = now_.Origins(*pair.now);
  if (origins) entry.origin = std::move(origins->front());
  if (pair.renamed_from) {
    auto old_path = before_->PathOf(*pair.renamed_from);
    if (old_path) entry.renamed_from = *std::move(old_path);
    if (!entry.from) entry.from = OriginBefore(*pair.renamed_from);
  }
  Describe(now_, *pair.now, entry);
  visit_(std::move(entry));
}

void LayerDiffer::AddDeleted(std::string path, NodeId before, const Stat& stat, bool with_parent) {
  DiffEntry entry;
  entry.path = std::move(path);
  entry.change = Change::kDeleted;
  entry.stat = stat;
  entry.previous = stat;
  entry.with_parent = with_parent;
  entry.from = OriginBefore(before);
  const auto renamed = renamed_.find(static_cast<uint64_t>(before));
  if (renamed != renamed_.end()) entry.renamed_to = renamed->second;
  Describe(*before_, before, entry);
  visit_(std::move(entry));
}

Result<void> LayerDiffer::ListDeleted(const DeletedRoot& root, Progress* progress) {
  return Walk(
      *before_, root.before, diagnostics_,
      [&](const WalkItem& item) {
        const bool is_root = item.path.empty();
        if (!is_root || root.with_root) {
          AddDeleted(JoinPath(root.path, item.path), item.node, item.stat, !is_root);
        }
        const bool lives_on = renamed_.contains(static_cast<uint64_t>(item.node));
        return lives_on ? WalkStep::kSkipChildren : WalkStep::kContinue;
      },
      progress);
}

Result<void> LayerDiffer::Run(Progress* progress) {
  EKSHUME_TRY(WalkChanges(
      now_, before_, boundary_, Renames::kFollow, diagnostics_,
      [this](const ChangePair& pair) { Visit(pair); }, progress));
  for (const DeletedRoot& root : deleted_) EKSHUME_TRY(ListDeleted(root, progress));
  return {};
}

}  // namespace

std::string_view ChangeName(Change change) {
  switch (change) {
    case Change::kAdded: return "added";
    case Change::kModified: return "modified";
    case Change::kMetadata: return "metadata";
    case Change::kDeleted: return "deleted";
  }
  return "";
}

Result<std::vector<DiffEntry>> DiffLayers(const OverlayFilesystem& overlay, size_t boundary,
                                          DiagnosticSink& diagnostics, Progress* progress) {
  std::vector<DiffEntry> entries;
  EKSHUME_TRY(VisitDifferences(
      overlay, boundary, diagnostics, [&](DiffEntry entry) { entries.push_back(std::move(entry)); },
      progress));
  std::stable_sort(entries.begin(), entries.end(),
                   [](const DiffEntry& a, const DiffEntry& b) { return PathLess(a.path, b.path); });
  return entries;
}

Result<void> VisitDifferences(const OverlayFilesystem& overlay, size_t boundary,
                              DiagnosticSink& diagnostics,
                              const std::function<void(DiffEntry)>& visit, Progress* progress) {
  const auto before = EKSHUME_TRY(overlay.Below(boundary));
  return LayerDiffer(overlay, before.get(), boundary, diagnostics, visit).Run(progress);
}

}  // namespace ekshume::fs::overlay
