// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/file_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <thread>

#include "base/limits.h"
#include "base/parallel.h"
#include "casefile/container_view.h"
#include "casefile/detection/content_search.h"
#include "casefile/detection/problems.h"
#include "detect/indicator/index.h"
#include "detect/yara/rules.h"
#include "fs/overlay/diff.h"
#include "fs/path.h"
#include "fs/walk.h"

namespace ekshume::casefile {
namespace {

// Larger contents are held one at a time.
constexpr uint64_t kSmallFileBytes = uint64_t{8} << 20;

// Where anybody may write, and where intruders keep what they bring.
constexpr std::string_view kHostFolders[] = {"tmp",  "var/tmp", "dev/shm", "root",
                                             "home", "opt",     "srv",     "usr/local"};

// One file that is to be searched.
struct Target {
  const fs::Filesystem* filesystem = nullptr;
  fs::NodeId node{};
  // What `filesystem` belongs to, where the evidence does not own it.
  std::shared_ptr<const FileView> view;
  FileOfCase file;
};

struct Searched {
  FileOfCase file;
  ContentFindings found;
  std::string failure;
};

class FileScan {
 public:
  FileScan(const Evidence& evidence, const runtime::Inventory& inventory, const FileRules& rules,
           DiagnosticSink& diagnostics, Progress& progress)
      : evidence_(evidence),
        inventory_(inventory),
        diagnostics_(diagnostics),
        progress_(progress),
        search_(rules),
        pipeline_(
            Threads(), Threads() * 4, [this](Target&& target) { return Search(target); },
            [this](Searched&& searched) { Take(std::move(searched)); }) {
    const runtime::NodeIdentity& node = inventory.node;
    host_.node = node.node_name.empty() ? node.hostname : node.node_name;
    host_.cluster = node.cluster;
  }

  std::vector<detect::Finding> Run(const HostFindings& host) {
    progress_.SetStage("searching files");
    for (const runtime::Container& container : inventory_.containers) PushContainer(container);
    for (const HostChange& change : host.changes) PushHostChange(change);
    if (host.since) {
      for (const Volume& volume : evidence_.volumes()) PushHostFolders(volume, *host.since);
    }
    for (const runtime::Pod& pod : inventory_.pods) PushPod(pod);
    for (const Volume& volume : evidence_.volumes()) PushDeleted(volume);
    pipeline_.Finish();
    if (left_out_ > 0) {
      diagnostics_.Report(DiagnosticCode::kScanLimit, "files",
                          fmt::format("{} further findings (kMaxFindings)", left_out_));
    }
    SortFindings(findings_);
    return std::move(findings_);
  }

 private:
  static size_t Threads() { return std::max(1U, std::thread::hardware_concurrency()); }

  void PushContainer(const runtime::Container& container) {
    if (progress_.cancelled()) return;
    if (!container.layers.upper && !container.native_root) return;
    Result<FileView> opened = OpenContainer(container, diagnostics_);
    if (!opened) return;  // said already by who lists the containers
    const auto view = std::make_shared<const FileView>(std::move(*opened));
    if (view->overlay == nullptr || view->own_layer_count == 0) return;
    FileOfCase file = host_;
    file.subject = fmt::format("container {}", container.id.substr(0, 12));
    file.container_id = container.id;
    if (container.pod) {
      file.name_space = container.pod->namespace_name;
      file.pod = container.pod->name;
    }
    const Result<void> walked = fs::overlay::VisitDifferences(
        *view->overlay, view->own_layer_count, diagnostics_,
        [&](const fs::overlay::DiffEntry& entry) {
          const bool has_own_content = entry.change == fs::overlay::Change::kAdded ||
                                       entry.change == fs::overlay::Change::kModified;
          if (!has_own_content || !entry.node || progress_.cancelled()) return;
          file.path = "/" + entry.path;
          file.how = entry.change == fs::overlay::Change::kAdded ? "added in the container"
                                                                 : "changed in the container";
          Push(*view->filesystem, *entry.node, entry.stat, file, view);
        },
        &progress_);
    if (!walked && walked.error().code != ErrorCode::kCancelled) {
      diagnostics_.Report(DiagnosticCode::kArtifactUnreadable, container.id,
                          walked.error().message);
    }
  }

  void PushHostChange(const HostChange& change) {
    if (change.volume == nullptr || !change.volume->filesystem) return;
    if (!IsNew(*change.volume, change.node)) return;
    FileOfCase file = host_;
    file.subject = change.volume->name;
    file.path = change.path;
    file.how = "on the node: " + change.why;
    Push(*change.volume->filesystem, change.node, change.stat, file, nullptr);
  }

  void PushHostFolders(const Volume& volume, Timestamp since) {
    if (!volume.filesystem) return;
    for (const std::string_view folder : kHostFolders) {
      const Result<fs::NodeId> start =
          fs::ResolvePath(*volume.filesystem, folder, fs::FollowLast::kNo);
      if (!start) continue;
      PushFolder(*volume.filesystem, *start, "/" + std::string(folder), host_, &volume, since);
    }
  }

  // Files of pods that are no container's: what lies in their empty directories.
  void PushPod(const runtime::Pod& pod) {
    for (const runtime::PodVolume& volume : pod.volumes) {
      const runtime::Location& place = volume.directory;
      if (place.filesystem == nullptr || volume.plugin != "kubernetes.io~empty-dir") continue;
      const Result<fs::NodeId> start =
          fs::ResolvePath(*place.filesystem, place.path, fs::FollowLast::kNo);
      if (!start) continue;
      FileOfCase file = host_;
      file.name_space = pod.namespace_name;
      file.pod = pod.name;
      file.how = fmt::format("in the pod's empty directory {}", volume.name);
      PushFolder(*place.filesystem, *start, "/" + place.path, file,
                 evidence_.VolumeOf(place.filesystem), Timestamp{INT64_MIN, 0});
    }
  }

