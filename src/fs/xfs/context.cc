// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/context.h"

#include "fs/xfs/checksum.h"
#include "fs/xfs/inode_changes.h"

namespace ekshume::fs::xfs {

const InodeChange* Context::ChangeOf(uint64_t inode_number) const {
  if (changes == nullptr) return nullptr;
  const auto found = changes->by_inode.find(inode_number);
  return found == changes->by_inode.end() ? nullptr : &found->second;
}

void Context::VerifyChecksum(ByteView object, size_t crc_offset, std::string_view what,
                             uint64_t offset_bytes) const {
  if (!sb.has_crc || ChecksumMatches(object, crc_offset)) return;
  Report(DiagnosticCode::kXfsBadChecksum, std::string(what), offset_bytes);
}

}  // namespace ekshume::fs::xfs
