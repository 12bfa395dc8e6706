// SPDX-License-Identifier: Apache-2.0
#include "runtime/discover.h"

#include <algorithm>
#include <array>
#include <deque>
#include <set>
#include <tuple>

#include "base/limits.h"
#include "fs/path.h"
#include "runtime/location.h"
#include "runtime/well_known.h"

namespace ekshume::runtime {
namespace {

// Folders of stores, below what stands for /var/lib.
constexpr std::array<std::string_view, 9> kStoreFolders = {
    "containerd", "host-containerd", "docker",     "docker/containerd/daemon", "kubelet",
    "ecs",        "containers",      "dockershim", "docker/containerd"};
// Stores whose path does not end in one of those.
constexpr std::array<std::string_view, 7> kOtherPlaces = {
    "",  // a volume that is the store
    "var/snap/docker/common/var-lib-docker",
    "var/snap/microk8s/common/var/lib/containerd",
    "var/snap/kubelet-eks/common/var/lib/kubelet",
    "._var_lib_containerd",  // Bottlerocket's ephemeral storage
    "._var_lib_host_containerd",
    "._var_lib_kubelet"};

// Directories that are large and hold no stores: the system, layers, blobs.
constexpr std::array<std::string_view, 26> kSkippedNames = {
    "usr",    "proc", "sys",  "dev",        "bin",       "sbin",     "lib64",
    "boot",   "run",  "diff", "fs",         "snapshots", "overlay2", "blobs",
    "merged", "work", "etc",  "cache",      "rootfs",    "volumes",  "node_modules",
    ".git",   "dpkg", "apt",  "lost+found", "journal"};

class Discovery {
 public:
  Discovery(const NodeFilesystems& node, DiagnosticSink& diagnostics)
      : node_(node), diagnostics_(diagnostics) {}

  std::vector<FoundStore> Run() {
    for (const fs::Filesystem* filesystem : node_.filesystems) {
      for (const std::string_view directory : kStateDirectories) {
        for (const std::string_view folder : kStoreFolders) {
          Try({filesystem, fs::JoinPath(directory, folder)});
        }
      }
      for (const std::string_view path : kOtherPlaces) Try({filesystem, std::string(path)});
    }
    for (const ConfiguredPath& configured : ReadConfiguredPaths(node_, diagnostics_)) {
      for (const Location& place : PlacesOf(configured.path, node_)) Try(place);
    }
    for (const fs::Filesystem* filesystem : node_.filesystems) Search(filesystem);
    const auto rank = [&](const FoundStore& found) {
      const auto at = std::ranges::find(node_.filesystems, found.location.filesystem);
      return std::tuple(found.format, at - node_.filesystems.begin(), found.location.path);
    };
    std::ranges::sort(found_, {}, rank);
    return std::move(found_);
  }

 private:
  // Asks every format about the directory, unless it was asked before by this or another path.
  // True when one of them is at home there.
  bool Try(const Location& location) {
    const auto node = fs::ResolvePath(*location.filesystem, location.path);
    if (!node) return false;
    if (!tried_.emplace(location.filesystem, *node).second) {
      return stores_.contains({location.filesystem, *node});
    }
    bool is_store = false;
    for (const Format& format : Formats()) {
      if (!format.sniff(location)) continue;
      if (found_.size() >= limits::kMaxStoresPerNode) {
        diagnostics_.Report(DiagnosticCode::kRuntimeStoreUnreadable, Describe(location),
                            "kMaxStoresPerNode: more stores than are read");
        continue;
      }
      found_.push_back({&format, location});
      stores_.emplace(location.filesystem, *node);
      is_store = true;
    }
    return is_store;
  }

  // Breadth first, so that what lies high is found whatever lies below.
  void Search(const fs::Filesystem* filesystem) {
    struct Directory {
      std::string path;
      int depth;
    };
    std::deque<Directory> pending = {{"", 0}};
    size_t searched = 0;
    bool deeper = false;  // there are directories that are not looked at
    const auto is_searched = [](const fs::DirectoryEntry& entry) {
      return (entry.type == fs::NodeType::kDirectory || entry.type == fs::NodeType::kUnknown) &&
             std::ranges::find(kSkippedNames, entry.name) == kSkippedNames.end();
    };
    while (!pending.empty()) {
      const Directory directory = std::move(pending.front());
      pending.pop_front();
      if (++searched > limits::kMaxSearchedDirectories) {
        diagnostics_.Report(DiagnosticCode::kRuntimeSearchLimited, "/" + directory.path,
                            "kMaxSearchedDirectories");
        return;
      }
      const Location location{filesystem, directory.path};
      // What lies inside a store is the store's business.
      if (Try(location) && !directory.path.empty()) continue;
      const bool deepest = directory.depth >= limits::kMaxSearchDepth;
      if (deepest && deeper) continue;
      for (const auto& entry : List(location, diagnostics_)) {
        if (!is_searched(entry)) continue;
        if (deepest) {
          deeper = true;
          diagnostics_.Report(DiagnosticCode::kRuntimeSearchLimited, "/" + directory.path,
                              "kMaxSearchDepth");
          break;
        }
        pending.push_back({fs::JoinPath(directory.path, entry.name), directory.depth + 1});
      }
    }
  }

  using Place = std::pair<const fs::Filesystem*, fs::NodeId>;

  const NodeFilesystems& node_;
  DiagnosticSink& diagnostics_;
  std::set<Place> tried_;
  std::set<Place> stores_;
  std::vector<FoundStore> found_;
};

}  // namespace

std::vector<FoundStore> DiscoverStores(const NodeFilesystems& node, DiagnosticSink& diagnostics) {
  return Discovery(node, diagnostics).Run();
}

}  // namespace ekshume::runtime
