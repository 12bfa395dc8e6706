// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/limits.h"
#include "casefile/detection/drift_context.h"
#include "casefile/file_hash.h"
#include "casefile/risks.h"
#include "fs/overlay/compare.h"
#include "fs/path.h"
#include "fs/walk.h"

namespace ekshume::casefile {
namespace {

namespace drift = detect::drift;

// What comes up with a node does so within this time.
constexpr int64_t kNodeStartSeconds = 900;

// Where a container of the pod sees a file of a volume.
struct SeenAt {
  const runtime::Container* container = nullptr;
  std::string path;
};
SeenAt InContainer(const DriftContext& context, const runtime::Pod& pod,
                   const runtime::PodVolume& volume, const std::string& path) {
  SeenAt seen;
  for (const runtime::Container& container : context.inventory.containers) {
    if (!container.pod || container.pod->uid != pod.uid) continue;
    for (const runtime::Mount& mount : container.mounts) {
      if (mount.source != "/" + volume.directory.path) continue;
      if (seen.container != nullptr) return {};  // several: the path on the host says more
      seen = {&container, mount.destination + "/" + path};
    }
  }
  return seen;
}

void AddVolume(DriftContext& context, const runtime::Pod& pod, const runtime::PodVolume& volume) {
  const fs::Filesystem* filesystem = volume.directory.filesystem;
  if (volume.in_memory || filesystem == nullptr || !volume.plugin.ends_with("~empty-dir")) return;
  const auto root = fs::ResolvePath(*filesystem, volume.directory.path);
  if (!root) return;
  std::optional<Timestamp> start;
  for (const runtime::Container& container : context.inventory.containers) {
    if (container.pod && container.pod->uid == pod.uid && container.started &&
        (!start || *start < *container.started)) {
      start = container.started;
    }
  }
  size_t count = 0;
  const auto visit = [&](const fs::WalkItem& item) {
    if (item.stat.type != fs::NodeType::kRegular) return fs::WalkStep::kContinue;
    if (++count > limits::kMaxArtifactFiles) return fs::WalkStep::kStop;
    drift::VolumeFile file;
    file.path = item.path;
    file.stat = item.stat;
    file.made_by_start = start && item.stat.changed <= *start;
    file.kind = fs::overlay::GuessContentKind(
        fs::overlay::ReadFirstBytes(*filesystem, item.node).value_or(""));
    const auto verdict = drift::CheckVolumeFile(file);
    if (!verdict) return fs::WalkStep::kContinue;
    const SeenAt seen = InContainer(context, pod, volume, item.path);
    const std::string host_path = fmt::format("/{}/{}", volume.directory.path, item.path);
    detect::Finding finding = drift::MakeFinding(
        *verdict, seen.container != nullptr ? context.Of(*seen.container) : context.Of(pod),
        seen.container != nullptr ? seen.path : host_path,
        fmt::format("The {} {} {} lies in the volume {} of the pod {}/{}, written {}.",
                    drift::KindWords(file.stat, file.kind), host_path,
                    FileFacts(file.stat, HashFile(*filesystem, item.node, nullptr).value_or("")),
                    volume.name, pod.namespace_name, pod.name,
                    FormatTimestamp(item.stat.modified)));
    finding.first = finding.last = item.stat.changed;
    context.findings.push_back(std::move(finding));
    return fs::WalkStep::kContinue;
  };
  const auto walked = fs::Walk(*filesystem, *root, context.diagnostics, visit, &context.progress);
  static_cast<void>(walked);  // cancelled: asked for after each volume
}

}  // namespace

drift::HostReach ReachOf(const runtime::Container& container, const runtime::Inventory& inventory) {
  drift::HostReach reach;
  reach.access = HostAccess(container);
  const std::string name_space = container.pod ? container.pod->namespace_name : "";
  reach.is_known = drift::IsKnownAgent(container.image, name_space);
  reach.imitates_system = drift::IsSystemNamespace(name_space) && !reach.is_known;
  if (!container.pod) return reach;
  std::optional<Timestamp> first;
  const runtime::Pod* own = nullptr;
  for (const runtime::Pod& pod : inventory.pods) {
    if (pod.created && (!first || *pod.created < *first)) first = pod.created;
    if (pod.uid == container.pod->uid) own = &pod;
  }
  // Only a DaemonSet's and a StatefulSet's pods have this label, and the latter a number besides.
  const bool of_set = own != nullptr && own->labels.contains("controller-revision-hash") &&
                      !own->labels.contains("statefulset.kubernetes.io/pod-name");
  reach.of_node_set =
      of_set && own->created && own->created->seconds - first->seconds <= kNodeStartSeconds;
  return reach;
}

bool BelongsToNode(const runtime::Container& container, const runtime::Inventory& inventory) {
  const drift::HostReach reach = ReachOf(container, inventory);
  return reach.is_known || reach.of_node_set;
}

void AddReach(DriftContext& context, const runtime::Container& container) {
  if (container.kind == runtime::ContainerKind::kSandbox) return;
  const drift::HostReach reach = ReachOf(container, context.inventory);
  const auto verdict = drift::CheckHostReach(reach);
  if (!verdict) return;
  const drift::Subject subject = context.Of(container);
  const std::string name =
      container.pod ? fmt::format("{}/{} ({})", subject.name_space, subject.pod, subject.container)
                    : subject.container;
  detect::Finding finding = drift::MakeFinding(
      *verdict, subject, "",
      fmt::format("The container {} of the image {} may reach its host.", name, container.image));
  finding.object = container.image;
  finding.first = finding.last = container.created ? container.created : container.started;
  context.findings.push_back(std::move(finding));
}

void AddVolumeDrift(DriftContext& context) {
  for (const runtime::Pod& pod : context.inventory.pods) {
    for (const runtime::PodVolume& volume : pod.volumes) AddVolume(context, pod, volume);
  }
}

}  // namespace ekshume::casefile
