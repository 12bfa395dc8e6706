// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/drift_findings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "artifact/packages/owners.h"
#include "base/limits.h"
#include "base/text.h"
#include "casefile/changes.h"
#include "casefile/container_view.h"
#include "casefile/detection/drift_context.h"
#include "casefile/file_hash.h"
#include "detect/drift/start.h"
#include "fs/overlay/compare.h"
#include "fs/path.h"

namespace ekshume::casefile {
namespace {

namespace drift = detect::drift;
using artifact::packages::Owner;
using fs::overlay::Change;
using fs::overlay::DiffEntry;

// More findings of one check in one folder become one.
constexpr size_t kMostInOneFolder = 10;
bool IsRecordOfPackages(std::string_view path) {
  return (path.starts_with("var/lib/dpkg/info/") && path.ends_with(".list")) ||
         path.ends_with("lib/apk/db/installed") || path.ends_with("rpmdb.sqlite");
}

// The lines of `now` that `before` does not have.
std::string AddedLines(const std::string& now, const std::string& before) {
  const std::vector<std::string_view> old_lines = SplitNonEmpty(before, '\n');
  const std::set<std::string_view> old(old_lines.begin(), old_lines.end());
  std::string added;
  for (const std::string_view line : SplitNonEmpty(now, '\n')) {
    if (!old.contains(line)) added += std::string(line) + "\n";
  }
  return added;
}

class ContainerDrift {
 public:
  ContainerDrift(DriftContext& context, const runtime::Container& container, const FileView& view)
      : context_(context), container_(container), view_(view), subject_(context.Of(container)) {}

  Result<void> Run() {
    const auto below = view_.overlay->Below(view_.own_layer_count);
    if (below) before_ = below->get();
    start_ = drift::FindStartFiles(*view_.overlay, container_);
    if (before_ != nullptr) start_.merge(drift::FindStartFiles(*before_, container_));
    runs_cron_ = std::ranges::any_of(container_.arguments, [](const std::string& argument) {
      return argument.find("cron") != std::string::npos;
    });
    EKSHUME_TRY(Collect());
    std::set<std::string, std::less<>> paths;
    for (const Candidate& candidate : candidates_) paths.insert(candidate.change.entry.path);
    owners_now_ = artifact::packages::FindOwners(*view_.filesystem, paths);
    if (before_ != nullptr) owners_before_ = artifact::packages::FindOwners(*before_, paths);
    for (const Candidate& candidate : candidates_) Judge(candidate);
    AddPackages();
    return {};
  }

 private:
  struct Candidate {
    ContainerChange change;
    size_t lost = 0;
  };

  // Keeps the changes that a check could have something to say of.
  Result<void> Collect() {
    std::map<std::string, size_t, std::less<>> lost;  // directory -> files gone below it
    std::set<std::string, std::less<>> replaced;
    const auto visit = [&](ContainerChange change) {
      const DiffEntry& entry = change.entry;
      if (IsRecordOfPackages(entry.path)) records_.insert(entry.path);
      // What is gone with a directory is said of the directory, once.
      if (entry.change == Change::kDeleted &&
          (entry.with_parent || IsBelow(entry.path, replaced))) {
        if (entry.stat.type != fs::NodeType::kDirectory) CountLost(entry.path, lost);
        return;
      }
      if (entry.replaced) replaced.insert(entry.path);
      const bool was_directory = entry.previous && entry.previous->type == fs::NodeType::kDirectory;
      if (was_directory) lost.emplace(entry.path, 0);
      drift::ContainerFile file = FactsOf(change);
      const bool speaks_alone = drift::CheckContainerFile(file).has_value();
      file.package = "any";
      if (!speaks_alone && !drift::CheckContainerFile(file)) return;
      if (candidates_.size() < limits::kMaxFindings) {
        candidates_.push_back({std::move(change), 0});
      } else {
        ++left_out_;
      }
    };
    EKSHUME_TRY(VisitChanges(container_, view_, context_.diagnostics, visit, &context_.progress));
    for (Candidate& candidate : candidates_) {
      const auto found = lost.find(candidate.change.entry.path);
      if (found != lost.end()) candidate.lost = found->second;
    }
    if (left_out_ > 0) {
      context_.diagnostics.Report(
          DiagnosticCode::kRuleLimit, container_.id,
          fmt::format("{} changes were not looked at (kMaxFindings)", left_out_));
    }
    return {};
  }

  static bool IsBelow(std::string_view path, const std::set<std::string, std::less<>>& folders) {
    for (size_t end = path.rfind('/'); end != std::string_view::npos && end > 0;
         end = path.rfind('/', end - 1)) {
      if (folders.contains(path.substr(0, end))) return true;
    }
    return false;
  }

  static void CountLost(std::string_view path, std::map<std::string, size_t, std::less<>>& lost) {
    for (size_t end = path.rfind('/'); end != std::string_view::npos && end > 0;
         end = path.rfind('/', end - 1)) {
      const auto found = lost.find(path.substr(0, end));
      if (found != lost.end()) ++found->second;
    }
  }