  void PushFolder(const fs::Filesystem& filesystem, fs::NodeId start, const std::string& path,
                  FileOfCase file, const Volume* volume, Timestamp since) {
    if (volume != nullptr) file.subject = volume->name;
    const Result<void> walked = fs::Walk(
        filesystem, start, diagnostics_,
        [&](const fs::WalkItem& item) {
          if (item.stat.type != fs::NodeType::kRegular || item.stat.changed < since) {
            return fs::WalkStep::kContinue;
          }
          if (volume != nullptr && !IsNew(*volume, item.node)) return fs::WalkStep::kContinue;
          file.path = fs::JoinPath(path, item.path);
          if (file.pod.empty()) file.how = "on the node";
          Push(filesystem, item.node, item.stat, file, nullptr);
          return fs::WalkStep::kContinue;
        },
        &progress_);
    (void)walked;  // Cancelled: what was found so far stands.
  }

  void PushDeleted(const Volume& volume) {
    if (!volume.filesystem) return;
    for (const fs::DeletedNode& deleted : volume.filesystem->Deleted()) {
      const Result<fs::Stat> stat = volume.filesystem->GetStat(deleted.node);
      if (!stat) continue;  // said already by FindOnHost()
      FileOfCase file = host_;
      file.subject = volume.name;
      file.path = fmt::format("(deleted) inode {}", static_cast<uint64_t>(deleted.node));
      file.how = "deleted while open";
      Push(*volume.filesystem, deleted.node, *stat, file, nullptr);
    }
  }

  bool IsNew(const Volume& volume, fs::NodeId node) {
    return pushed_.emplace(&volume, node).second;
  }

  void Push(const fs::Filesystem& filesystem, fs::NodeId node, const fs::Stat& stat,
            FileOfCase file, std::shared_ptr<const FileView> view) {
    if (stat.type != fs::NodeType::kRegular || stat.size_bytes == 0 || progress_.cancelled()) {
      return;
    }
    file.changed = stat.changed;
    pipeline_.Push(Target{&filesystem, node, std::move(view), std::move(file)});
  }

  Searched Search(const Target& target) {
    Searched searched{target.file, {}, {}};
    const auto opened = target.filesystem->OpenFile(target.node);
    if (!opened) {
      searched.failure = opened.error().message;
      return searched;
    }
    std::unique_lock large(large_, std::defer_lock);
    if ((*opened)->size_bytes() > kSmallFileBytes) large.lock();
    const Result<FileContent> content = ReadContent(**opened, progress_);
    if (!content) {
      if (content.error().code != ErrorCode::kCancelled) {
        searched.failure = content.error().message;
      }
      return searched;
    }
    progress_.AddBytes(content->bytes.size());
    progress_.AddItems(1);
    searched.found = search_.Search(target.file, ByteView(content->bytes), content->is_part);
    if (content->is_part) {
      searched.found.limited.push_back(
          fmt::format("only the first {} of {} bytes were searched (kMaxScannedFileBytes)",
                      limits::kMaxScannedFileBytes, (*opened)->size_bytes()));
    }
    return searched;
  }

  // In the order in which files were pushed.
  void Take(Searched&& searched) {
    const std::string& path = searched.file.path;
    if (!searched.failure.empty()) {
      diagnostics_.Report(DiagnosticCode::kFilesystemNodeUnreadable, searched.file.subject,
                          fmt::format("{}: {}", path, searched.failure));
    }
    for (const std::string& sentence : searched.found.limited) {
      diagnostics_.Report(DiagnosticCode::kScanLimit, searched.file.subject,
                          fmt::format("{}: {}", path, sentence));
    }
    for (detect::Finding& finding : searched.found.findings) {
      if (findings_.size() >= limits::kMaxFindings) {
        ++left_out_;
      } else {
        findings_.push_back(std::move(finding));
      }
    }
  }

  const Evidence& evidence_;
  const runtime::Inventory& inventory_;
  DiagnosticSink& diagnostics_;
  Progress& progress_;
  const ContentSearch search_;
  FileOfCase host_;
  std::set<std::pair<const Volume*, fs::NodeId>> pushed_;
  std::mutex large_;
  std::vector<detect::Finding> findings_;
  uint64_t left_out_ = 0;
  // Last: its threads use the others.
  OrderedPipeline<Target, Searched> pipeline_;
};

}  // namespace

Result<FileRules> LoadFileRules(const std::vector<std::string>& yara,
                                const std::vector<std::string>& indicators,
                                DiagnosticSink& diagnostics) {
  FileRules rules;
  if (!yara.empty()) {
    rules.yara = EKSHUME_TRY(detect::yara::Rules::Load(yara));
    ReportProblems(rules.yara->refused(), DiagnosticCode::kYaraRefused, rules.yara->doubtful(),
                   diagnostics);
  }
  if (!indicators.empty()) {
    rules.indicators = EKSHUME_TRY(detect::indicator::Index::Load(indicators));
    ReportProblems(rules.indicators->refused(), DiagnosticCode::kIndicatorRefused,
                   rules.indicators->doubtful(), diagnostics);
  }
  return rules;
}

std::vector<detect::Finding> ScanFiles(const Evidence& evidence,
                                       const runtime::Inventory& inventory,
                                       const HostFindings& host, const FileRules& rules,
                                       DiagnosticSink& diagnostics, Progress& progress) {
  if (rules.empty()) return {};
  return FileScan(evidence, inventory, rules, diagnostics, progress).Run(host);
}

}  // namespace ekshume::casefile
