// SPDX-License-Identifier: Apache-2.0
#include "runtime/join.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

#include "runtime/chain.h"
#include "runtime/json.h"
#include "runtime/labels.h"

namespace ekshume::runtime {
namespace {

constexpr std::string_view kDockerNamespace = "moby";
constexpr std::string_view kLastAppliedAnnotation =
    "kubectl.kubernetes.io/last-applied-configuration";

bool HasFiles(const Container& container) {
  return container.layers.upper || container.native_root || !container.layers.missing.empty();
}

void TakeFiles(Container& from, Container& to) {
  to.layers = std::move(from.layers);
  to.native_root = std::move(from.native_root);
  if (!from.snapshotter.empty()) to.snapshotter = from.snapshotter;
}

void SetIfEmpty(std::string& to, const std::string& value) {
  if (to.empty()) to = value;
}

// Gathers pods by uid, or by namespace and name where no uid is known.
class PodJoiner {
 public:
  explicit PodJoiner(Inventory& inventory) : inventory_(inventory) {}

  void Run() {
    std::vector<Pod> partial = std::move(inventory_.pods);
    inventory_.pods.clear();
    for (Pod& pod : partial) Merge(std::move(pod));
    for (const Container& container : inventory_.containers) {
      if (container.pod) AddContainer(container);
    }
    for (Container& container : inventory_.containers) Complete(container);
    for (auto& [key, pod] : pods_) {
      Finish(pod);
      inventory_.pods.push_back(std::move(pod));
    }
  }

 private:
  static std::string KeyOf(const std::string& uid, const std::string& namespace_name,
                           const std::string& name) {
    return uid.empty() ? namespace_name + "/" + name : uid;
  }

  Pod& At(const std::string& uid, const std::string& namespace_name, const std::string& name) {
    return pods_[KeyOf(uid, namespace_name, name)];
  }

  void Merge(Pod&& part) {
    Pod& pod = At(part.uid, part.namespace_name, part.name);
    pod.uid = part.uid;
    SetIfEmpty(pod.name, part.name);
    SetIfEmpty(pod.namespace_name, part.namespace_name);
    SetIfEmpty(pod.ip_address, part.ip_address);
    SetIfEmpty(pod.hostname, part.hostname);
    pod.host_network |= part.host_network;
    std::ranges::move(part.volumes, std::back_inserter(pod.volumes));
    std::ranges::move(part.log_directories, std::back_inserter(pod.log_directories));
    // A folder tells more than a log.
    if (pod.recovered.empty() || part.recovered == "pod folder") pod.recovered = part.recovered;
  }

  void AddContainer(const Container& container) {
    const PodReference& reference = *container.pod;
    Pod& pod = At(reference.uid, reference.namespace_name, reference.name);
    pod.uid = reference.uid;
    SetIfEmpty(pod.namespace_name, reference.namespace_name);
    if (container.recovered.empty() || pod.name.empty()) SetIfEmpty(pod.name, reference.name);
    if (container.created && (!pod.created || *container.created < *pod.created)) {
      pod.created = container.created;
    }
    if (container.recovered.empty()) {
      pod.recovered.clear();
      known_.insert(&pod);
    } else if (!known_.contains(&pod)) {
      SetIfEmpty(pod.recovered, container.recovered);
    }
    if (container.kind == ContainerKind::kContainer) {
      pod.containers.push_back(container.id);
      return;
    }
    AddSandbox(container, pod);
  }

  void AddSandbox(const Container& sandbox, Pod& pod) {
    const auto newest = newest_sandbox_.find(&pod);
    if (newest != newest_sandbox_.end() && newest->second->created > sandbox.created) return;
    newest_sandbox_[&pod] = &sandbox;
    pod.sandbox = sandbox.id;
    if (!sandbox.ip_address.empty()) pod.ip_address = sandbox.ip_address;
    if (!sandbox.hostname.empty()) pod.hostname = sandbox.hostname;
    pod.labels.clear();
    for (const auto& [name, value] : sandbox.labels) {
      const bool is_runtimes = name.starts_with("io.kubernetes.") ||
                               name.starts_with("io.cri-containerd.") ||
                               name.starts_with(kDockerAnnotationPrefix);
      if (!is_runtimes) pod.labels[name] = value;
    }
    pod.annotations.clear();
    for (const auto& [name, value] : sandbox.annotations) {
      if (!name.starts_with("io.kubernetes.cri.")) pod.annotations[name] = value;
    }
    pod.host_network |= sandbox.host_network;
    pod.host_pid |= sandbox.host_pid;
    pod.host_ipc |= sandbox.host_ipc;
  }

  // Gives a container what its pod knows.
  void Complete(Container& container) {
    if (!container.pod) return;
    Pod& pod = At(container.pod->uid, container.pod->namespace_name, container.pod->name);
    SetIfEmpty(container.pod->name, pod.name);
    SetIfEmpty(container.pod->namespace_name, pod.namespace_name);
    if (container.kind == ContainerKind::kContainer) SetIfEmpty(container.sandbox, pod.sandbox);
    if (container.kind == ContainerKind::kSandbox) return;
    container.host_network |= pod.host_network;
    pod.host_pid |= container.host_pid;
    pod.host_ipc |= container.host_ipc;
  }

