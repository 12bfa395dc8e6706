// SPDX-License-Identifier: Apache-2.0
#include "casefile/host_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/least_of.h"
#include "base/limits.h"
#include "casefile/file_hash.h"
#include "detect/drift/places.h"
#include "fs/path.h"
#include "fs/walk.h"

namespace ekshume::casefile {
namespace {

// Trees of the node that are not its own files: container layers, pods, logs, kernel views.
constexpr std::array<std::string_view, 7> kSkipped = {
    "proc", "sys", "dev", "run", "var/run", "var/log", "var/lib/kubelet/pods"};

constexpr size_t kMaxOtherHostChanges = 500;

bool IsExecutableFile(const fs::Stat& stat) {
  return stat.type == fs::NodeType::kRegular && (stat.permissions & 0111U) != 0;
}

// The first moment a container or pod existed on the node.
std::optional<Timestamp> FirstContainer(const runtime::Inventory& inventory) {
  std::optional<Timestamp> first;
  const auto consider = [&](const std::optional<Timestamp>& time) {
    if (time && time->seconds > 0 && (!first || *time < *first)) first = time;
  };
  for (const runtime::Container& container : inventory.containers) consider(container.created);
  for (const runtime::Pod& pod : inventory.pods) consider(pod.created);
  return first;
}

bool IsBelow(std::string_view path, std::string_view folder) {
  return !folder.empty() && path.starts_with(folder) &&
         (path.size() == folder.size() || path[folder.size()] == '/');
}

struct NewestFirst {
  bool operator()(const HostChange& a, const HostChange& b) const {
    return std::tie(b.stat.changed, a.path) < std::tie(a.stat.changed, b.path);
  }
};
using NewestChanges = LeastOf<HostChange, NewestFirst>;

class HostWalk {
 public:
  HostWalk(const Volume& volume, const runtime::Inventory& inventory, DiagnosticSink& diagnostics,
           Progress* progress, HostFindings& findings, NewestChanges& other)
      : volume_(volume),
        filesystem_(*volume.filesystem),
        diagnostics_(diagnostics),
        progress_(progress),
        findings_(findings),
        other_(other) {
    for (const std::string_view path : kSkipped) skipped_.emplace_back(path);
    const auto add_store = [&](const runtime::Location& store) {
      if (store.filesystem == &filesystem_) skipped_.push_back(store.path);
    };
    for (const auto& container : inventory.containers) add_store(container.store);
    for (const auto& image : inventory.images) add_store(image.store);
    for (const auto& snapshot : inventory.snapshots) add_store(snapshot.store);
    std::ranges::sort(skipped_);
    skipped_.erase(std::unique(skipped_.begin(), skipped_.end()), skipped_.end());
  }

  void Run() {
    const Result<void> walked = fs::Walk(
        filesystem_, filesystem_.root(), diagnostics_,
        [this](const fs::WalkItem& item) { return Visit(item); }, progress_);
    (void)walked;  // Cancelled: what was found so far stands.
  }

 private:
  fs::WalkStep Visit(const fs::WalkItem& item) {
    const auto skips = [&](const std::string& folder) { return IsBelow(item.path, folder); };
    if (std::ranges::any_of(skipped_, skips)) return fs::WalkStep::kSkipChildren;
    if (item.stat.type == fs::NodeType::kDirectory) return fs::WalkStep::kContinue;
    if (!findings_.since || item.stat.changed < *findings_.since) return fs::WalkStep::kContinue;
    HostChange change;
    change.path = "/" + item.path;
    change.why = std::string(PersistenceKind(change.path, item.stat));
    change.volume = &volume_;
    change.node = item.node;
    change.stat = item.stat;
    if (!change.why.empty() && item.stat.type == fs::NodeType::kRegular) {
      change.kind = FileKind(filesystem_, item.node).value_or("");
      if (auto digest = HashFile(filesystem_, item.node, nullptr)) change.sha256 = *digest;
    }
    if (!change.why.empty()) {
      findings_.changes.push_back(std::move(change));
    } else {
      other_.Add(std::move(change));
    }
    return fs::WalkStep::kContinue;
  }

  const Volume& volume_;
  const fs::Filesystem& filesystem_;
  DiagnosticSink& diagnostics_;
  Progress* const progress_;
  HostFindings& findings_;
  NewestChanges& other_;
  std::vector<std::string> skipped_;
};

void AddDeleted(const Volume& volume, DiagnosticSink& diagnostics, HostFindings& findings) {
  for (const fs::DeletedNode& deleted : volume.filesystem->Deleted()) {
    const auto stat = volume.filesystem->GetStat(deleted.node);
    if (!stat) {
      diagnostics.Report(
          DiagnosticCode::kFilesystemNodeUnreadable, volume.name,
          fmt::format("inode {}: {}", static_cast<uint64_t>(deleted.node), stat.error().message));
      continue;
    }
    DeletedFile file{volume.name, deleted.node, *stat, deleted.how, "", ""};
    if (stat->type == fs::NodeType::kRegular) {
      file.kind = FileKind(*volume.filesystem, deleted.node).value_or("");
      file.sha256 = HashFile(*volume.filesystem, deleted.node, nullptr).value_or("");
    }
    findings.deleted.push_back(std::move(file));
  }
}

}  // namespace

std::string_view PersistenceKind(std::string_view path, const fs::Stat& stat) {
  if (path.starts_with('/')) path.remove_prefix(1);
  if (const detect::drift::Place* place = detect::drift::FindPlace(path)) return place->why;
  if (detect::drift::IsTemporary(path) && IsExecutableFile(stat))
    return "program in a temporary folder";
  if (IsExecutableFile(stat) && (stat.permissions & 06000U) != 0) return "set-uid program";
  // /opt/.cache/x hides as well as /opt/.x does; a user's own folder is full of such names.
  const bool in_home = path.starts_with("root/") || path.starts_with("home/");
  const bool hidden = detect::drift::FileName(path).starts_with('.') ||
                      (!in_home && path.find("/.") != std::string_view::npos);
  if (IsExecutableFile(stat) && hidden) return "hidden program";
  return {};
}

HostFindings FindOnHost(const Evidence& evidence, const runtime::Inventory& inventory,
                        DiagnosticSink& diagnostics, Progress* progress) {
  HostFindings findings;
  findings.since = FirstContainer(inventory);
  NewestChanges other(kMaxOtherHostChanges, NewestFirst());
  for (const Volume& volume : evidence.volumes()) {
    if (!volume.filesystem) continue;
    HostWalk(volume, inventory, diagnostics, progress, findings, other).Run();
    AddDeleted(volume, diagnostics, findings);
  }
  std::ranges::sort(findings.changes, NewestFirst());
  findings.other_count = other.added();
  findings.other = other.Take();
  return findings;
}

}  // namespace ekshume::casefile
