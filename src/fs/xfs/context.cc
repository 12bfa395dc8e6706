// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/context.h"

#include "fs/xfs/checksum.h"

namespace ekshume::fs::xfs {

void Context::VerifyChecksum(ByteView object, size_t crc_offset, std::string_view what,
                             uint64_t offset_bytes) const {
  if (!sb.has_crc || ChecksumMatches(object, crc_offset)) return;
  Report(DiagnosticCode::kXfsBadChecksum, std::string(what), offset_bytes);
}

}  // namespace ekshume::fs::xfs
