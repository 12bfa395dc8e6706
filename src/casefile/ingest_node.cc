// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "artifact/format.h"
#include "base/limits.h"
#include "base/text.h"
#include "casefile/changes.h"
#include "casefile/container_view.h"
#include "casefile/ingest.h"
#include "casefile/ingest_feed.h"
#include "fs/path.h"
#include "fs/walk.h"

namespace ekshume::casefile {
namespace {

using event::Text;

// Where logs lie on a host and in containers.
constexpr std::string_view kLogFolders[] = {"/var/log", "/run/log"};
constexpr std::string_view kDockerContainers = "/var/lib/docker/containers";

// Files of these folders that artifacts read, as logs or because they are no text.
bool IsArtifact(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const std::string_view folder = path.substr(0, path.size() - name.size());
  if (name.ends_with(".xz") || name.ends_with(".zst") || name.ends_with(".bz2")) return false;
  if (folder == "/var/log/" && (name.starts_with("dpkg.log") || name.starts_with("dnf.rpm.log") ||
                                name == "cloud-init.log" || name == "cloud-init-output.log")) {
    return true;
  }
  if (folder == "/var/log/apt/" && name.starts_with("history.log")) return true;
  return name.ends_with(".journal") || name.ends_with(".journal~") || name == "lastlog" ||
         name.starts_with("wtmp") || name.starts_with("btmp") || name == "faillog" ||
         name == "tallylog";
}

// Hands the events of artifacts to the feed with what the view knows.
class ArtifactOutput final : public artifact::Output {
 public:
  ArtifactOutput(IngestFeed& feed, uint32_t item, std::string evidence, event::Event defaults)
      : feed_(feed), item_(item), evidence_(std::move(evidence)), defaults_(std::move(defaults)) {}

  void set_source(std::string_view source) { source_ = source; }

  void Add(const event::Event& event, std::string_view path, uint64_t offset) override {
    copy_ = event;
    if (copy_[Text::kSource].empty()) copy_[Text::kSource] = source_;
    if (copy_.time && copy_[Text::kTimeKind].empty()) copy_[Text::kTimeKind] = "Event Time";
    for (const Text column : {Text::kCluster, Text::kNode, Text::kNamespace, Text::kPod,
                              Text::kPodUid, Text::kContainer, Text::kContainerId, Text::kImage}) {
      if (copy_[column].empty()) copy_[column] = defaults_[column];
    }
    feed_.AddRow(item_, copy_, path.empty() ? evidence_ : fmt::format("{}:{}", evidence_, path),
                 offset);
  }

 private:
  IngestFeed& feed_;
  const uint32_t item_;
  const std::string evidence_;
  const event::Event defaults_;
  std::string_view source_;
  event::Event copy_;
};

class NodeFeed {
 public:
  NodeFeed(const Evidence& evidence, const runtime::Inventory& inventory, IngestFeed& feed,
           uint32_t item, DiagnosticSink& diagnostics)
      : evidence_(evidence),
        inventory_(inventory),
        feed_(feed),
        item_(item),
        diagnostics_(diagnostics) {
    const runtime::NodeIdentity& node = inventory.node;
    node_[Text::kNode] = node.node_name.empty() ? node.hostname : node.node_name;
    node_[Text::kCluster] = node.cluster;
    for (const runtime::Container& container : inventory.containers) {
      by_id_[container.id] = &container;
      if (container.pod) {
        by_pod_[container.pod->uid + "/" + container.pod->container].push_back(&container);
      }
    }
  }

  Result<void> Run() {
    for (const Volume& volume : evidence_.volumes()) {
      if (!volume.filesystem) continue;
      EKSHUME_TRY(ReadHost(volume));
    }
    for (const runtime::Container& container : inventory_.containers) {
      EKSHUME_TRY(ReadContainer(container));
    }
    return {};
  }

 private:
  Result<void> ReadHost(const Volume& volume) {
    artifact::View view;
    view.filesystem = volume.filesystem.get();
    view.inventory = &inventory_;
    view.evidence = volume.name;
    EKSHUME_TRY(ReadArtifacts(view, node_, !host_only_done_));
    host_only_done_ = true;
    for (const std::string_view folder : kLogFolders) {
      EKSHUME_TRY(ReadLogs(view, folder, node_));
    }
    return ReadLogs(view, kDockerContainers, node_);
  }

