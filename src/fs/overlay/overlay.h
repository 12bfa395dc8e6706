// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "base/limits.h"
#include "fs/filesystem.h"
#include "fs/overlay/node_table.h"

// The union of layer directories as the kernel's overlayfs shows it, without a kernel.
namespace ekshume::fs::overlay {

// One layer: a directory of some filesystem, which must outlive the union.
struct Layer {
  const Filesystem* filesystem = nullptr;  // nullptr: named by the store, not in the evidence
  NodeId root{};
  std::string name;  // for the user: "snapshots/42/fs", an overlay2 id
  // Hides every layer below: a whole copy, as snapshotters without layers (native, vfs) make them.
  // (Overlayfs itself ignores the opaque attribute of a layer's root.)
  bool is_whole = false;
};

struct OverlayOptions {
  std::vector<Layer> layers;     // topmost first; [0] is the upper layer when has_upper
  std::vector<Layer> data_only;  // only reached through absolute redirects of metacopy files
  bool has_upper = false;
  bool user_xattrs = false;               // the mount option `userxattr`
  DiagnosticSink* diagnostics = nullptr;  // required; must outlive the union
  // What the union may cost; tests pass less.
  size_t most_nodes = limits::kMaxOverlayNodes;
  int64_t most_redirect_lookups = limits::kMaxRedirectLookups;
};

// Where a part of a node comes from.
struct Origin {
  size_t layer = 0;  // index into layers; data-only layers are counted after the others
  std::string_view layer_name;
  std::string path;  // inside the layer, no leading slash
  NodeId node{};     // in the layer's filesystem
};

// A name that a layer deletes.
struct Whiteout {
  std::string name;
  size_t layer = 0;           // that holds the whiteout
  bool is_attribute = false;  // an empty file with the attribute instead of a 0:0 device
  // What it hides; of a merged directory the topmost part. Nothing when no lower layer has the
  // name: the file was made and deleted in the same layer, or the layer that had it is missing.
  std::optional<Origin> hides;
  NodeType hidden_type = NodeType::kUnknown;
};

// The merged view. Nodes are handles into a table that fills as directories are read; two names of
// a hard-linked file of a disk filesystem have one NodeId. GetStat gives the topmost layer's inode
// as it is, but 1 link for a directory merged from several layers, as the kernel does; the inode
// number is that of the topmost layer, so that it can be found on the disk (the kernel may show
// the lower one). Names that the kernel's readdir lists but its lookup denies (whiteouts in a
// directory of one layer) are left out. ReadXattrs hides overlayfs's own attributes and shows
// those of a nested overlay with one level of escaping less. Origins recorded by copy-up
// (`origin`, `index`, `nfs_export`) are not needed for merging and not verified. Redirects and
// metacopy are always followed, whatever the mount options were. Any number of threads.
class OverlayFilesystem : public Filesystem {
 public:
  // Layers that are missing, repeated or beyond limits::kMaxLayers are reported
  // (kOverlayLayerMissing, kOverlayLayerLoop) and left out. kNotFound when none is left.
  static Result<std::unique_ptr<OverlayFilesystem>> Open(OverlayOptions options);

  // The view of the layers below the topmost `boundary` ones; nullptr when none of them is in the
  // evidence. Only the layers' filesystems and the diagnostics must outlive it.
  Result<std::unique_ptr<OverlayFilesystem>> Below(size_t boundary) const;

  const FilesystemInfo& info() const override { return info_; }
  Result<Stat> GetStat(NodeId node) const override;
  Result<void> ReadDirectory(NodeId directory, const Visitor& visit) const override;
  Result<std::unique_ptr<File>> OpenFile(NodeId node) const override;
  Result<std::string> ReadSymlink(NodeId node) const override;
  Result<std::vector<Xattr>> ReadXattrs(NodeId node) const override;

  // All layers, those left out too; the indices of Origin.
  const std::vector<Layer>& layers() const { return options_.layers; }
  const OverlayOptions& options() const { return options_; }

  // What the node is made of, topmost first: the parts of a merged directory; the metadata and the
  // data of a metacopy file. Never empty.
  Result<std::vector<Origin>> Origins(NodeId node) const;
  // The same without paths, and without looking for the data of a metacopy file: cheap.
  Result<std::vector<Element>> Elements(NodeId node) const;
  // The path in the union, without a leading slash; of a hard-linked file the one met first.
  Result<std::string> PathOf(NodeId node) const;

  // The names that the topmost `layer_count` layers hold in a directory, whiteouts too; sorted,
  // each once.
  Result<std::vector<std::string>> NamesInLayers(NodeId directory, size_t layer_count) const;
  // The whiteouts of a directory, sorted by name, and what they hide.
  Result<std::vector<Whiteout>> ReadWhiteouts(NodeId directory) const;

 private:
  friend class DirectoryMerger;
  explicit OverlayFilesystem(OverlayOptions options);

  static Result<std::unique_ptr<OverlayFilesystem>> Make(OverlayOptions options);
  const Layer& LayerAt(uint32_t index) const;
  Result<const Node*> FindNode(NodeId node) const {
    return nodes_.Find(static_cast<uint64_t>(node));
  }
  // The element that holds the data of a regular file, with its path when it is not the top one.
  struct DataSource {
    Element element;
    std::string path;
  };
  Result<DataSource> FindData(NodeId id, const Node& node) const;
  Origin MakeOrigin(const Element& element, std::string path) const;

  OverlayOptions options_;
  uint32_t lowest_layer_ = 0;  // the last layer in use, data-only ones not counted
  // Steps that redirects may still cost, so that long redirects through deep hostile layers end.
  mutable std::atomic<int64_t> redirect_budget_;
  FilesystemInfo info_;
  mutable NodeTable nodes_;
};

}  // namespace ekshume::fs::overlay
