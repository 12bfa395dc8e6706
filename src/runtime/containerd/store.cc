// SPDX-License-Identifier: Apache-2.0
#include "runtime/containerd/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "base/limits.h"
#include "fs/path.h"
#include "runtime/chain.h"
#include "runtime/containerd/containers.h"
#include "runtime/containerd/content.h"
#include "runtime/containerd/decode.h"
#include "runtime/containerd/format.h"
#include "runtime/containerd/images.h"
#include "runtime/containerd/recover.h"
#include "runtime/containerd/snapshots.h"
#include "runtime/containerd/snapshotter.h"
#include "runtime/image_config.h"
#include "runtime/open_database.h"

namespace ekshume::runtime::containerd {
namespace {

bool Sniff(const Location& location) {
  const auto node = fs::ResolvePath(*location.filesystem, location.path);
  if (!node) return false;
  bool found = false;
  const auto read = location.filesystem->ReadDirectory(*node, [&](fs::DirectoryEntry&& entry) {
    found = entry.name.starts_with(kPluginPrefix) &&
            (entry.name.starts_with(kSnapshotterPrefix) || kMetadataPath.starts_with(entry.name) ||
             kBlobsPath.starts_with(entry.name) || entry.name == kCriPath);
    return !found;
  });
  return read.has_value() && found;
}

void CheckVersion(const bolt::Bucket& v1, const Location& store, DiagnosticSink& diagnostics) {
  const auto version = DecodeVarint(v1.Get(kBucketVersion).value_or(""));
  if (version && *version > kNewestKnownVersion) {
    diagnostics.Report(
        DiagnosticCode::kRuntimeFeatureNewer, Describe(store),
        fmt::format("metadata version {}, the newest known is {}", *version, kNewestKnownVersion));
  }
}

// Reads one store into the inventory, part by part.
class StoreReader {
 public:
  StoreReader(const Location& store, const NodeFilesystems& node, Inventory& inventory,
              DiagnosticSink& diagnostics)
      : store_(store),
        node_(node),
        inventory_(inventory),
        diagnostics_(diagnostics),
        content_(Below(store, kBlobsPath), diagnostics),
        tasks_(ReadRunningTasks(store, diagnostics)),
        first_image_(inventory.images.size()) {}

  void Read() {
    const Location file = Below(store_, kMetadataPath);
    const auto database = OpenDatabase(file, diagnostics_);
    const auto v1 = database ? database->root().Child(kSchemaVersion) : std::nullopt;
    if (v1) CheckVersion(*v1, store_, diagnostics_);
    ReadSnapshots(v1, store_, node_, inventory_, diagnostics_);
    const SnapshotIndex snapshots(inventory_.snapshots);
    if (v1) {
      v1->ForEachChild([&](std::string_view name, const bolt::Bucket& bucket) {
        ReadNamespace(std::string(name), bucket, snapshots);
      });
      // 1.7 keeps sandboxes beside v1.
      database->root().ForEachChild([&](std::string_view name, const bolt::Bucket& bucket) {
        if (name != kSchemaVersion) ReadSandboxes(std::string(name), bucket);
      });
    }
    std::vector<RecoveredContainer> stale;
    if (database) stale = RecoverContainers(file, store_, KnownIds());
    for (RecoveredContainer& found : stale) {
      ResolveLayers(found.reference, snapshots, found.container, quiet_);
      Add(std::move(found.container));
    }
    for (Container& found : RecoverFromCriFolders(store_, KnownIds(), diagnostics_)) {
      Add(std::move(found));
    }
    SetOwners(snapshots);
    RecoverFromSnapshots(snapshots);
  }

 private:
  void ReadNamespace(const std::string& name, const bolt::Bucket& bucket,
                     const SnapshotIndex& snapshots) {
    ReadImages(bucket, name, store_, content_, snapshots, inventory_, diagnostics_);
    if (const auto containers = bucket.Child(kBucketContainers)) {
      containers->ForEachChild([&](std::string_view id, const bolt::Bucket& record) {
        SnapshotReference reference;
        Container container =
            ReadContainerRecord(std::string(id), name, store_, record, reference, diagnostics_);
        ReadContainerState(tasks_, container, diagnostics_);
        SetImageDigest(container);
        ResolveLayers(reference, snapshots, container, diagnostics_);
        Add(std::move(container));
      });
    }
    ReadSandboxes(name, bucket);
  }

  void ReadSandboxes(const std::string& name, const bolt::Bucket& bucket) {
    const auto sandboxes = bucket.Child(kBucketSandboxes);
    if (!sandboxes) return;
    sandboxes->ForEachChild([&](std::string_view id, const bolt::Bucket& record) {
      Container sandbox = ReadSandboxRecord(std::string(id), name, store_, record, diagnostics_);
      // With the usual sandbox controller the pause container has a record of its own.
      const auto known = std::ranges::find_if(inventory_.containers, [&](const Container& other) {
        return other.id == sandbox.id && other.store == store_;
      });
      if (known == inventory_.containers.end()) {
        ReadContainerState(tasks_, sandbox, diagnostics_);
        Add(std::move(sandbox));
        return;
      }
      if (known->ip_address.empty()) known->ip_address = sandbox.ip_address;
      if (!known->pod) known->pod = sandbox.pod;
      known->labels.merge(sandbox.labels);
      known->annotations.merge(sandbox.annotations);
    });
  }