  Result<void> ReadContainer(const runtime::Container& container) {
    if (!container.recovered.empty() && !container.layers.upper && !container.native_root) {
      return {};
    }
    const Result<FileView> files = OpenContainer(container, diagnostics_);
    if (!files) return {};  // said already by the report
    artifact::ChangedPaths changed;
    size_t left_out = 0;
    if (files->overlay != nullptr && files->own_layer_count > 0) {
      const Result<void> walked =
          fs::overlay::VisitDifferences(*files->overlay, files->own_layer_count, diagnostics_,
                                        [&](const fs::overlay::DiffEntry& entry) {
                                          if (!entry.node) return;
                                          if (changed.size() < limits::kMaxArtifactFiles) {
                                            changed.Insert("/" + entry.path);
                                          } else {
                                            ++left_out;
                                          }
                                        });
      if (left_out > 0) {
        diagnostics_.Report(DiagnosticCode::kArtifactLimit, container.id,
                            fmt::format("kMaxArtifactFiles: {} changed files more", left_out));
      }
      if (!walked) {
        diagnostics_.Report(DiagnosticCode::kArtifactUnreadable, container.id,
                            walked.error().message);
      }
    }
    // Of a container whose files were collected while it ran nothing says what its image holds.
    const bool is_whole = container.native_root && files->own_layer_count == 0;
    if (changed.empty() && !is_whole) return {};
    artifact::View view;
    view.filesystem = files->filesystem.get();
    view.is_container = true;
    view.evidence = fmt::format("container {}", container.id.substr(0, 12));
    if (!is_whole) view.changed = &changed;
    const event::Event defaults = Defaults(container);
    EKSHUME_TRY(ReadArtifacts(view, defaults, false));
    for (const std::string_view folder : kLogFolders) {
      EKSHUME_TRY(ReadLogs(view, folder, defaults));
    }
    return {};
  }

  event::Event Defaults(const runtime::Container& container) const {
    event::Event event = node_;
    event[Text::kContainerId] = container.id;
    event[Text::kContainer] = container.name;
    event[Text::kImage] = container.image;
    if (container.pod) {
      event[Text::kNamespace] = container.pod->namespace_name;
      event[Text::kPod] = container.pod->name;
      event[Text::kPodUid] = container.pod->uid;
      event[Text::kContainer] = container.pod->container;
    }
    return event;
  }