  drift::ContainerFile FactsOf(const ContainerChange& change) const {
    drift::ContainerFile file;
    file.entry = &change.entry;
    file.is_mount_point = change.is_mount_point;
    file.runs_cron = runs_cron_;
    const auto found = start_.find(change.entry.path);
    if (found != start_.end()) file.start = found->second;
    file.capability_gained = CapabilityGained(change.entry);
    return file;
  }

  bool CapabilityGained(const DiffEntry& entry) const {
    if (!entry.executable || !entry.node) return false;
    constexpr std::string_view kName = "security.capability";
    if (fs::overlay::XattrValue(*view_.filesystem, *entry.node, kName).empty()) return false;
    if (before_ == nullptr) return true;
    const auto node = fs::ResolvePath(*before_, entry.path, fs::FollowLast::kNo);
    return !node || fs::overlay::XattrValue(*before_, *node, kName).empty();
  }

  // Whether the package manager itself did it: its record of the package changed with the file.
  void AddOwner(const DiffEntry& entry, drift::ContainerFile& file) const {
    const auto now = owners_now_.find(entry.path);
    const auto before = owners_before_.find(entry.path);
    const bool is_owned_now = now != owners_now_.end();
    const bool was_owned = before != owners_before_.end();
    if (!is_owned_now && !was_owned) return;
    const Owner& owner = is_owned_now ? now->second : before->second;
    file.package = owner.package;
    if (!records_.contains(owner.record)) return;
    const bool is_whole_database = !owner.record.ends_with(".list");
    switch (entry.change) {
      case Change::kAdded: file.installed_here = is_owned_now && !was_owned; break;
      case Change::kDeleted: file.installed_here = was_owned && !is_owned_now; break;
      // A list of dpkg is of this package; of a database only the time could tell.
      case Change::kModified: file.installed_here = is_owned_now; break;
      case Change::kMetadata: file.installed_here = is_owned_now && !is_whole_database; break;
    }
  }

  void Judge(const Candidate& candidate) {
    const DiffEntry& entry = candidate.change.entry;
    drift::ContainerFile file = FactsOf(candidate.change);
    file.lost = candidate.lost;
    AddOwner(entry, file);
    if (file.installed_here) ++packages_[file.package];
    if (entry.path == "etc/passwd" || entry.path == "etc/shadow") {
      const auto read = [&](const fs::Filesystem* filesystem) {
        if (filesystem == nullptr) return std::string();
        return fs::ReadWholeFile(*filesystem, entry.path, limits::kMaxSmallFileBytes).value_or("");
      };
      file.added_text = AddedLines(read(view_.filesystem.get()), read(before_));
    }
    const auto verdict = drift::CheckContainerFile(file);
    if (!verdict) return;
    detect::Finding finding =
        drift::MakeFinding(*verdict, subject_, "/" + entry.path, Describe(entry));
    SetTime(entry, finding);
    context_.findings.push_back(std::move(finding));
  }

  std::string Sha256Of(const DiffEntry& entry) const {
    if (entry.stat.type != fs::NodeType::kRegular) return {};
    if (entry.node) return HashFile(*view_.filesystem, *entry.node, nullptr).value_or("");
    if (!entry.from) return {};
    const fs::overlay::Layer& layer = view_.overlay->layers()[entry.from->layer];
    return HashFile(*layer.filesystem, entry.from->node, nullptr).value_or("");
  }

  std::string Describe(const DiffEntry& entry) const {
    std::string what = fmt::format("{} /{} {}", drift::KindWords(entry.stat, entry.kind),
                                   entry.path, FileFacts(entry.stat, Sha256Of(entry)));
    const std::string layer =
        entry.from ? fmt::format(" (layer {})", entry.from->layer_name) : std::string();
    const std::string image =
        container_.image.empty() ? "its image" : "the image " + container_.image;
    switch (entry.change) {
      case Change::kAdded:
        return fmt::format("The {} is in no layer of {}: the container made it, last written {}.",
                           what, image, FormatTimestamp(entry.stat.modified));
      case Change::kModified: {
        const std::string was =
            entry.previous ? fmt::format("; there it is a {} of mode {:o} and {} bytes",
                                         drift::KindWords(*entry.previous, entry.kind),
                                         entry.previous->permissions, entry.previous->size_bytes)
                           : std::string();
        return fmt::format(
            "The {} is not that of {}{}: {} differs{}. Written {}.", what, image, layer,
            entry.replaced ? "the whole" : fmt::format("{}", fmt::join(entry.differs, ", ")), was,
            FormatTimestamp(entry.stat.modified));
      }
      case Change::kMetadata:
        return fmt::format("Of the {} of {}{} {} was changed at {}.", what, image, layer,
                           fmt::join(entry.differs, ", "), FormatTimestamp(entry.stat.changed));
      case Change::kDeleted:
        return fmt::format("The {} of {}{} was deleted; the layer still has it.", what, image,
                           layer);
    }
    return what;
  }

