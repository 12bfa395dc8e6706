// SPDX-License-Identifier: Apache-2.0
#include "runtime/containerd/snapshots.h"

#include <set>

#include "runtime/containerd/decode.h"
#include "runtime/containerd/format.h"
#include "runtime/containerd/snapshotter.h"

namespace ekshume::runtime::containerd {
namespace {

// A snapshot as meta.db names it.
struct MetaRecord {
  std::string runtime_namespace;
  std::string key;
  std::string name;  // in the snapshotter's database
  std::string parent;
  std::optional<Timestamp> created;
  std::optional<Timestamp> updated;
  Labels labels;
};

// By snapshotter.
std::map<std::string, std::vector<MetaRecord>> ReadMetaRecords(const bolt::Bucket& v1,
                                                               const Location& store,
                                                               DiagnosticSink& diagnostics,
                                                               size_t most) {
  std::map<std::string, std::vector<MetaRecord>> records;
  size_t count = 0;
  v1.ForEachChild([&](std::string_view runtime_namespace, const bolt::Bucket& bucket) {
    const auto snapshots = bucket.Child(kBucketSnapshots);
    if (!snapshots) return;
    snapshots->ForEachChild([&](std::string_view snapshotter, const bolt::Bucket& keys) {
      auto& list = records[std::string(snapshotter)];
      keys.ForEachChild([&](std::string_view key, const bolt::Bucket& record) {
        if (count >= most) {
          diagnostics.Report(DiagnosticCode::kRuntimeLimit, Describe(store),
                             "kMaxSnapshots: more snapshots than are read");
          return;
        }
        ++count;
        list.push_back({.runtime_namespace = std::string(runtime_namespace),
                        .key = std::string(key),
                        .name = TextAt(record, kKeyName),
                        .parent = TextAt(record, kKeyParent),
                        .created = TimeAt(record, kKeyCreatedAt),
                        .updated = TimeAt(record, kKeyUpdatedAt),
                        .labels = LabelsAt(record, kBucketLabels)});
      });
    });
  });
  return records;
}

// The snapshotters that lie below the store itself, whether meta.db names them or not.
std::set<std::string> LocalSnapshotters(const Location& store, DiagnosticSink& diagnostics) {
  std::set<std::string> names;
  for (const auto& entry : List(store, diagnostics)) {
    if (!entry.name.starts_with(kSnapshotterPrefix)) continue;
    names.insert(entry.name.substr(kSnapshotterPrefix.size()));
  }
  return names;
}

void FillFromRecord(const SnapshotRecord& record, const Snapshotter& snapshotter,
                    Snapshot& snapshot) {
  snapshot.id = record.id;
  snapshot.kind = record.kind;
  if (record.created) snapshot.created = record.created;
  if (record.updated) snapshot.updated = record.updated;
  snapshot.size_bytes = record.size_bytes;
  for (const auto& [name, value] : record.labels) snapshot.labels.try_emplace(name, value);
  snapshot.directory = snapshotter.DirectoryOf(record.id);
  snapshot.present = snapshotter.Has(record.id);
}

}  // namespace

void ReadSnapshots(const std::optional<bolt::Bucket>& v1, const Location& store,
                   const NodeFilesystems& node, Inventory& inventory, DiagnosticSink& diagnostics,
                   size_t most) {
  auto by_snapshotter = v1 ? ReadMetaRecords(*v1, store, diagnostics, most)
                           : std::map<std::string, std::vector<MetaRecord>>{};
  for (const std::string& name : LocalSnapshotters(store, diagnostics)) by_snapshotter[name];
  for (const auto& [name, records] : by_snapshotter) {
    const std::string example = records.empty() ? "" : records.front().name;
    const auto snapshotter = Snapshotter::Find(name, store, node, example, diagnostics);
    std::set<std::string> named;
    for (const MetaRecord& record : records) {
      Snapshot snapshot{.key = record.key,
                        .parent = record.parent,
                        .snapshotter = name,
                        .runtime_namespace = record.runtime_namespace,
                        .created = record.created,
                        .updated = record.updated,
                        .labels = record.labels,
                        .directory = {store.filesystem, ""},
                        .store = store};
      if (snapshotter) {
        named.insert(record.name);
        const auto found = snapshotter->records().find(record.name);
        if (found != snapshotter->records().end()) {
          FillFromRecord(found->second, *snapshotter, snapshot);
        }
      }
      inventory.snapshots.push_back(std::move(snapshot));
    }
    if (!snapshotter) continue;
    for (const auto& [full_name, record] : snapshotter->records()) {
      if (named.contains(full_name)) continue;
      SnapshotName parsed = ParseSnapshotName(full_name);
      Snapshot snapshot{.key = std::move(parsed.key),
                        .parent = ParseSnapshotName(record.parent).key,
                        .snapshotter = name,
                        .runtime_namespace = std::move(parsed.runtime_namespace),
                        .store = store};
      FillFromRecord(record, *snapshotter, snapshot);
      inventory.snapshots.push_back(std::move(snapshot));
    }
    for (const std::string& id : snapshotter->UnknownDirectories()) {
      inventory.snapshots.push_back({.id = id,
                                     .snapshotter = name,
                                     .directory = snapshotter->DirectoryOf(id),
                                     .present = snapshotter->Has(id),
                                     .store = store});
    }
  }
}

}  // namespace ekshume::runtime::containerd