  Result<void> ReadArtifacts(const artifact::View& view, const event::Event& defaults,
                             bool host_only) {
    ArtifactOutput output(feed_, item_, view.evidence, defaults);
    for (const artifact::Format* format : artifact::Formats()) {
      if (feed_.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
      if (format->host_only() && !host_only) continue;
      output.set_source(format->name());
      format->Read(view, output, diagnostics_);
    }
    feed_.Flush();
    return {};
  }

  Result<void> ReadLogs(const artifact::View& view, std::string_view folder,
                        const event::Event& defaults) {
    const Result<fs::NodeId> start = fs::ResolvePath(*view.filesystem, folder);
    if (!start) return {};
    struct Found {
      std::string path;
      fs::NodeId node;
      fs::Stat stat;
    };
    std::vector<Found> found;
    const Result<void> walked =
        fs::Walk(*view.filesystem, *start, diagnostics_, [&](const fs::WalkItem& file) {
          std::string path = fs::JoinPath(folder, file.path);
          if (file.stat.type == fs::NodeType::kDirectory && view.changed != nullptr &&
              !view.changed->ContainsBelow(path)) {
            return fs::WalkStep::kSkipChildren;
          }
          if (file.stat.type == fs::NodeType::kRegular && file.stat.size_bytes > 0 &&
              !IsArtifact(path) && (view.changed == nullptr || view.changed->Contains(path)) &&
              (folder != kDockerContainers || path.contains("-json.log"))) {
            found.push_back({std::move(path), file.node, file.stat});
          }
          return found.size() < limits::kMaxArtifactFiles ? fs::WalkStep::kContinue
                                                          : fs::WalkStep::kStop;
        });
    if (!walked) {
      diagnostics_.Report(DiagnosticCode::kArtifactUnreadable,
                          fmt::format("{}:{}", view.evidence, folder), walked.error().message);
    }
    for (const Found& file : found) {
      const std::string evidence = fmt::format("{}:{}", view.evidence, file.path);
      const Result<std::unique_ptr<fs::File>> opened = view.filesystem->OpenFile(file.node);
      if (!opened) {
        diagnostics_.Report(DiagnosticCode::kArtifactUnreadable, evidence, opened.error().message);
        continue;
      }
      log::FileInput input(**opened);
      log::Stream stream;
      stream.path = file.path;
      stream.written = file.stat.modified;
      stream.defaults = defaults;
      Attribute(file.path, stream.defaults);
      log::Leaf leaf;
      leaf.evidence = evidence;
      leaf.path = file.path;
      Result<void> added = {};
      const Result<void> unpacked =
          log::Unpack(input, file.stat.size_bytes, leaf, diagnostics_, [&](const log::Leaf& inner) {
            if (!added) return;
            log::Stream own = stream;
            added = feed_.AddLeaf(item_, inner, std::move(own));
          });
      EKSHUME_TRY(std::move(added));
      if (!unpacked) {
        diagnostics_.Report(DiagnosticCode::kArtifactUnreadable, evidence,
                            unpacked.error().message);
      }
    }
    return {};
  }

  // Whose log this is: what the stores say of the container that the path names.
  void Attribute(std::string_view path, event::Event& event) const {
    const std::vector<std::string_view> parts = SplitNonEmpty(path, '/');
    const runtime::Container* container = nullptr;
    if (parts.size() >= 6 && parts[2] == "pods") {
      // var log pods NAMESPACE_POD_UID CONTAINER N.log
      const std::string uid(parts[3].substr(parts[3].rfind('_') + 1));
      const auto same = by_pod_.find(uid + "/" + std::string(parts[4]));
      if (same == by_pod_.end()) return;
      const std::string_view number = parts[5].substr(0, parts[5].find('.'));
      for (const runtime::Container* candidate : same->second) {
        const bool fits =
            candidate->restart_count && fmt::format("{}", *candidate->restart_count) == number;
        if (fits || same->second.size() == 1) container = candidate;
      }
    } else if (parts.size() >= 5 && parts[3] == "containers") {
      const auto same = by_id_.find(std::string(parts[4]));
      if (same != by_id_.end()) container = same->second;
    }
    if (container != nullptr) event = Defaults(*container);
  }

  const Evidence& evidence_;
  const runtime::Inventory& inventory_;
  IngestFeed& feed_;
  const uint32_t item_;
  DiagnosticSink& diagnostics_;
  event::Event node_;
  bool host_only_done_ = false;
  std::map<std::string, const runtime::Container*> by_id_;
  std::map<std::string, std::vector<const runtime::Container*>> by_pod_;
};

// What makes the same evidence the same item again: its files with size and modification time. Its
// SHA-256, which takes long, is in the custody ledger.
std::string NodeKey(const Evidence& evidence) {
  std::string key = "node";
  for (const std::string& path : evidence.files()) {
    std::error_code error;
    const uint64_t size = std::filesystem::file_size(path, error);
    const auto modified = std::filesystem::last_write_time(path, error);
    key += fmt::format("\n{}:{}:{}", std::filesystem::path(path).filename().string(), size,
                       modified.time_since_epoch().count());
  }
  for (const Volume& volume : evidence.volumes()) {
    if (!volume.disk) key += "\nfolder:" + volume.name;
  }
  return key;
}

// What the stores say of who belongs to whom.
std::vector<event::Link> LinksOf(const runtime::Inventory& inventory) {
  std::vector<event::Link> links;
  const auto add = [&](const char* kind, const char* left_field, const std::string& left,
                       const char* right_field, const std::string& right,
                       const std::optional<Timestamp>& seen, const std::string& source) {
    if (left.empty() || right.empty()) return;
    links.push_back({kind, left_field, left, right_field, right, seen, source});
  };
  for (const runtime::Container& container : inventory.containers) {
    if (container.layers.upper) {
      add("snapshot_of", "snapshot", "/" + container.layers.upper->path, "container_id",
          container.id, container.created, container.runtime);
    }
    if (!container.pod) continue;
    add("container_of", "container_id", container.id, "pod_uid", container.pod->uid,
        container.created, container.runtime);
    add("address_of", "pod_ip", container.ip_address, "pod_uid", container.pod->uid,
        container.created, container.runtime);
  }
  for (const runtime::Pod& pod : inventory.pods) {
    add("pod_of", "pod_uid", pod.uid, "pod", pod.name, pod.created, "kubelet");
    add("address_of", "pod_ip", pod.ip_address, "pod_uid", pod.uid, pod.created, "kubelet");
    add("node_of", "pod_uid", pod.uid, "node", pod.node, pod.created, "kubelet");
    if (!pod.service_account.empty()) {
      add("runs_as", "pod_uid", pod.uid, "service_account",
          pod.namespace_name + "/" + pod.service_account, pod.created, "kubelet");
    }
  }
  return links;
}

}  // namespace

Result<IngestSummary> IngestNode(const Evidence& evidence, const runtime::Inventory& inventory,
                                 const std::string& name, event::Store& store,
                                 DiagnosticSink& diagnostics, Progress& progress) {
  IngestSummary summary;
  event::Item item;
  item.key = NodeKey(evidence);
  item.name = name;
  for (const Disk& disk : evidence.disks()) item.size += disk.opened.stored_bytes;
  if (store.FindItem(item.key)) {
    summary.known.push_back(name);
    return summary;
  }
  progress.SetStage("reading artifacts and logs of the node");
  IngestFeed feed(
      [&](IngestFeed& self) {
        const uint32_t number = self.Begin(item);
        return NodeFeed(evidence, inventory, self, number, diagnostics).Run();
      },
      diagnostics, progress);
  feed.Start();
  const auto finish = [&]() -> Result<std::vector<event::Item>> {
    EKSHUME_TRY(feed.Join());
    summary.items = feed.Items();
    return summary.items;
  };
  // Reading a disk takes longer than storing what is found.
  Result<void> stored = store.Ingest(feed, finish, event::Effort::kSparing);
  static_cast<void>(feed.Join());
  EKSHUME_TRY(std::move(stored));
  EKSHUME_TRY(store.AddLinks(LinksOf(inventory)));
  return summary;
}

}  // namespace ekshume::casefile
