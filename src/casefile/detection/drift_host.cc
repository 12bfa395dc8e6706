// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "artifact/packages/owners.h"
#include "base/limits.h"
#include "casefile/detection/drift_context.h"
#include "casefile/file_hash.h"
#include "casefile/host_findings.h"
#include "detect/drift/places.h"
#include "fs/overlay/compare.h"
#include "fs/path.h"
#include "fs/walk.h"

namespace ekshume::casefile {
namespace {

namespace drift = detect::drift;
using artifact::packages::Owner;
using fs::overlay::ContentKind;

// A package manager writes a file and its own record within this time.
constexpr int64_t kInstallSeconds = 900;

bool IsWithin(std::string_view path, std::string_view folder) {
  while (folder.size() > 1 && folder.ends_with('/')) folder.remove_suffix(1);
  if (folder == "/") return true;
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

bool CanWrite(const runtime::Container& container, const std::string& path) {
  return std::ranges::any_of(container.mounts, [&](const runtime::Mount& mount) {
    const bool is_bind = mount.type == "bind" || mount.type.empty();
    const bool read_only = std::ranges::find(mount.options, "ro") != mount.options.end();
    return is_bind && !read_only && mount.source.starts_with('/') && IsWithin(path, mount.source);
  });
}

bool RanAt(const runtime::Container& container, Timestamp time) {
  const std::optional<Timestamp>& begin = container.started ? container.started : container.created;
  if (!begin || time < *begin) return false;
  // Runtimes note an end of year 1 for containers that still run.
  return !container.finished || *container.finished < *begin || time <= *container.finished;
}

std::string NameOf(const runtime::Container& container) {
  if (!container.pod) return "the container " + container.name;
  return fmt::format("the pod {}/{} (container {})", container.pod->namespace_name,
                     container.pod->name, container.pod->container);
}

class HostDrift {
 public:
  explicit HostDrift(DriftContext& context) : context_(context), found_(context.host) {
    const auto root = context.evidence.Select(std::nullopt);
    root_ = root ? *root : nullptr;
  }

  void Run() {
    if (!found_.since) return;
    std::map<const Volume*, std::set<std::string, std::less<>>> wanted;
    for (const auto* list : {&found_.changes, &found_.other}) {
      for (const HostChange& change : *list) {
        if (IsOfInterest(change)) wanted[change.volume].insert(change.path.substr(1));
      }
    }
    for (const auto& [volume, paths] : wanted) {
      owners_[volume] = artifact::packages::FindOwners(*volume->filesystem, paths);
    }
    for (const auto* list : {&found_.changes, &found_.other}) {
      for (const HostChange& change : *list) {
        if (IsOfInterest(change)) Judge(change);
      }
    }
  }

 private:
  static bool IsOfInterest(const HostChange& change) {
    const bool is_program =
        change.stat.type == fs::NodeType::kRegular && (change.stat.permissions & 0111U) != 0;
    return !change.why.empty() || is_program;
  }

  void Judge(const HostChange& change) {
    const fs::Filesystem& filesystem = *change.volume->filesystem;
    drift::HostFile file;
    file.path = change.path.substr(1);
    file.stat = change.stat;
    if (change.stat.type == fs::NodeType::kRegular) {
      file.kind = fs::overlay::GuessContentKind(
          fs::overlay::ReadFirstBytes(filesystem, change.node).value_or(""));
      if (file.kind == ContentKind::kText || file.kind == ContentKind::kScript) {
        file.text =
            fs::ReadWholeFile(filesystem, change.node, limits::kMaxSmallFileBytes).value_or("");
      }
    }
    file.is_new = change.stat.created && *found_.since <= *change.stat.created;
    AddOwner(change, file);
    std::vector<const runtime::Container*> writers;
    if (change.volume == root_) writers = Writers(change, file);
    const auto verdict = drift::CheckHostFile(file);
    if (!verdict) return;
    drift::Subject subject = context_.Host();
    if (writers.size() == 1 && writers.front()->pod) {
      subject.name_space = writers.front()->pod->namespace_name;
      subject.pod = writers.front()->pod->name;
    }
    std::string sha256 = change.sha256;
    if (sha256.empty() && change.stat.type == fs::NodeType::kRegular) {
      sha256 = HashFile(filesystem, change.node, nullptr).value_or("");
    }
    detect::Finding finding = drift::MakeFinding(
        *verdict, subject, change.path,
        fmt::format("The {} {} {} of the node was {} while containers ran: content of {}, inode "
                    "of {}.",
                    drift::KindWords(change.stat, file.kind), change.path,
                    FileFacts(change.stat, sha256), file.is_new ? "made" : "changed",
                    FormatTimestamp(change.stat.modified), FormatTimestamp(change.stat.changed)),
        change.volume == root_ ? "" : change.volume->name);
    finding.first = finding.last = change.stat.changed;
    if (*found_.since <= change.stat.modified && change.stat.modified < change.stat.changed) {
      finding.first = change.stat.modified;
    }
    context_.findings.push_back(std::move(finding));
  }

  void AddOwner(const HostChange& change, drift::HostFile& file) const {
    const auto& owners = owners_.at(change.volume);
    const auto found = owners.find(file.path);
    if (found == owners.end()) return;
    file.package = found->second.package;
    const auto& installed = found->second.installed;
    if (!installed) return;
    // Packages bring the times of their files along, so content is older than the change.
    const int64_t apart = change.stat.changed.seconds - installed->seconds;
    file.installed_then = change.stat.modified < *found_.since && apart >= -kInstallSeconds &&
                          apart <= kInstallSeconds;
  }

  std::vector<const runtime::Container*> Writers(const HostChange& change,
                                                 drift::HostFile& file) const {
    std::vector<const runtime::Container*> writers;
    for (const runtime::Container& container : context_.inventory.containers) {
      if (!RanAt(container, change.stat.changed) || !CanWrite(container, change.path)) continue;
      if (BelongsToNode(container, context_.inventory)) {
        file.system_writer = true;
        continue;
      }
      writers.push_back(&container);
      file.writers.push_back(NameOf(container));
    }
    return writers;
  }

  DriftContext& context_;
  const Volume* root_ = nullptr;
  const HostFindings& found_;
  std::map<const Volume*, std::map<std::string, Owner, std::less<>>> owners_;
};

// Files deleted while open, and the folders they were in: deleting a name sets the folder's time
// of modification and the file's time of change to the same moment.
class DeletedDrift {
 public:
  DeletedDrift(DriftContext& context, const Volume& volume) : context_(context), volume_(volume) {}

  void Run() {
    for (const fs::DeletedNode& deleted : volume_.filesystem->Deleted()) {
      const auto stat = volume_.filesystem->GetStat(deleted.node);
      if (!stat) continue;  // FindOnHost reported it
      File file{deleted, {}, {}};
      file.facts.stat = *stat;
      if (stat->type != fs::NodeType::kRegular) continue;
      file.facts.kind = fs::overlay::GuessContentKind(
          fs::overlay::ReadFirstBytes(*volume_.filesystem, deleted.node).value_or(""));
      if (drift::CheckDeletedFile(file.facts)) files_.push_back(std::move(file));
    }
    if (files_.empty()) return;
    FindFolders();
    for (File& file : files_) Add(file);
  }

 private:
  struct File {
    fs::DeletedNode deleted;
    drift::DeletedFile facts;
    std::vector<std::string> folders;  // that changed at that moment
  };

  void FindFolders() {
    std::map<Timestamp, std::vector<File*>> by_time;
    for (File& file : files_) by_time[file.facts.stat.changed].push_back(&file);
    const auto visit = [&](const fs::WalkItem& item) {
      if (item.stat.type != fs::NodeType::kDirectory) return fs::WalkStep::kContinue;
      const auto found = by_time.find(item.stat.modified);
      if (found == by_time.end()) return fs::WalkStep::kContinue;
      for (File* file : found->second) {
        if (file->folders.size() < kMostFolders) file->folders.push_back(item.path);
      }
      return fs::WalkStep::kContinue;
    };
    const auto walked =
        fs::Walk(*volume_.filesystem, volume_.filesystem->root(), context_.diagnostics, visit,
                 &context_.progress, fs::WalkStat::kDirectories);
    static_cast<void>(walked);  // cancelled: the caller asks
  }

  // The container whose own layer holds a folder of this volume, and the folder in its view.
  struct Owner {
    const runtime::Container* container = nullptr;
    std::string folder;
  };
  Owner OwnerOf(const std::string& folder) const {
    for (const runtime::Container& container : context_.inventory.containers) {
      for (const auto& own : {container.layers.upper, container.native_root}) {
        if (!own || own->filesystem != volume_.filesystem.get()) continue;
        if (!IsWithin("/" + folder, "/" + own->path)) continue;
        const size_t begin = own->path.size() + 1;
        return {&container, folder.size() < begin ? "" : folder.substr(begin)};
      }
    }
    return {nullptr, folder};
  }

  void Add(File& file) {
    std::optional<Owner> owner;
    bool is_one = true;
    for (const std::string& folder : file.folders) {
      const Owner candidate = OwnerOf(folder);
      if (owner && owner->container != candidate.container) is_one = false;
      if (!owner) owner = candidate;
    }
    if (!is_one || file.folders.size() >= kMostFolders) owner.reset();
    std::string where = "Which folder it was in cannot be told.";
    drift::Subject subject = context_.Host();
    std::string path;
    if (owner) {
      file.facts.in_container = owner->container != nullptr;
      if (owner->container != nullptr) subject = context_.Of(*owner->container);
      if (file.folders.size() == 1) {
        file.facts.folder = owner->folder;
        path = "/" + owner->folder;
      }
      where = fmt::format("It was in {}{}: that folder changed at the very moment of the deletion.",
                          path.empty() ? "a folder" : path,
                          owner->container != nullptr ? " of " + NameOf(*owner->container)
                                                      : std::string(" of the node"));
    }
    const auto verdict = drift::CheckDeletedFile(file.facts);
    if (!verdict) return;
    const uint64_t inode = static_cast<uint64_t>(file.deleted.node);
    const fs::Stat& stat = file.facts.stat;
    detect::Finding finding = drift::MakeFinding(
        *verdict, subject, path,
        fmt::format(
            "The {} of inode {} {} on {} was deleted at {} and not let go of ({}). {} Its bytes "
            "can be read as inode:{}.",
            drift::KindWords(stat, file.facts.kind), inode,
            FileFacts(stat, HashFile(*volume_.filesystem, file.deleted.node, nullptr).value_or("")),
            volume_.name, FormatTimestamp(stat.changed), file.deleted.how, where, inode),
        fmt::format("{}:{}", volume_.name, inode));
    finding.object = fmt::format("inode:{}", inode);
    finding.first = std::min(stat.modified, stat.changed);
    finding.last = stat.changed;
    context_.findings.push_back(std::move(finding));
  }

  static constexpr size_t kMostFolders = 8;  // more say nothing

  DriftContext& context_;
  const Volume& volume_;
  std::vector<File> files_;
};

}  // namespace

Result<void> AddHostDrift(DriftContext& context) {
  HostDrift(context).Run();
  for (const Volume& volume : context.evidence.volumes()) {
    if (volume.filesystem) DeletedDrift(context, volume).Run();
  }
  if (context.progress.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
  return {};
}

}  // namespace ekshume::casefile
