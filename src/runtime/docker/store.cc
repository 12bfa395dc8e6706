// SPDX-License-Identifier: Apache-2.0
#include "runtime/docker/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "base/limits.h"
#include "fs/path.h"
#include "runtime/docker/containers.h"
#include "runtime/docker/format.h"
#include "runtime/docker/images.h"
#include "runtime/docker/layers.h"

namespace ekshume::runtime::docker {
namespace {

bool Sniff(const Location& location) {
  if (!IsDirectory(Below(location, kContainersDirectory))) return false;
  // Of these dockerd makes at least one before any container; other software's folders called
  // "containers" have none of them beside.
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"image", "overlay2", "buildkit", "engine-id"},
      [&](std::string_view name) {
        return fs::ResolvePath(*location.filesystem, Below(location, name).path).has_value();
      });
}

// Reads one store into the inventory, part by part.
class StoreReader {
 public:
  StoreReader(const Location& root, Inventory& inventory, DiagnosticSink& diagnostics)
      : root_(root), inventory_(inventory), diagnostics_(diagnostics) {}

  void Read() {
    for (const auto& entry : List(Below(root_, kImageDirectory), diagnostics_)) {
      auto layers = std::make_unique<LayerStore>(root_, entry.name, diagnostics_);
      if (!layers->IsSupported()) {
        unsupported_.insert(entry.name);
        continue;
      }
      for (Snapshot& snapshot : layers->Snapshots()) {
        inventory_.snapshots.push_back(std::move(snapshot));
      }
      ReadImages(root_, *layers, inventory_, diagnostics_);
      drivers_.emplace(entry.name, std::move(layers));
    }
    const Location containers = Below(root_, kContainersDirectory);
    for (const auto& entry : List(containers, diagnostics_)) ReadOne(containers, entry.name);
    RecoverMounts();
    RecoverDirectories();
  }

 private:
  void ReadOne(const Location& containers, const std::string& id) {
    const Location folder = Below(containers, id);
    const auto config = ReadDocument(Below(folder, kConfigFile), diagnostics_);
    Container container;
    if (config) {
      const auto host_config = ReadDocument(Below(folder, kHostConfigFile), diagnostics_);
      container = ReadContainer(id, *config, host_config.value_or(Json()), root_);
    } else if (IsHex64(id)) {
      // Deleted half-way, or its record is damaged.
      container = Recovered(id, "runtime folder");
    } else {
      return;
    }
    SetLayers(container);
    Add(std::move(container));
  }

  Container Recovered(const std::string& id, std::string_view what) const {
    return {.id = id,
            .name = "",
            .runtime = "docker",
            .runtime_namespace = "",
            .recovered = std::string(what),
            .store = root_};
  }

  void SetLayers(Container& container) {
    if (unsupported_.contains(container.snapshotter)) {
      diagnostics_.Report(DiagnosticCode::kRuntimeUnsupportedSnapshotter,
                          "container " + container.id, container.snapshotter);
      return;
    }
    for (const auto& [name, layers] : drivers_) {
      if (!container.snapshotter.empty() && container.snapshotter != name) continue;
      const auto mount = layers->mounts().find(container.id);
      if (mount == layers->mounts().end()) continue;
      SnapshotRoot root = layers->ContainerRoot(mount->second, "container " + container.id);
      container.layers = std::move(root.layers);
      container.native_root = std::move(root.native_root);
      container.snapshotter = name;
      for (Snapshot& snapshot : inventory_.snapshots) {
        if (snapshot.store == root_ &&
            (snapshot.id == mount->second.mount_id || snapshot.id == mount->second.init_id)) {
          snapshot.owner = container.id;
        }
      }
      return;
    }
    // With containerd's image store there is no graph driver at all.
    if (drivers_.contains(container.snapshotter)) {
      diagnostics_.Report(DiagnosticCode::kRuntimeSnapshotMissing, "container " + container.id,
                          "layerdb/mounts does not name it");
    }
  }

  // Containers that only the layer database still names.
  void RecoverMounts() {
    for (const auto& [name, layers] : drivers_) {
      for (const auto& [id, mount] : layers->mounts()) {
        if (ids_.contains(id)) continue;
        Container container = Recovered(id, "snapshot");
        SetLayers(container);
        Add(std::move(container));
      }
    }
  }

  // Writable directories that nothing names.
  void RecoverDirectories() {
    std::vector<Container> found;
    for (Snapshot& snapshot : inventory_.snapshots) {
      if (snapshot.store != root_ || !snapshot.owner.empty() || snapshot.kind != "active" ||
          !snapshot.present) {
        continue;
      }
      const auto layers = drivers_.find(snapshot.snapshotter);
      if (layers == drivers_.end()) continue;
      Container container = Recovered(snapshot.id, "snapshot");
      SnapshotRoot root =
          layers->second->ContainerRoot({snapshot.id, "", ""}, "snapshot " + snapshot.id);
      container.layers = std::move(root.layers);
      container.native_root = std::move(root.native_root);
      container.snapshotter = snapshot.snapshotter;
      snapshot.owner = container.id;
      Add(std::move(container));
    }
  }

  void Add(Container container) {
    if (inventory_.containers.size() >= limits::kMaxContainers) {
      diagnostics_.Report(DiagnosticCode::kRuntimeStoreUnreadable, Describe(root_),
                          "kMaxContainers: the store names more containers than are read");
      return;
    }
    ids_.insert(container.id);
    inventory_.containers.push_back(std::move(container));
  }

  const Location& root_;
  Inventory& inventory_;
  DiagnosticSink& diagnostics_;
  std::map<std::string, std::unique_ptr<LayerStore>> drivers_;  // by name
  std::set<std::string> unsupported_;
  std::set<std::string> ids_;  // containers of this store
};

}  // namespace

Result<void> ReadStore(const Location& root, const NodeFilesystems& /*node*/, Inventory& inventory,
                       DiagnosticSink& diagnostics) {
  StoreReader(root, inventory, diagnostics).Read();
  return {};
}

const Format kFormat{
    .name = "docker",
    .description = "dockerd with overlay2, vfs or containerd's image store",
    .sniff = Sniff,
    .read = ReadStore,
};

}  // namespace ekshume::runtime::docker