  void ResolveLayers(const SnapshotReference& reference, const SnapshotIndex& snapshots,
                     Container& container, DiagnosticSink& diagnostics) {
    if (reference.snapshotter.empty() || reference.key.empty()) return;
    const std::string owner = "container " + container.id;
    if (!IsSupported(reference.snapshotter)) {
      diagnostics.Report(DiagnosticCode::kRuntimeUnsupportedSnapshotter, owner,
                         reference.snapshotter);
      return;
    }
    const SnapshotScope scope{store_.path, store_.filesystem, reference.snapshotter,
                              container.runtime_namespace};
    SnapshotRoot root = snapshots.Resolve(scope, reference.key, owner, diagnostics);
    container.layers = std::move(root.layers);
    container.native_root = std::move(root.native_root);
    // A containerd of an ordinary user cannot write trusted.* attributes.
    container.layers.user_xattrs = store_.path.find(".local/share/") != std::string::npos;
    if (const auto found = snapshots.Find(scope, reference.key)) {
      inventory_.snapshots[*found].owner = container.id;
    }
  }

  void SetImageDigest(Container& container) {
    for (size_t i = first_image_; i < inventory_.images.size(); ++i) {
      const Image& image = inventory_.images[i];
      if (image.runtime_namespace == container.runtime_namespace &&
          std::ranges::find(image.references, container.image) != image.references.end()) {
        container.image_digest = image.digest;
        return;
      }
    }
  }

  // Committed snapshots belong to the first image, by name, that is made of them.
  void SetOwners(const SnapshotIndex& snapshots) {
    for (size_t i = first_image_; i < inventory_.images.size(); ++i) {
      const Image& image = inventory_.images[i];
      if (image.references.empty()) continue;
      for (const std::string& key : ChainIds(image.diff_ids)) {
        for (const std::string& snapshotter : Snapshotters()) {
          const auto found = snapshots.Find(
              {store_.path, store_.filesystem, snapshotter, image.runtime_namespace}, key);
          if (!found) continue;
          std::string& owner = inventory_.snapshots[*found].owner;
          if (owner.empty() || image.references.front() < owner) owner = image.references.front();
        }
      }
    }
  }

  // Writable snapshots and unknown directories that no container names were one's files.
  void RecoverFromSnapshots(const SnapshotIndex& snapshots) {
    for (Snapshot& snapshot : inventory_.snapshots) {
      if (snapshot.store != store_ || !snapshot.owner.empty() || !snapshot.present) continue;
      if (!LooksLikeContainer(snapshot)) continue;
      Container container{.id = snapshot.key,
                          .name = "",
                          .runtime = "containerd",
                          .runtime_namespace = snapshot.runtime_namespace,
                          .created = snapshot.created,
                          .snapshotter = snapshot.snapshotter,
                          .recovered = "snapshot",
                          .store = store_};
      if (snapshot.key.empty()) {
        container.id = fmt::format("{}-{}", snapshot.snapshotter, snapshot.id);
        if (IsCopyingSnapshotter(snapshot.snapshotter)) {
          container.native_root = snapshot.directory;
        } else {
          container.layers.upper = snapshot.directory;
        }
      } else {
        SnapshotRoot root =
            snapshots.Resolve(ScopeOf(snapshot), snapshot.key, "snapshot " + snapshot.key, quiet_);
        container.layers = std::move(root.layers);
        container.native_root = std::move(root.native_root);
      }
      snapshot.owner = container.id;
      Add(std::move(container));
    }
  }

  static bool LooksLikeContainer(const Snapshot& snapshot) {
    if (snapshot.key.empty()) return true;
    // "extract-..." is an image being unpacked; BuildKit's steps and Docker's "-init" layers are
    // no containers.
    return snapshot.kind == "active" && !snapshot.key.starts_with("extract-") &&
           !snapshot.key.ends_with("-init") && !snapshot.key.ends_with("-init-key") &&
           snapshot.runtime_namespace != "buildkit";
  }

  std::set<std::string> Snapshotters() const {
    std::set<std::string> names;
    for (const Snapshot& snapshot : inventory_.snapshots) {
      if (snapshot.store == store_) names.insert(snapshot.snapshotter);
    }
    return names;
  }

  std::set<std::string> KnownIds() const {
    std::set<std::string> ids;
    for (const Container& container : inventory_.containers) ids.insert(container.id);
    return ids;
  }

  void Add(Container container) {
    if (inventory_.containers.size() >= limits::kMaxContainers) {
      diagnostics_.Report(DiagnosticCode::kRuntimeStoreUnreadable, Describe(store_),
                          "kMaxContainers: the store names more containers than are read");
      return;
    }
    inventory_.containers.push_back(std::move(container));
  }

  const Location& store_;
  const NodeFilesystems& node_;
  Inventory& inventory_;
  DiagnosticSink& diagnostics_;
  DiagnosticSink quiet_;  // what recovered containers lack is no loss of evidence
  ContentStore content_;
  RunningTasks tasks_;
  size_t first_image_;
};

}  // namespace

Result<void> ReadStore(const Location& store, const NodeFilesystems& node, Inventory& inventory,
                       DiagnosticSink& diagnostics) {
  StoreReader(store, node, inventory, diagnostics).Read();
  return {};
}

const Format kFormat{
    .name = "containerd",
    .description = "containerd 1.6 to 2.x: its metadata, content, snapshots, CRI plugin",
    .sniff = Sniff,
    .read = ReadStore,
};

}  // namespace ekshume::runtime::containerd
