// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/limits.h"
#include "runtime/chain.h"
#include "runtime/location.h"
#include "runtime/model.h"

namespace ekshume::runtime::docker {

// A container's entry of layerdb/mounts.
struct MountRecord {
  std::string mount_id;
  std::string init_id;
  std::string parent;  // chain id
};

// The layer directories of one graph driver and dockerd's database of them. One thread at a time.
class LayerStore {
 public:
  // `root` is the data root, `driver` the graph driver's name; `diagnostics` must outlive the
  // store.
  // Knows at most `most` layers; more is reported (kRuntimeLimit).
  LayerStore(const Location& root, const std::string& driver, DiagnosticSink& diagnostics,
             size_t most = limits::kMaxSnapshots);

  // False for drivers whose layers are no directories (devicemapper, btrfs, zfs) and for aufs and
  // the old overlay driver.
  bool IsSupported() const { return is_overlay_ || is_copying_; }
  const std::string& driver() const { return driver_; }

  const std::map<std::string, MountRecord>& mounts() const { return mounts_; }  // by container id
  // The size that dockerd counted for the layer with that chain id.
  std::optional<uint64_t> SizeOf(const std::string& chain_id) const;

  // The layers of a container's directory.
  SnapshotRoot ContainerRoot(const MountRecord& mount, const std::string& owner) const;
  // The layers of an image by its chain ids, bottom first.
  LayerChain ImageLayers(const std::vector<std::string>& chain_ids, const std::string& owner) const;
  // The directory's name of a layer, or "".
  std::string CacheIdOf(const std::string& chain_id) const;

  // Every layer directory, sorted by id, without owners.
  std::vector<Snapshot> Snapshots() const;
  // True for the directory of a finished image layer, even when dockerd has forgotten it.
  bool IsCommitted(const std::string& id) const;

 private:
  void ReadMounts();
  // The id of the directory that a link below l/ stands for, or "".
  std::string IdOfLink(const std::string& link) const;
  std::vector<std::string> LowerIds(const std::string& id) const;
  Location DirectoryOf(const std::string& id) const;

  Location root_;
  std::string driver_;
  bool is_overlay_;
  bool is_copying_;
  Location database_;     // image/<driver>
  Location directories_;  // overlay2, vfs/dir
  DiagnosticSink& diagnostics_;
  std::map<std::string, MountRecord> mounts_;
  std::map<std::string, std::string> id_of_link_;
  std::set<std::string> ids_;
};

}  // namespace ekshume::runtime::docker
