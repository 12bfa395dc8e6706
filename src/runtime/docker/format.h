// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

// What dockerd keeps below its data root (/var/lib/docker as a rule). Sources: moby
// daemon/container/container.go, daemon/internal/layer/filestore.go,
// daemon/graphdriver/overlay2/overlay.go. All documents are JSON, all other files one word.
namespace ekshume::runtime::docker {

// containers/<id>/
inline constexpr std::string_view kContainersDirectory = "containers";
inline constexpr std::string_view kConfigFile = "config.v2.json";
inline constexpr std::string_view kHostConfigFile = "hostconfig.json";

// image/<driver>/
inline constexpr std::string_view kImageDirectory = "image";
inline constexpr std::string_view kRepositoriesFile = "repositories.json";
inline constexpr std::string_view kImageConfigs = "imagedb/content/sha256";
inline constexpr std::string_view kLayers = "layerdb/sha256";   // by chain id
inline constexpr std::string_view kCacheIdFile = "cache-id";    // the layer's directory
inline constexpr std::string_view kSizeFile = "size";           // decimal bytes
inline constexpr std::string_view kMounts = "layerdb/mounts";   // by container id
inline constexpr std::string_view kMountIdFile = "mount-id";    // the container's directory
inline constexpr std::string_view kInitIdFile = "init-id";      // its "-init" layer
inline constexpr std::string_view kMountParentFile = "parent";  // the image's top chain id

// overlay2/<id>/ (also fuse-overlayfs/<id>/)
inline constexpr std::string_view kDiffDirectory = "diff";
inline constexpr std::string_view kLinkFile = "link";            // the name of its link below l/
inline constexpr std::string_view kLowerFile = "lower";          // "l/AAA:l/BBB", topmost first
inline constexpr std::string_view kCommittedFile = "committed";  // of a finished image layer
inline constexpr std::string_view kLinksDirectory = "l";         // l/AAA -> ../<id>/diff
inline constexpr std::string_view kInitSuffix = "-init";

// vfs/dir/<id>/: every layer a whole copy.
inline constexpr std::string_view kVfsDirectory = "vfs/dir";

}  // namespace ekshume::runtime::docker
