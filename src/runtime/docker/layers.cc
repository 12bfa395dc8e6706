// SPDX-License-Identifier: Apache-2.0
#include "runtime/docker/layers.h"

#include <fmt/format.h>

#include <charconv>
#include <memory>

#include "base/limits.h"
#include "base/text.h"
#include "fs/path.h"
#include "runtime/docker/format.h"

namespace ekshume::runtime::docker {
namespace {

// "sha256:abc" -> "abc", if it is a plain name.
std::string HexOf(const std::string& digest) {
  const std::string hex = digest.starts_with("sha256:") ? digest.substr(7) : digest;
  return IsHex64(hex) ? hex : "";
}

// "../<id>/diff" -> "<id>"
std::string IdOfTarget(std::string_view target) {
  const auto parts = SplitNonEmpty(target, '/');
  if (parts.size() != 3 || parts[0] != ".." || parts[2] != kDiffDirectory) return "";
  return std::string(parts[1]);
}

}  // namespace

LayerStore::LayerStore(const Location& root, const std::string& driver, DiagnosticSink& diagnostics,
                       size_t most)
    : root_(root),
      driver_(driver),
      is_overlay_(driver == "overlay2" || driver == "fuse-overlayfs"),
      is_copying_(driver == "vfs"),
      database_(Below(Below(root, kImageDirectory), driver)),
      directories_(Below(root, is_copying_ ? kVfsDirectory : std::string_view(driver_))),
      diagnostics_(diagnostics) {
  if (!IsSupported()) return;
  for (const auto& entry : List(directories_, diagnostics)) {
    if (entry.name == kLinksDirectory) continue;
    if (ids_.size() >= most) {
      diagnostics.Report(DiagnosticCode::kRuntimeLimit, Describe(directories_),
                         "kMaxSnapshots: more layers than are read");
      break;
    }
    ids_.insert(entry.name);
  }
  ReadMounts();
  if (!is_overlay_) return;
  // Links that are lost are made up for by each directory's own file with the link's name.
  for (const std::string& id : ids_) {
    const std::string link =
        ReadWord(Below(directories_, fs::JoinPath(id, kLinkFile)), diagnostics_);
    if (!link.empty()) id_of_link_.emplace(link, id);
  }
}

void LayerStore::ReadMounts() {
  const Location mounts = Below(database_, kMounts);
  for (const auto& entry : List(mounts, diagnostics_)) {
    const Location mount = Below(mounts, entry.name);
    mounts_[entry.name] = {.mount_id = ReadWord(Below(mount, kMountIdFile), diagnostics_),
                           .init_id = ReadWord(Below(mount, kInitIdFile), diagnostics_),
                           .parent = ReadWord(Below(mount, kMountParentFile), diagnostics_)};
  }
}

Location LayerStore::DirectoryOf(const std::string& id) const {
  const Location directory = Below(directories_, id);
  return is_copying_ ? directory : Below(directory, kDiffDirectory);
}

std::string LayerStore::IdOfLink(const std::string& link) const {
  const std::string path = fs::JoinPath(directories_.path, fs::JoinPath(kLinksDirectory, link));
  const auto node = fs::ResolvePath(*root_.filesystem, path, fs::FollowLast::kNo);
  if (node) {
    const auto target = root_.filesystem->ReadSymlink(*node);
    const std::string id = target ? IdOfTarget(*target) : "";
    if (!id.empty()) return id;
  }
  const auto found = id_of_link_.find(link);
  return found == id_of_link_.end() ? "" : found->second;
}

std::vector<std::string> LayerStore::LowerIds(const std::string& id) const {
  const std::string lower =
      ReadWord(Below(directories_, fs::JoinPath(id, kLowerFile)), diagnostics_);
  std::vector<std::string> ids;
  for (const std::string_view part : SplitNonEmpty(lower, ':')) {
    if (ids.size() >= static_cast<size_t>(limits::kMaxLayers)) {
      diagnostics_.Report(DiagnosticCode::kOverlayLayerLoop, Describe(Below(directories_, id)),
                          "kMaxLayers: more layers than overlayfs takes");
      break;
    }
    const size_t slash = part.rfind('/');
    const std::string link(slash == std::string_view::npos ? part : part.substr(slash + 1));
    std::string found = IdOfLink(link);
    ids.push_back(found.empty() ? "l/" + link : std::move(found));
  }
  return ids;
}

std::string LayerStore::CacheIdOf(const std::string& chain_id) const {
  const std::string hex = HexOf(chain_id);
  if (hex.empty()) return "";
  return ReadWord(Below(database_, fmt::format("{}/{}/{}", kLayers, hex, kCacheIdFile)),
                  diagnostics_);
}

std::optional<uint64_t> LayerStore::SizeOf(const std::string& chain_id) const {
  const std::string text = ReadWord(
      Below(database_, fmt::format("{}/{}/{}", kLayers, HexOf(chain_id), kSizeFile)), diagnostics_);
  uint64_t size = 0;
  const char* end = std::to_address(text.end());
  const auto parsed = std::from_chars(std::to_address(text.begin()), end, size);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return size;
}

SnapshotRoot LayerStore::ContainerRoot(const MountRecord& mount, const std::string& owner) const {
  SnapshotRoot root;
  const auto missing = [&](const std::string& id) {
    diagnostics_.Report(DiagnosticCode::kRuntimeSnapshotMissing, owner,
                        fmt::format("{} is not there", Describe(Below(directories_, id))));
    root.layers.missing.push_back(id);
  };
  if (!ids_.contains(mount.mount_id)) {
    missing(mount.mount_id);
  } else if (is_copying_) {
    root.native_root = DirectoryOf(mount.mount_id);
  } else {
    root.layers.upper = DirectoryOf(mount.mount_id);
  }
  if (is_copying_) {
    if (ids_.contains(mount.init_id)) root.layers.lower.push_back(DirectoryOf(mount.init_id));
    return root;
  }
  for (const std::string& id : LowerIds(mount.mount_id)) {
    if (!ids_.contains(id) || !IsDirectory(DirectoryOf(id))) {
      missing(id);
      continue;
    }
    if (root.layers.lower.empty() && (id == mount.init_id || id.ends_with(kInitSuffix))) {
      root.layers.init_layer_count = 1;
    }
    root.layers.lower.push_back(DirectoryOf(id));
  }
  return root;
}

LayerChain LayerStore::ImageLayers(const std::vector<std::string>& chain_ids,
                                   const std::string& owner) const {
  LayerChain layers;
  for (auto chain_id = chain_ids.rbegin(); chain_id != chain_ids.rend(); ++chain_id) {
    const std::string id = CacheIdOf(*chain_id);
    if (id.empty() || !ids_.contains(id)) {
      diagnostics_.Report(DiagnosticCode::kRuntimeSnapshotMissing, owner,
                          fmt::format("layer {} (directory {})", *chain_id, id));
      layers.missing.push_back(*chain_id);
      continue;
    }
    layers.lower.push_back(DirectoryOf(id));
    if (is_copying_) break;  // a copy holds all that lies below it
  }
  return layers;
}

std::vector<Snapshot> LayerStore::Snapshots() const {
  std::set<std::string> writable;
  for (const auto& [id, mount] : mounts_) writable.insert(mount.mount_id);
  std::vector<Snapshot> snapshots;
  for (const std::string& id : ids_) {
    Snapshot snapshot{.key = id, .id = id, .snapshotter = driver_, .store = root_};
    snapshot.kind =
        writable.contains(id) || (is_overlay_ && !IsCommitted(id) && !id.ends_with(kInitSuffix))
            ? "active"
            : "committed";
    if (is_overlay_) {
      const auto lower = LowerIds(id);
      if (!lower.empty()) snapshot.parent = lower.front();
    }
    snapshot.directory = DirectoryOf(id);
    snapshot.present = IsDirectory(snapshot.directory);
    snapshots.push_back(std::move(snapshot));
  }
  return snapshots;
}

bool LayerStore::IsCommitted(const std::string& id) const {
  return IsFile(Below(directories_, fs::JoinPath(id, kCommittedFile)));
}

}  // namespace ekshume::runtime::docker
