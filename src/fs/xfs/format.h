// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/endian.h"

// XFS as it lies on disk: superblock, allocation groups, B+tree blocks, inodes, extents. Names are
// the kernel's (fs/xfs/libxfs/xfs_format.h) in CamelCase; directories, attributes and symbolic
// links are in da_format.h, the log in log_format.h. All integers are big-endian except checksums,
// which are CRC-32C, stored little-endian, over the whole object with the checksum read as zero.
namespace ekshume::fs::xfs {

using Uuid = std::array<std::byte, 16>;

inline constexpr uint32_t kBasicBlockBytes = 512;  // unit of daddr fields: blkno, log blocks

// Superblock: sector 0 of every allocation group, struct xfs_dsb.
inline constexpr uint32_t kSbMagic = 0x58465342;  // "XFSB"
struct Dsb {
  be32 sb_magicnum;
  be32 sb_blocksize;
  be64 sb_dblocks;
  be64 sb_rblocks;
  be64 sb_rextents;
  Uuid sb_uuid;
  be64 sb_logstart;  // fsblock; 0 when the log is on another device
  be64 sb_rootino;
  be64 sb_rbmino;
  be64 sb_rsumino;
  be32 sb_rextsize;
  be32 sb_agblocks;
  be32 sb_agcount;
  be32 sb_rbmblocks;
  be32 sb_logblocks;
  be16 sb_versionnum;
  be16 sb_sectsize;
  be16 sb_inodesize;
  be16 sb_inopblock;
  std::array<char, 12> sb_fname;  // the label, zero-padded
  uint8_t sb_blocklog;
  uint8_t sb_sectlog;
  uint8_t sb_inodelog;
  uint8_t sb_inopblog;
  uint8_t sb_agblklog;
  uint8_t sb_rextslog;
  uint8_t sb_inprogress;
  uint8_t sb_imax_pct;
  be64 sb_icount;
  be64 sb_ifree;
  be64 sb_fdblocks;
  be64 sb_frextents;
  be64 sb_uquotino;
  be64 sb_gquotino;
  be16 sb_qflags;
  uint8_t sb_flags;
  uint8_t sb_shared_vn;
  be32 sb_inoalignmt;
  be32 sb_unit;
  be32 sb_width;
  uint8_t sb_dirblklog;
  uint8_t sb_logsectlog;
  be16 sb_logsectsize;
  be32 sb_logsunit;
  be32 sb_features2;
  be32 sb_bad_features2;  // where some old writers put sb_features2
  // Version 5 only, from here on.
  be32 sb_features_compat;
  be32 sb_features_ro_compat;
  be32 sb_features_incompat;
  be32 sb_features_log_incompat;
  le32 sb_crc;  // over the sector
  be32 sb_spino_align;
  be64 sb_pquotino;
  be64 sb_lsn;
  Uuid sb_meta_uuid;
  be64 sb_metadirino;  // with METADIR
  be32 sb_rgcount;
  be32 sb_rgextents;
  uint8_t sb_rgblklog;
  std::array<uint8_t, 7> sb_pad;
  be64 sb_rtstart;  // with ZONED
  be64 sb_rtreserved;
};
static_assert(sizeof(Dsb) == 304);
static_assert(offsetof(Dsb, sb_features2) == 200 && offsetof(Dsb, sb_crc) == 224);
static_assert(offsetof(Dsb, sb_meta_uuid) == 248 && offsetof(Dsb, sb_rtreserved) == 296);

// sb_versionnum: the version in the low four bits, features above.
inline constexpr uint16_t kSbVersionNumBits = 0x000f;
inline constexpr uint16_t kSbVersionAttrBit = 0x0010;
inline constexpr uint16_t kSbVersionNlinkBit = 0x0020;
inline constexpr uint16_t kSbVersionQuotaBit = 0x0040;
inline constexpr uint16_t kSbVersionAlignBit = 0x0080;
inline constexpr uint16_t kSbVersionDalignBit = 0x0100;
inline constexpr uint16_t kSbVersionSharedBit = 0x0200;
inline constexpr uint16_t kSbVersionLogV2Bit = 0x0400;
inline constexpr uint16_t kSbVersionSectorBit = 0x0800;
inline constexpr uint16_t kSbVersionExtFlgBit = 0x1000;
inline constexpr uint16_t kSbVersionDirV2Bit = 0x2000;
inline constexpr uint16_t kSbVersionBorgBit = 0x4000;  // ASCII case-insensitive lookup
inline constexpr uint16_t kSbVersionMoreBitsBit = 0x8000;
// sb_features2, valid with kSbVersionMoreBitsBit.
inline constexpr uint32_t kSbVersion2LazySbCount = 0x0002;
inline constexpr uint32_t kSbVersion2Attr2 = 0x0008;
inline constexpr uint32_t kSbVersion2ProjId32 = 0x0080;
inline constexpr uint32_t kSbVersion2Crc = 0x0100;
inline constexpr uint32_t kSbVersion2Ftype = 0x0200;
inline constexpr uint32_t kSbVersion2Known = 0x039a;  // also an unused parent bit, 0x10
// sb_features_ro_compat.
inline constexpr uint32_t kSbFeatRoCompatFinobt = 0x01;
inline constexpr uint32_t kSbFeatRoCompatRmapbt = 0x02;
inline constexpr uint32_t kSbFeatRoCompatReflink = 0x04;
inline constexpr uint32_t kSbFeatRoCompatInobtcnt = 0x08;
inline constexpr uint32_t kSbFeatRoCompatVerity = 0x10;
inline constexpr uint32_t kSbFeatRoCompatKnown = 0x1f;
// sb_features_incompat.
inline constexpr uint32_t kSbFeatIncompatFtype = 0x001;
inline constexpr uint32_t kSbFeatIncompatSpinodes = 0x002;
inline constexpr uint32_t kSbFeatIncompatMetaUuid = 0x004;
inline constexpr uint32_t kSbFeatIncompatBigtime = 0x008;
inline constexpr uint32_t kSbFeatIncompatNeedsRepair = 0x010;
inline constexpr uint32_t kSbFeatIncompatNrext64 = 0x020;
inline constexpr uint32_t kSbFeatIncompatExchrange = 0x040;
inline constexpr uint32_t kSbFeatIncompatParent = 0x080;
inline constexpr uint32_t kSbFeatIncompatMetadir = 0x100;
inline constexpr uint32_t kSbFeatIncompatZoned = 0x200;
inline constexpr uint32_t kSbFeatIncompatZoneGaps = 0x400;
inline constexpr uint32_t kSbFeatIncompatKnown = 0x1ff;  // what this reader understands
// sb_features_log_incompat.
inline constexpr uint32_t kSbFeatLogIncompatXattrs = 0x1;

// Free-space header: sector 1 of an allocation group, struct xfs_agf.
inline constexpr uint32_t kAgfMagic = 0x58414746;  // "XAGF"
struct Agf {
  be32 agf_magicnum;
  be32 agf_versionnum;
  be32 agf_seqno;
  be32 agf_length;
  be32 agf_bno_root;
  be32 agf_cnt_root;
  be32 agf_rmap_root;
  be32 agf_bno_level;
  be32 agf_cnt_level;
  be32 agf_rmap_level;
  be32 agf_flfirst;
  be32 agf_fllast;
  be32 agf_flcount;
  be32 agf_freeblks;
  be32 agf_longest;
  be32 agf_btreeblks;
  Uuid agf_uuid;
  be32 agf_rmap_blocks;
  be32 agf_refcount_blocks;
  be32 agf_refcount_root;
  be32 agf_refcount_level;
  std::array<be64, 14> agf_spare64;
  be64 agf_lsn;
  le32 agf_crc;  // over the sector
  be32 agf_spare2;
};
static_assert(sizeof(Agf) == 224 && offsetof(Agf, agf_crc) == 216);

// Inode header: sector 2 of an allocation group, struct xfs_agi.
inline constexpr uint32_t kAgiMagic = 0x58414749;  // "XAGI"
inline constexpr size_t kAgiUnlinkedBuckets = 64;
inline constexpr uint32_t kNullAgInode = 0xffffffff;
inline constexpr uint32_t kNullAgBlock = 0xffffffff;
inline constexpr uint64_t kNullFsBlock = 0xffffffffffffffff;
struct Agi {
  be32 agi_magicnum;
  be32 agi_versionnum;
  be32 agi_seqno;
  be32 agi_length;
  be32 agi_count;
  be32 agi_root;
  be32 agi_level;
  be32 agi_freecount;
  be32 agi_newino;
  be32 agi_dirino;
  std::array<be32, kAgiUnlinkedBuckets> agi_unlinked;
  Uuid agi_uuid;
  le32 agi_crc;  // over the sector
  be32 agi_pad32;
  be64 agi_lsn;
  be32 agi_free_root;
  be32 agi_free_level;
  be32 agi_iblocks;
  be32 agi_fblocks;
};
static_assert(sizeof(Agi) == 344 && offsetof(Agi, agi_unlinked) == 40);
static_assert(offsetof(Agi, agi_crc) == 312 && offsetof(Agi, agi_fblocks) == 340);

// Free list: sector 3 of an allocation group, struct xfs_agfl. Version 4 has no header.
inline constexpr uint32_t kAgflMagic = 0x5841464c;  // "XAFL"
struct Agfl {
  be32 agfl_magicnum;
  be32 agfl_seqno;
  Uuid agfl_uuid;
  be64 agfl_lsn;
  le32 agfl_crc;
};
static_assert(sizeof(Agfl) == 36 && offsetof(Agfl, agfl_crc) == 32);

// B+tree blocks, struct xfs_btree_block. Level 0 is a leaf. The "Crc" form is version 5's.
inline constexpr uint32_t kAbtbMagic = 0x41425442;     // "ABTB"
inline constexpr uint32_t kAbtbCrcMagic = 0x41423342;  // "AB3B"
inline constexpr uint32_t kAbtcMagic = 0x41425443;     // "ABTC"
inline constexpr uint32_t kAbtcCrcMagic = 0x41423343;  // "AB3C"
inline constexpr uint32_t kIbtMagic = 0x49414254;      // "IABT"
inline constexpr uint32_t kIbtCrcMagic = 0x49414233;   // "IAB3"
inline constexpr uint32_t kFibtMagic = 0x46494254;     // "FIBT"
inline constexpr uint32_t kFibtCrcMagic = 0x46494233;  // "FIB3"
inline constexpr uint32_t kRmapCrcMagic = 0x524d4233;  // "RMB3"
inline constexpr uint32_t kRefcCrcMagic = 0x52334643;  // "R3FC"
inline constexpr uint32_t kBmapMagic = 0x424d4150;     // "BMAP"
inline constexpr uint32_t kBmapCrcMagic = 0x424d4133;  // "BMA3"
struct BtreeHeader {
  be32 bb_magic;
  be16 bb_level;
  be16 bb_numrecs;
};
static_assert(sizeof(BtreeHeader) == 8);
struct BtreeShortBlock {  // trees of one allocation group
  BtreeHeader bb_header;
  be32 bb_leftsib;
  be32 bb_rightsib;
};
static_assert(sizeof(BtreeShortBlock) == 16);
struct BtreeShortCrcBlock {
  BtreeShortBlock bb_short;
  be64 bb_blkno;
  be64 bb_lsn;
  Uuid bb_uuid;
  be32 bb_owner;  // allocation group
  le32 bb_crc;
};
static_assert(sizeof(BtreeShortCrcBlock) == 56 && offsetof(BtreeShortCrcBlock, bb_crc) == 52);
struct BtreeLongBlock {  // extents of one fork
  BtreeHeader bb_header;
  be64 bb_leftsib;
  be64 bb_rightsib;
};
static_assert(sizeof(BtreeLongBlock) == 24);
struct BtreeLongCrcBlock {
  BtreeLongBlock bb_long;
  be64 bb_blkno;
  be64 bb_lsn;
  Uuid bb_uuid;
  be64 bb_owner;  // inode number
  le32 bb_crc;
  be32 bb_pad;
};
static_assert(sizeof(BtreeLongCrcBlock) == 72 && offsetof(BtreeLongCrcBlock, bb_crc) == 64);

// Inode chunk record of the inobt, struct xfs_inobt_rec.
inline constexpr uint32_t kInodesPerChunk = 64;
inline constexpr uint32_t kInodesPerHolemaskBit = 4;
struct InobtRec {
  be32 ir_startino;
  be16 ir_holemask;  // with SPINODES; otherwise this, count and freecount are one be32 freecount
  uint8_t ir_count;
  uint8_t ir_freecount;
  be64 ir_free;  // bit i set: inode i of the chunk is free
};
static_assert(sizeof(InobtRec) == 16 && offsetof(InobtRec, ir_free) == 8);

// Inode core, struct xfs_dinode. Versions 1 and 2 end before di_crc; the forks follow the core.
inline constexpr uint16_t kDinodeMagic = 0x494e;  // "IN"
inline constexpr size_t kDinodeCoreBytesV2 = 100;
struct Dinode {
  be16 di_magic;
  be16 di_mode;
  uint8_t di_version;
  uint8_t di_format;
  be16 di_onlink;  // link count of version 1; di_metatype with METADIR
  be32 di_uid;
  be32 di_gid;
  be32 di_nlink;
  be16 di_projid_lo;
  be16 di_projid_hi;
  be64 di_big_nextents;  // with NREXT64; otherwise padding, version 2: six bytes and di_flushiter
  be64 di_atime;
  be64 di_mtime;
  be64 di_ctime;
  be64 di_size;
  be64 di_nblocks;
  be32 di_extsize;
  be32 di_nextents;    // di_big_anextents with NREXT64
  be16 di_anextents;   // padding with NREXT64
  uint8_t di_forkoff;  // start of the attribute fork after the core, in 8 bytes; 0: none
  uint8_t di_aformat;
  be32 di_dmevmask;
  be16 di_dmstate;
  be16 di_flags;
  be32 di_gen;
  be32 di_next_unlinked;
  // Version 3 only, from here on.
  le32 di_crc;  // over the inode's whole slot
  be64 di_changecount;
  be64 di_lsn;
  be64 di_flags2;
  be32 di_cowextsize;
  std::array<uint8_t, 12> di_pad2;
  be64 di_crtime;
  be64 di_ino;
  Uuid di_uuid;
};
static_assert(sizeof(Dinode) == 176);
static_assert(offsetof(Dinode, di_crc) == kDinodeCoreBytesV2 && offsetof(Dinode, di_uuid) == 160);

// di_format and di_aformat, enum xfs_dinode_fmt.
inline constexpr uint8_t kDinodeFmtDev = 0;
inline constexpr uint8_t kDinodeFmtLocal = 1;
inline constexpr uint8_t kDinodeFmtExtents = 2;
inline constexpr uint8_t kDinodeFmtBtree = 3;
inline constexpr uint8_t kDinodeFmtMetaBtree = 5;  // realtime rmap and refcount trees, METADIR only
// di_flags and di_flags2.
inline constexpr uint16_t kDiflagRealtime = 0x0001;
inline constexpr uint64_t kDiflag2Reflink = uint64_t{1} << 1;
inline constexpr uint64_t kDiflag2Bigtime = uint64_t{1} << 3;
inline constexpr uint64_t kDiflag2Nrext64 = uint64_t{1} << 4;
inline constexpr uint64_t kDiflag2Metadata = uint64_t{1} << 5;
// Bigtime counts nanoseconds from the smallest legacy timestamp, -2^31 seconds.
inline constexpr int64_t kBigtimeEpochOffsetSeconds = int64_t{1} << 31;
inline constexpr uint64_t kMaxInodeNumber = (uint64_t{1} << 56) - 1;

// Packed extent record, struct xfs_bmbt_rec: l0 = unwritten:1 startoff:54 startblock high:9,
// l1 = startblock low:43 blockcount:21.
struct BmbtRec {
  be64 l0;
  be64 l1;
};
static_assert(sizeof(BmbtRec) == 16 && offsetof(BmbtRec, l1) == 8);
// Root of an extent tree inside an inode fork, struct xfs_bmdr_block; keys and pointers follow.
struct BmdrBlock {
  be16 bb_level;
  be16 bb_numrecs;
};
static_assert(sizeof(BmdrBlock) == 4);
inline constexpr size_t kBmbtKeyBytes = 8;
inline constexpr size_t kBmbtPtrBytes = 8;

}  // namespace ekshume::fs::xfs
