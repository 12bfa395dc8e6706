// SPDX-License-Identifier: Apache-2.0
#include "runtime/containerd/snapshotter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "fs/path.h"
#include "runtime/chain.h"
#include "runtime/containerd/decode.h"
#include "runtime/containerd/format.h"
#include "runtime/open_database.h"
#include "runtime/well_known.h"

namespace ekshume::runtime::containerd {
namespace {

std::string KindName(std::string_view byte) {
  if (byte.size() != 1) return "";
  switch (byte[0]) {
    case kKindView: return "view";
    case kKindActive: return "active";
    case kKindCommitted: return "committed";
    default: return "";
  }
}

SnapshotRecord ReadRecord(const bolt::Bucket& bucket) {
  SnapshotRecord record;
  if (const auto id = DecodeUvarint(bucket.Get(kKeyId).value_or(""))) {
    record.id = fmt::format("{}", *id);
  }
  record.parent = TextAt(bucket, kKeyParent);
  record.kind = KindName(bucket.Get(kKeyKind).value_or(""));
  record.created = TimeAt(bucket, kKeyCreatedAt);
  record.updated = TimeAt(bucket, kKeyUpdatedAt);
  if (const auto size = DecodeVarint(bucket.Get(kKeySize).value_or("")); size && *size >= 0) {
    record.size_bytes = static_cast<uint64_t>(*size);
  }
  record.labels = LabelsAt(bucket, kBucketLabels);
  return record;
}

// Folders of proxy snapshotters, below /var/lib.
std::vector<std::string> ProxyFolders(const std::string& name) {
  return {name + "-snapshotter-grpc/snapshotter",      // soci
          "containerd-" + name + "-grpc/snapshotter",  // stargz
          "containerd-" + name,                        // nydus
          "containerd-" + name + "-grpc"};             // fuse-overlayfs
}

}  // namespace

bool IsSupported(std::string_view snapshotter) {
  constexpr std::array<std::string_view, 5> kUnsupported = {"blockfile", "btrfs", "devmapper",
                                                            "erofs", "zfs"};
  return std::ranges::find(kUnsupported, snapshotter) == kUnsupported.end();
}

SnapshotName ParseSnapshotName(std::string_view name) {
  const size_t first = name.find('/');
  const size_t second = first == std::string_view::npos ? first : name.find('/', first + 1);
  if (second == std::string_view::npos) return {"", std::string(name)};
  return {std::string(name.substr(0, first)), std::string(name.substr(second + 1))};
}

std::optional<Snapshotter> Snapshotter::Read(const std::string& name, const Location& root,
                                             DiagnosticSink& diagnostics, size_t most) {
  const Location directory = Below(root, kSnapshotsDirectory);
  const Location file = Below(root, kSnapshotterDatabase);
  if (!IsFile(file) && !IsDirectory(directory)) return std::nullopt;
  Snapshotter snapshotter(name, root);
  for (const auto& entry : List(directory, diagnostics)) {
    snapshotter.directories_.emplace(entry.name, entry.node);
  }
  const auto database = OpenDatabase(file, diagnostics);
  if (database == nullptr) return snapshotter;
  if (const auto bucket = database->root().Descend({kSchemaVersion, kBucketSnapshots})) {
    bucket->ForEachChild([&](std::string_view key, const bolt::Bucket& child) {
      if (snapshotter.records_.size() >= most) {
        diagnostics.Report(DiagnosticCode::kRuntimeLimit, Describe(file),
                           "kMaxSnapshots: more snapshots than are read");
        return;
      }
      snapshotter.records_.emplace(key, ReadRecord(child));
    });
  }
  return snapshotter;
}

std::optional<Snapshotter> Snapshotter::Find(const std::string& name, const Location& store,
                                             const NodeFilesystems& node,
                                             const std::string& example,
                                             DiagnosticSink& diagnostics) {
  if (!IsSupported(name)) return std::nullopt;
  const auto knows = [&](const std::optional<Snapshotter>& found) {
    return found && (example.empty() || found->records_.contains(example));
  };
  auto first = Read(name, Below(store, std::string(kSnapshotterPrefix) + name), diagnostics);
  if (knows(first)) return first;
  std::vector<Location> places;
  for (const ConfiguredPath& configured : ReadConfiguredPaths(node, diagnostics)) {
    if (configured.key != "root_path" || !configured.section.ends_with(name + "\"")) continue;
    for (Location& place : PlacesOf(configured.path, node)) places.push_back(std::move(place));
  }
  const size_t slash = store.path.rfind('/');
  const std::string siblings = slash == std::string::npos ? "" : store.path.substr(0, slash);
  for (const std::string& folder : ProxyFolders(name)) {
    places.push_back({store.filesystem, fs::JoinPath(siblings, folder)});
    for (const fs::Filesystem* filesystem : node.filesystems) {
      for (const std::string_view prefix : kStateDirectories) {
        places.push_back({filesystem, fs::JoinPath(prefix, folder)});
      }
    }
  }
  for (const Location& place : places) {
    auto found = Read(name, place, diagnostics);
    if (knows(found)) return found;
    if (!first) first = std::move(found);
  }
  return first;
}

std::vector<std::string> Snapshotter::UnknownDirectories() const {
  std::set<std::string_view> known;
  for (const auto& [name, record] : records_) known.insert(record.id);
  std::vector<std::string> unknown;
  for (const auto& [directory, node] : directories_) {
    if (!known.contains(directory)) unknown.push_back(directory);
  }
  return unknown;
}

Location Snapshotter::DirectoryOf(const std::string& id) const {
  const std::string path = fs::JoinPath(kSnapshotsDirectory, id);
  return Below(root_, IsCopyingSnapshotter(name_) ? path : fs::JoinPath(path, "fs"));
}

bool Snapshotter::Has(const std::string& id) const {
  const auto directory = directories_.find(id);
  if (directory == directories_.end()) return false;
  fs::NodeId node = directory->second;
  if (!IsCopyingSnapshotter(name_)) {
    const auto files = root_.filesystem->Lookup(node, "fs");
    if (!files) return false;
    node = files->node;
  }
  const auto stat = root_.filesystem->GetStat(node);
  return stat && stat->type == fs::NodeType::kDirectory;
}

}  // namespace ekshume::runtime::containerd
