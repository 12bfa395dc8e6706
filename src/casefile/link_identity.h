// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "fs/filesystem.h"
#include "fs/overlay/overlay.h"

namespace ekshume::casefile {

// What two names of one file have in common: the inode number, and in a union over several
// filesystems which of them it is.
struct LinkIdentity {
  uint64_t inode;
  const fs::Filesystem* filesystem;

  friend bool operator==(const LinkIdentity&, const LinkIdentity&) = default;
};

struct LinkIdentityHash {
  size_t operator()(const LinkIdentity& identity) const {
    return std::hash<uint64_t>()(identity.inode) ^
           std::hash<const fs::Filesystem*>()(identity.filesystem);
  }
};

inline LinkIdentity IdentifyLink(const fs::Filesystem& filesystem, fs::NodeId node,
                                 const fs::Stat& stat) {
  const auto* overlay = dynamic_cast<const fs::overlay::OverlayFilesystem*>(&filesystem);
  if (overlay == nullptr) return {stat.inode, &filesystem};
  const auto elements = overlay->Elements(node);
  if (!elements) return {stat.inode, &filesystem};
  return {stat.inode, overlay->layers()[elements->front().layer].filesystem};
}

}  // namespace ekshume::casefile
