// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/byte_view.h"
#include "base/diagnostic.h"
#include "fs/xfs/superblock.h"
#include "image/image.h"

namespace ekshume::fs::xfs {

struct InodeChange;
struct InodeChanges;

// What every part of the reader needs: the device (with the log replayed, if it was), its geometry,
// where to report damage, and what unfinished operations of the log make of inodes (none when
// null). All must outlive it. Any number of threads may use it.
struct Context {
  const image::Image& device;
  const Superblock& sb;
  DiagnosticSink& diagnostics;
  const InodeChanges* changes = nullptr;

  // What takes the place of what the device says of this inode; null when nothing does.
  const InodeChange* ChangeOf(uint64_t inode_number) const;

  void Report(DiagnosticCode code, std::string detail, uint64_t offset_bytes) const {
    diagnostics.Report(code, device.name(), std::move(detail), offset_bytes);
  }

  // Reports a checksum of `object`, which lies at `offset_bytes`, that does not match. Version 4
  // has none: nothing is done.
  void VerifyChecksum(ByteView object, size_t crc_offset, std::string_view what,
                      uint64_t offset_bytes) const;
};

}  // namespace ekshume::fs::xfs
