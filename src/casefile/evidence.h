// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "casefile/live_evidence.h"
#include "fs/filesystem.h"
#include "image/format.h"
#include "runtime/format.h"
#include "volume/volume.h"

namespace ekshume::casefile {

// Evidence that is no file of this machine, as a snapshot of EBS. Given by the cli, as the clients
// of services stand below this layer.
class RemoteEvidence {
 public:
  virtual ~RemoteEvidence() = default;
  // Whether this is the name of such evidence ("snap-0123456789abcdef0"). Asks nobody.
  virtual bool Recognises(const std::string& path) const = 0;
  // `options` and what it points to must outlive the image.
  virtual Result<image::OpenedImage> Open(const std::string& path,
                                          const image::OpenOptions& options) = 0;
};

struct EvidenceOptions {
  bool raw = false;    // filesystems as they lie, without log replay
  bool force = false;  // in spite of unknown incompatible features
  image::Scratch* scratch =
      nullptr;  // where indexes of compressed images go; null: temporary files
  Progress* progress = nullptr;
  RemoteEvidence* remote = nullptr;  // null: every path is a file or folder
};

// One evidence file (or the segments of a split one) with its partition table.
struct Disk {
  std::string path;  // as the user named it
  image::OpenedImage opened;
  volume::PartitionTable table;
};

// One partition, whole-disk filesystem or folder.
struct Volume {
  std::string name;            // "disk.img partition 1"; used in diagnostics
  std::optional<size_t> disk;  // index into Evidence::disks(); none for a folder
  volume::Partition partition;
  std::unique_ptr<image::Image> device;        // none for a folder
  std::unique_ptr<fs::Filesystem> filesystem;  // null when it could not be opened
  std::string problem;                         // why, in that case
  bool is_of_live = false;                     // came along with evidence of the running system
};

// The evidence of one node, opened: its disks, what is on them, every filesystem that could be
// read, and what was running when evidence of the live node was taken. Read-only. After Open() any
// number of threads may use it.
class Evidence {
 public:
  // Opens every path: an image file of any format, a folder (an extracted or mounted root), or live
  // evidence (process/format.h), packed or not; the files that came with it are volumes too. A
  // collection in several parts is opened once, by whichever of them is named first. A
  // partition that holds nothing readable is a diagnostic; kNotFound, kIo or kUnsupported only when
  // a path as a whole cannot be opened, or when no path holds any filesystem. `diagnostics` and
  // what `options` points to must outlive the Evidence.
  static Result<std::unique_ptr<Evidence>> Open(const std::vector<std::string>& paths,
                                                const EvidenceOptions& options,
                                                DiagnosticSink& diagnostics);

  const std::vector<Disk>& disks() const { return disks_; }
  const std::vector<Volume>& volumes() const { return volumes_; }
  const std::vector<std::unique_ptr<LiveEvidence>>& live() const { return live_; }

  // Every filesystem that was opened.
  runtime::NodeFilesystems filesystems() const;

  // The volume that a path on the host means: the one with that partition number, or, without one,
  // the node's root filesystem (the one with /etc and /usr or /var), else the largest that was
  // read. kInvalidArgument when there is no such partition, kUnsupported with the reason when it
  // could not be opened.
  Result<const Volume*> Select(std::optional<int> partition) const;

  // The volume a filesystem belongs to; null for one that is not ours.
  const Volume* VolumeOf(const fs::Filesystem* filesystem) const;

  // Every evidence file, in the order given: what is hashed for the custody ledger.
  std::vector<std::string> files() const;

 private:
  Evidence() = default;
  Result<void> AddImage(const std::string& path, const EvidenceOptions& options,
                        DiagnosticSink& diagnostics);
  // A collection with all its parts.
  Result<void> AddCollection(const std::string& path, const EvidenceOptions& options,
                             DiagnosticSink& diagnostics);
  Result<void> AddFolder(const std::string& path, const EvidenceOptions& options,
                         DiagnosticSink& diagnostics);
  Result<void> AddLive(std::unique_ptr<fs::Filesystem> tree, const std::string& path,
                       std::optional<size_t> disk, const EvidenceOptions& options,
                       DiagnosticSink& diagnostics);

  // In the order in which one reads from the other.
  std::vector<Disk> disks_;
  std::vector<std::unique_ptr<LiveEvidence>> live_;
  std::vector<Volume> volumes_;
};

// Every container store on the node's filesystems, and what live evidence tells of besides.
runtime::Inventory ReadInventory(const Evidence& evidence, DiagnosticSink& diagnostics);

}  // namespace ekshume::casefile