  void Finish(Pod& pod) const {
    pod.node = inventory_.node.node_name;
    if (pod.name.empty()) pod.name = pod.hostname;
    std::ranges::sort(pod.containers);
    std::ranges::sort(pod.log_directories);
    std::ranges::sort(pod.volumes, {}, [](const PodVolume& volume) {
      return std::tie(volume.plugin, volume.name, volume.directory.path);
    });
    const auto source = pod.annotations.find("kubernetes.io/config.source");
    pod.is_static = source != pod.annotations.end() && source->second == "file";
    FindServiceAccount(pod);
  }

  // The runtime is not told a pod's service account. It shows in the manifest that kubectl keeps
  // as an annotation, and, before Kubernetes 1.24, in the name of the token's secret.
  static void FindServiceAccount(Pod& pod) {
    if (!pod.service_account.empty()) return;
    const auto applied = pod.annotations.find(std::string(kLastAppliedAnnotation));
    if (applied != pod.annotations.end()) {
      if (const auto manifest = ParseJson(applied->second)) {
        pod.service_account = Text(Member(*manifest, "spec", "serviceAccountName"));
      }
    }
    constexpr std::string_view kToken = "-token-";
    constexpr size_t kSuffixLength = 5;
    for (const PodVolume& volume : pod.volumes) {
      const size_t at = volume.name.rfind(kToken);
      if (!pod.service_account.empty() || volume.plugin != "kubernetes.io~secret" ||
          at == std::string::npos || volume.name.size() - at != kToken.size() + kSuffixLength) {
        continue;
      }
      pod.service_account = volume.name.substr(0, at);
    }
  }

  Inventory& inventory_;
  std::map<std::string, Pod> pods_;
  std::map<const Pod*, const Container*> newest_sandbox_;
  std::set<const Pod*> known_;  // named by a regular record of a runtime
};

}  // namespace

void JoinDockerWithContainerd(Inventory& inventory, DiagnosticSink& diagnostics) {
  std::map<std::string, size_t> docker;
  for (size_t i = 0; i < inventory.containers.size(); ++i) {
    if (inventory.containers[i].runtime == "docker") docker.emplace(inventory.containers[i].id, i);
  }
  std::vector<bool> merged(inventory.containers.size(), false);
  for (size_t i = 0; i < inventory.containers.size(); ++i) {
    Container& container = inventory.containers[i];
    if (container.runtime != "containerd") continue;
    const auto found = docker.find(container.id);
    if (found == docker.end()) continue;
    Container& keeper = inventory.containers[found->second];
    if (!HasFiles(keeper)) TakeFiles(container, keeper);
    if (keeper.hostname.empty()) keeper.hostname = container.hostname;
    merged[i] = true;
  }
  const SnapshotIndex snapshots(inventory.snapshots);
  for (const auto& [id, at] : docker) {
    Container& container = inventory.containers[at];
    // A stopped container has no record in containerd, only its snapshot.
    for (size_t i = 0; i < inventory.snapshots.size() && !HasFiles(container); ++i) {
      Snapshot& snapshot = inventory.snapshots[i];
      if (snapshot.runtime_namespace != kDockerNamespace || snapshot.key != id) continue;
      SnapshotRoot root = snapshots.Resolve(ScopeOf(snapshot), id, "container " + id, diagnostics);
      container.layers = std::move(root.layers);
      container.native_root = std::move(root.native_root);
      container.snapshotter = snapshot.snapshotter;
      snapshot.owner = id;
    }
    for (Snapshot& snapshot : inventory.snapshots) {
      if (snapshot.key != id + "-init" || snapshot.runtime_namespace != kDockerNamespace) continue;
      snapshot.owner = id;
      if (!container.layers.lower.empty() && container.layers.lower.front() == snapshot.directory) {
        container.layers.init_layer_count = 1;
      }
    }
  }
  std::vector<Container> kept;
  for (size_t i = 0; i < inventory.containers.size(); ++i) {
    if (!merged[i]) kept.push_back(std::move(inventory.containers[i]));
  }
  inventory.containers = std::move(kept);
}

void JoinPods(Inventory& inventory) { PodJoiner(inventory).Run(); }

void SortInventory(Inventory& inventory) {
  std::ranges::stable_sort(inventory.containers, {}, [](const Container& container) {
    return std::tie(container.id, container.runtime, container.store.path);
  });
  std::ranges::stable_sort(inventory.images, {}, [](const Image& image) {
    return std::tie(image.id, image.runtime, image.runtime_namespace, image.digest,
                    image.store.path);
  });
  std::ranges::stable_sort(inventory.pods, {}, [](const Pod& pod) {
    return std::tie(pod.namespace_name, pod.name, pod.uid);
  });
  std::ranges::stable_sort(inventory.snapshots, {}, [](const Snapshot& snapshot) {
    // Ids are decimal numbers or hexadecimal digests: shorter is smaller.
    using Order = std::tuple<const std::string&, const std::string&, size_t, const std::string&,
                             const std::string&>;
    return Order(snapshot.store.path, snapshot.snapshotter, snapshot.id.size(), snapshot.id,
                 snapshot.key);
  });
}

}  // namespace ekshume::runtime
