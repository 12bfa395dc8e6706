// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "fs/xfs/log_area.h"

namespace ekshume::fs::xfs {

// The valid part of the log.
struct LogBounds {
  bool clean = false;  // nothing to replay: unmounted cleanly, or never written to
  uint32_t head = 0;   // block after the last good record
  uint32_t tail = 0;   // block of the first record that recovery needs
  Lsn head_lsn = 0;
  Lsn tail_lsn = 0;
  // Set when records at the head were incomplete (torn writes, normal after a crash) and dropped.
  std::optional<std::string> torn;
  // Set when a record amid the valid part is bad: `head` is then where that record begins.
  std::optional<std::string> damage;
};

// Finds them as the kernel does: the head is where the cycle numbers change, moved back over blocks
// that were never written and over records whose checksums are wrong (only the last few that can
// have been in flight); the tail is what the last record says it is, moved forward when later
// records overwrote it. Fails when there is no usable record.
Result<LogBounds> FindLogBounds(const LogArea& area, const Superblock& superblock);

}  // namespace ekshume::fs::xfs
