// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/log_metadata.h"

#include <algorithm>

#include "fs/xfs/checksum.h"
#include "fs/xfs/da_format.h"

namespace ekshume::fs::xfs {
namespace {

template <typename T>
bool Holds(ByteView block) {
  return block.size() >= sizeof(T);
}

std::optional<MetadataLayout> LayoutOfDaBlock(ByteView block) {
  const auto info = block.Read<DaBlkinfo>(0);
  if (!info || !Holds<Da3Blkinfo>(block)) return std::nullopt;
  switch (info->magic.value()) {
    case kDir3Leaf1Magic:
    case kDir3LeafnMagic:
    case kAttr3LeafMagic:
    case kDa3NodeMagic:
      return MetadataLayout{offsetof(Da3Blkinfo, lsn), offsetof(Da3Blkinfo, crc),
                            offsetof(Da3Blkinfo, uuid), true};
    default: return std::nullopt;
  }
}

// The layout of T when the block is large enough for one.
template <typename T>
std::optional<MetadataLayout> IfHolds(ByteView block, MetadataLayout layout) {
  if (!Holds<T>(block)) return std::nullopt;
  return layout;
}

}  // namespace

std::optional<MetadataLayout> LayoutOf(ByteView block) {
  const auto magic = block.Read<be32>(0);
  if (!magic) return std::nullopt;
  switch (magic->value()) {
    case kAbtbCrcMagic:
    case kAbtcCrcMagic:
    case kIbtCrcMagic:
    case kFibtCrcMagic:
    case kRmapCrcMagic:
    case kRefcCrcMagic:
      return IfHolds<BtreeShortCrcBlock>(
          block, {offsetof(BtreeShortCrcBlock, bb_lsn), offsetof(BtreeShortCrcBlock, bb_crc),
                  offsetof(BtreeShortCrcBlock, bb_uuid), true});
    case kBmapCrcMagic:
      return IfHolds<BtreeLongCrcBlock>(
          block, {offsetof(BtreeLongCrcBlock, bb_lsn), offsetof(BtreeLongCrcBlock, bb_crc),
                  offsetof(BtreeLongCrcBlock, bb_uuid), true});
    case kAgfMagic:
      return IfHolds<Agf>(
          block, {offsetof(Agf, agf_lsn), offsetof(Agf, agf_crc), offsetof(Agf, agf_uuid), true});
    case kAgflMagic:
      return IfHolds<Agfl>(block, {offsetof(Agfl, agfl_lsn), offsetof(Agfl, agfl_crc),
                                   offsetof(Agfl, agfl_uuid), true});
    case kAgiMagic:
      return IfHolds<Agi>(
          block, {offsetof(Agi, agi_lsn), offsetof(Agi, agi_crc), offsetof(Agi, agi_uuid), true});
    case kDir3BlockMagic:
    case kDir3DataMagic:
    case kDir3FreeMagic:
      return IfHolds<Dir3BlkHdr>(block, {offsetof(Dir3BlkHdr, lsn), offsetof(Dir3BlkHdr, crc),
                                         offsetof(Dir3BlkHdr, uuid), true});
    case kSymlinkMagic:
      return IfHolds<DsymlinkHdr>(block,
                                  {offsetof(DsymlinkHdr, sl_lsn), offsetof(DsymlinkHdr, sl_crc),
                                   offsetof(DsymlinkHdr, sl_uuid), true});
    case kAttr3RmtMagic:
      return IfHolds<Attr3RmtHdr>(block,
                                  {offsetof(Attr3RmtHdr, rm_lsn), offsetof(Attr3RmtHdr, rm_crc),
                                   offsetof(Attr3RmtHdr, rm_uuid), false});
    case kSbMagic: {
      const auto superblock = block.Read<Dsb>(0);
      if (!superblock) return std::nullopt;
      const bool has_meta_uuid =
          (superblock->sb_features_incompat.value() & kSbFeatIncompatMetaUuid) != 0;
      return MetadataLayout{offsetof(Dsb, sb_lsn), offsetof(Dsb, sb_crc),
                            has_meta_uuid ? offsetof(Dsb, sb_meta_uuid) : offsetof(Dsb, sb_uuid),
                            true};
    }
    default: return LayoutOfDaBlock(block);
  }
}

std::optional<Lsn> MetadataLsn(ByteView block, const Uuid& meta_uuid) {
  const auto layout = LayoutOf(block);
  if (!layout || !layout->is_logged) return std::nullopt;
  const auto uuid = block.Read<Uuid>(layout->uuid_offset);
  const auto lsn = block.Read<be64>(layout->lsn_offset);
  if (!uuid || !lsn || *uuid != meta_uuid) return std::nullopt;
  return lsn->value();
}

void StampMetadata(std::span<std::byte> block, Lsn lsn, size_t filesystem_block_bytes) {
  const auto layout = LayoutOf(ByteView(block));
  if (!layout) return;
  if (layout->is_logged) {
    Put(block, layout->lsn_offset, be64::Of(lsn));
    Put(block, layout->crc_offset, le32::Of(ComputeChecksum(ByteView(block), layout->crc_offset)));
    return;
  }
  // A remote value has a header and a checksum in each filesystem block.
  const size_t unit = std::max<size_t>(filesystem_block_bytes, kBasicBlockBytes);
  for (size_t at = 0; at + unit <= block.size(); at += unit) {
    const std::span<std::byte> part = block.subspan(at, unit);
    Put(part, layout->crc_offset, le32::Of(ComputeChecksum(ByteView(part), layout->crc_offset)));
  }
}

void StampInode(std::span<std::byte> slot) {
  const auto inode = ByteView(slot).Read<Dinode>(0);
  if (!inode || inode->di_version < 3) return;
  constexpr size_t kCrcOffset = offsetof(Dinode, di_crc);
  Put(slot, kCrcOffset, le32::Of(ComputeChecksum(ByteView(slot), kCrcOffset)));
}

}  // namespace ekshume::fs::xfs
