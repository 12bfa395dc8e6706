// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/limits.h"
#include "runtime/format.h"
#include "runtime/location.h"
#include "runtime/model.h"

namespace ekshume::runtime::containerd {

// One record of a snapshotter's own database (core/snapshots/storage/bolt.go).
struct SnapshotRecord {
  std::string id;      // the directory's name, decimal
  std::string parent;  // a name
  std::string kind;    // "view", "active", "committed"; "" unknown
  std::optional<Timestamp> created;
  std::optional<Timestamp> updated;
  std::optional<uint64_t> size_bytes;
  Labels labels;
};

// A name in a snapshotter's database: "k8s.io/12/sha256:..." .
struct SnapshotName {
  std::string runtime_namespace;
  std::string key;
};
SnapshotName ParseSnapshotName(std::string_view name);

// What a snapshotter keeps at its root: records by name, and directories.
class Snapshotter {
 public:
  // Reads the snapshotter at `root`. Nothing when neither a database nor a directory of snapshots
  // is there. At most `most` records are read; more is reported (kRuntimeLimit).
  static std::optional<Snapshotter> Read(const std::string& name, const Location& root,
                                         DiagnosticSink& diagnostics,
                                         size_t most = limits::kMaxSnapshots);

  // The snapshotter called `name` of the store at `store`: below the store, where the configuration
  // puts it, or, for proxy plugins (soci, stargz, nydus), in a folder of its own on any of the
  // node's filesystems. Of several the one that knows `example`, a name from meta.db. Nothing for
  // the snapshotters that ekshume cannot read (IsSupported).
  static std::optional<Snapshotter> Find(const std::string& name, const Location& store,
                                         const NodeFilesystems& node, const std::string& example,
                                         DiagnosticSink& diagnostics);

  const std::string& name() const { return name_; }
  const Location& root() const { return root_; }
  const std::map<std::string, SnapshotRecord>& records() const { return records_; }
  // Directories that no record names: left by a removal or a creation that did not finish.
  std::vector<std::string> UnknownDirectories() const;
  // Where the files of the snapshot `id` lie, whether they are there or not.
  Location DirectoryOf(const std::string& id) const;
  bool Has(const std::string& id) const;

 private:
  Snapshotter(std::string name, Location root) : name_(std::move(name)), root_(std::move(root)) {}

  std::string name_;
  Location root_;
  std::map<std::string, SnapshotRecord> records_;
  std::map<std::string, fs::NodeId> directories_;  // below snapshots/
};

// False for devmapper, blockfile, erofs, btrfs, zfs: their layers are not directories.
bool IsSupported(std::string_view snapshotter);

}  // namespace ekshume::runtime::containerd