  // When a deletion was done by: of the name that hides the deleted one, or of the folder it is in,
  // whichever is earlier. Overlayfs gives many such names one inode, so that alone may be late.
  std::optional<Timestamp> DeletedBy(const std::string& path) const {
    const fs::overlay::Layer& upper = view_.overlay->layers().front();
    if (upper.filesystem == nullptr) return std::nullopt;
    fs::NodeId node = upper.root;
    std::optional<fs::NodeId> folder;
    for (const std::string_view part : SplitNonEmpty(path, '/')) {
      const auto entry = upper.filesystem->Lookup(node, part);
      if (!entry) return std::nullopt;
      folder = node;
      node = entry->node;
    }
    const auto name = upper.filesystem->GetStat(node);
    const auto parent = folder ? upper.filesystem->GetStat(*folder) : name;
    if (!name || !parent) return std::nullopt;
    return std::min(name->changed, parent->modified);
  }

  void SetTime(const DiffEntry& entry, detect::Finding& finding) const {
    if (entry.change == Change::kDeleted) {
      finding.first = finding.last = DeletedBy(entry.path);
      return;
    }
    // The time of the content may be set by anybody, that of the inode only by the kernel.
    finding.first = finding.last = entry.stat.changed;
    const bool in_life = container_.created && *container_.created <= entry.stat.modified;
    if (entry.change != Change::kMetadata && in_life && entry.stat.modified < entry.stat.changed) {
      finding.first = entry.stat.modified;
    }
  }

  void AddPackages() {
    if (packages_.empty()) return;
    drift::Verdict verdict;
    verdict.rule = &drift::RuleOf("drift.packages_installed");
    verdict.level = verdict.rule->level;
    std::string names;
    for (const auto& [name, count] : packages_) names += (names.empty() ? "" : ", ") + name;
    constexpr size_t kMostShown = 500;
    if (names.size() > kMostShown) names = names.substr(0, kMostShown) + " ...";
    detect::Finding finding = drift::MakeFinding(
        verdict, subject_, "/" + *records_.begin(),
        fmt::format("The package manager ran in the container; packages whose programs it wrote or "
                    "removed: {}.",
                    names));
    finding.count = packages_.size();
    context_.findings.push_back(std::move(finding));
  }

  DriftContext& context_;
  const runtime::Container& container_;
  const FileView& view_;
  const drift::Subject subject_;
  const fs::overlay::OverlayFilesystem* before_ = nullptr;
  drift::StartFiles start_;
  bool runs_cron_ = false;
  std::vector<Candidate> candidates_;
  size_t left_out_ = 0;
  std::set<std::string, std::less<>> records_;  // of packages, that the container changed
  std::map<std::string, Owner, std::less<>> owners_now_;
  std::map<std::string, Owner, std::less<>> owners_before_;
  std::map<std::string, size_t> packages_;  // that were installed here
};

}  // namespace

drift::Subject DriftContext::Host() const {
  drift::Subject subject;
  const runtime::NodeIdentity& node = inventory.node;
  subject.node = node.node_name.empty() ? node.hostname : node.node_name;
  subject.cluster = node.cluster;
  return subject;
}

drift::Subject DriftContext::Of(const runtime::Container& container) const {
  drift::Subject subject = Host();
  subject.container_id = container.id;
  subject.container = container.name;
  subject.image = container.image;
  if (container.pod) {
    subject.name_space = container.pod->namespace_name;
    subject.pod = container.pod->name;
    subject.container = container.pod->container;
  }
  return subject;
}

drift::Subject DriftContext::Of(const runtime::Pod& pod) const {
  drift::Subject subject = Host();
  subject.name_space = pod.namespace_name;
  subject.pod = pod.name;
  return subject;
}

std::string FileFacts(const fs::Stat& stat, const std::string& sha256) {
  std::string facts = fmt::format("(mode {:o}, user {}", stat.permissions, stat.uid);
  if (stat.type == fs::NodeType::kRegular) facts += fmt::format(", {} bytes", stat.size_bytes);
  if (!sha256.empty()) facts += ", SHA-256 " + sha256;
  return facts + ")";
}

Result<std::vector<detect::Finding>> DriftFindings(const Evidence& evidence,
                                                   const runtime::Inventory& inventory,
                                                   const HostFindings& host,
                                                   DiagnosticSink& diagnostics,
                                                   Progress& progress) {
  DriftContext context{evidence, inventory, host, diagnostics, progress, {}};
  progress.SetStage("looking for drift");
  for (const runtime::Container& container : inventory.containers) {
    AddReach(context, container);
    const auto view = OpenContainer(container, diagnostics);
    // Containers without layers are named in the report and in what the evidence cannot show.
    if (!view || view->overlay == nullptr || view->own_layer_count == 0) continue;
    const Result<void> looked = ContainerDrift(context, container, *view).Run();
    if (!looked && looked.error().code == ErrorCode::kCancelled) return looked.error();
    if (!looked) {
      diagnostics.Report(DiagnosticCode::kArtifactUnreadable, container.id, looked.error().message);
    }
  }
  AddVolumeDrift(context);
  EKSHUME_TRY(AddHostDrift(context));
  if (progress.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
  return drift::Fold(std::move(context.findings), kMostInOneFolder);
}

}  // namespace ekshume::casefile
