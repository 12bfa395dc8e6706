// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/symlink.h"

#include <fmt/format.h>

#include <algorithm>

#include "fs/xfs/da_format.h"
#include "fs/xfs/extent.h"

namespace ekshume::fs::xfs {
namespace {

Error BadLink(const Inode& inode, std::string_view what) {
  return Fail(ErrorCode::kCorrupt, fmt::format("xfs: symbolic link inode {} at {:#x}: {}",
                                               inode.number, inode.byte_offset, what));
}

}  // namespace

Result<std::string> ReadLinkTarget(const Context& context, const Inode& inode) {
  const size_t length = inode.size_bytes;
  if (inode.size_bytes > kSymlinkMaxBytes) {
    return BadLink(inode, fmt::format("target of {} bytes", inode.size_bytes));
  }
  if (inode.core.di_format == kDinodeFmtLocal) {
    return std::string(EKSHUME_TRY(inode.data_fork.Sub(0, length)).AsText());
  }
  const Superblock& sb = context.sb;
  const auto extents = EKSHUME_TRY(ReadExtents(context, inode, Fork::kData));
  std::string target;
  // Version 5 puts one header before each extent's part, whatever its number of blocks.
  for (const Extent& extent : extents) {
    if (target.size() >= length) break;
    const size_t header_bytes = sb.has_crc ? sizeof(DsymlinkHdr) : 0;
    const size_t extent_bytes =
        std::min<uint64_t>(extent.count, (kSymlinkMaxBytes >> sb.block_log) + 3) << sb.block_log;
    const auto bytes =
        EKSHUME_TRY(image::ReadBytes(context.device, extent.byte_offset, extent_bytes));
    const ByteView view(bytes);
    const size_t part = std::min(length - target.size(), extent_bytes - header_bytes);
    if (sb.has_crc) {
      const auto header = EKSHUME_TRY(view.Read<DsymlinkHdr>(0));
      if (header.sl_magic.value() != kSymlinkMagic || header.sl_owner.value() != inode.number ||
          header.sl_offset.value() != target.size() || header.sl_bytes.value() != part) {
        return BadLink(inode, fmt::format("damaged block at {:#x}", extent.byte_offset));
      }
      context.VerifyChecksum(view, offsetof(DsymlinkHdr, sl_crc),
                             fmt::format("symbolic link inode {}", inode.number),
                             extent.byte_offset);
    }
    target += EKSHUME_TRY(view.Sub(header_bytes, part)).AsText();
  }
  if (target.size() != length) {
    return BadLink(inode, fmt::format("{} of {} bytes are there", target.size(), length));
  }
  return target;
}

}  // namespace ekshume::fs::xfs
