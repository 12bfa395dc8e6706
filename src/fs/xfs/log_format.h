// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/endian.h"
#include "fs/xfs/format.h"

// The XFS log as it lies on disk: records, operations, and the items of a transaction. Names are
// the kernel's (fs/xfs/libxfs/xfs_log_format.h) in CamelCase. Record and operation headers are
// big-endian; what lies inside the operations was copied from the memory of the machine that wrote
// it, so it is of that machine's byte order (h_fmt). Only little-endian logs are replayed.
namespace ekshume::fs::xfs {

// A position in the log: cycle number (how often the log had wrapped) and 512-byte block.
using Lsn = uint64_t;
constexpr uint32_t LsnCycle(Lsn lsn) { return static_cast<uint32_t>(lsn >> 32); }
constexpr uint32_t LsnBlock(Lsn lsn) { return static_cast<uint32_t>(lsn); }
inline constexpr Lsn kNullCommitLsn = ~Lsn{0};

// Log record header: struct xlog_rec_header, one block. The first four bytes of every block of the
// record's data were swapped for the cycle number; the originals are in h_cycle_data and, from the
// 65th block on, in the extended headers that follow.
inline constexpr uint32_t kXlogHeaderMagic = 0xfeedbabe;
inline constexpr uint32_t kXlogVersion1 = 1;
inline constexpr uint32_t kXlogVersion2 = 2;
inline constexpr uint32_t kXlogFmtLinuxLe = 1;
inline constexpr uint32_t kXlogFmtLinuxBe = 2;
inline constexpr uint32_t kXlogFmtIrixBe = 3;
inline constexpr size_t kXlogCycleDataEntries = 64;
struct XlogRecHeader {
  be32 h_magicno;
  be32 h_cycle;
  be32 h_version;
  be32 h_len;       // of the data, without the headers
  be64 h_lsn;       // where this record begins
  be64 h_tail_lsn;  // where the log's valid part began when this was written
  le32 h_crc;       // over headers and data as they lie on disk
  be32 h_prev_block;
  be32 h_num_logops;
  std::array<be32, kXlogCycleDataEntries> h_cycle_data;
  be32 h_fmt;
  Uuid h_fs_uuid;
  be32 h_size;  // of the buffer that was written from; decides the number of extended headers
};
static_assert(sizeof(XlogRecHeader) == 324);
static_assert(offsetof(XlogRecHeader, h_crc) == 32 && offsetof(XlogRecHeader, h_size) == 320);
// How much of the header block the checksum covers: the C struct's size, which has four bytes of
// padding on 64-bit machines and none on i386.
inline constexpr size_t kXlogRecHeaderCrcBytes = 328;
inline constexpr size_t kXlogRecHeaderCrcBytesI386 = 324;

// Extended header, struct xlog_rec_ext_header: one block, for each further 32 KiB of h_size.
inline constexpr uint32_t kXlogHeaderCycleBytes = uint32_t{32} << 10;
struct XlogRecExtHeader {
  be32 xh_cycle;
  std::array<be32, kXlogCycleDataEntries> xh_cycle_data;
};
static_assert(sizeof(XlogRecExtHeader) == 260);

// Limits of the format itself.
inline constexpr uint32_t kXlogMaxIclogs = 8;  // records that may be in flight at once
inline constexpr uint32_t kXlogMaxRecordBytes = uint32_t{256} << 10;
inline constexpr uint32_t kXlogMaxRecordBytesV1 = uint32_t{32} << 10;
inline constexpr uint32_t kXlogTotalRecordBlocks =
    kXlogMaxIclogs * kXlogMaxRecordBytes / kBasicBlockBytes;

// Operation header, struct xlog_op_header: one region of a transaction, or a part of one.
inline constexpr uint8_t kXlogClientTransaction = 0x69;
inline constexpr uint8_t kXlogClientLog = 0xaa;
inline constexpr uint8_t kXlogStartTrans = 0x01;
inline constexpr uint8_t kXlogCommitTrans = 0x02;
inline constexpr uint8_t kXlogContinueTrans = 0x04;  // the region goes on in the next record
inline constexpr uint8_t kXlogWasContTrans = 0x08;   // this is where it goes on
inline constexpr uint8_t kXlogEndTrans = 0x10;       // the last part of a continued region
inline constexpr uint8_t kXlogUnmountTrans = 0x20;
struct XlogOpHeader {
  be32 oh_tid;
  be32 oh_len;
  uint8_t oh_clientid;
  uint8_t oh_flags;
  be16 oh_res2;
};
static_assert(sizeof(XlogOpHeader) == 12 && offsetof(XlogOpHeader, oh_res2) == 10);

// First region of a transaction, struct xfs_trans_header.
inline constexpr uint32_t kTransHeaderMagic = 0x5452414e;  // "TRAN"
struct TransHeader {
  le32 th_magic;
  le32 th_type;
  le32 th_tid;
  le32 th_num_items;
};
static_assert(sizeof(TransHeader) == 16 && offsetof(TransHeader, th_num_items) == 12);

// Every item's first region begins like this.
struct LogItemHeader {
  le16 type;
  le16 size;  // how many regions the item has, this one included
};
static_assert(sizeof(LogItemHeader) == 4);
// XLOG_MAX_REGIONS_IN_ITEM: every other 128-byte chunk of the largest block, and the format.
inline constexpr uint32_t kXlogMaxRegionsInItem = 257;

inline constexpr uint16_t kLiEfi = 0x1236;
inline constexpr uint16_t kLiEfd = 0x1237;
inline constexpr uint16_t kLiIunlink = 0x1238;
inline constexpr uint16_t kLiInode = 0x123b;
inline constexpr uint16_t kLiBuf = 0x123c;
inline constexpr uint16_t kLiDquot = 0x123d;
inline constexpr uint16_t kLiQuotaoff = 0x123e;
inline constexpr uint16_t kLiIcreate = 0x123f;
inline constexpr uint16_t kLiRui = 0x1240;
inline constexpr uint16_t kLiRud = 0x1241;
inline constexpr uint16_t kLiCui = 0x1242;
inline constexpr uint16_t kLiCud = 0x1243;
inline constexpr uint16_t kLiBui = 0x1244;
inline constexpr uint16_t kLiBud = 0x1245;
inline constexpr uint16_t kLiAttri = 0x1246;
inline constexpr uint16_t kLiAttrd = 0x1247;
inline constexpr uint16_t kLiXmi = 0x1248;
inline constexpr uint16_t kLiXmd = 0x1249;
inline constexpr uint16_t kLiEfiRt = 0x124a;
inline constexpr uint16_t kLiEfdRt = 0x124b;
inline constexpr uint16_t kLiRuiRt = 0x124c;
inline constexpr uint16_t kLiRudRt = 0x124d;
inline constexpr uint16_t kLiCuiRt = 0x124e;
inline constexpr uint16_t kLiCudRt = 0x124f;

// Changes to a buffer, struct xfs_buf_log_format; blf_map_size 32-bit words of bitmap follow, one
// bit for each 128-byte chunk that was logged.
inline constexpr size_t kBlfChunkBytes = 128;
inline constexpr uint32_t kBlfMaxMapWords = 17;
inline constexpr uint16_t kBlfInodeBuf = 0x0001;
inline constexpr uint16_t kBlfCancel = 0x0002;
inline constexpr uint16_t kBlfDquotBufs = 0x001c;  // user, project and group
inline constexpr unsigned kBlftShift = 11;         // the buffer's type is in the five bits above
struct BufLogFormat {
  le16 blf_type;
  le16 blf_size;
  le16 blf_flags;
  le16 blf_len;    // basic blocks
  le64 blf_blkno;  // daddr
  le32 blf_map_size;
};
static_assert(sizeof(BufLogFormat) == 20 && offsetof(BufLogFormat, blf_map_size) == 16);

// Buffer types, enum xfs_blft.
enum class Blft : uint8_t {
  kUnknown = 0,
  kUdquot = 1,
  kPdquot = 2,
  kGdquot = 3,
  kBtree = 4,
  kAgf = 5,
  kAgfl = 6,
  kAgi = 7,
  kDino = 8,
  kSymlink = 9,
  kDirBlock = 10,
  kDirData = 11,
  kDirFree = 12,
  kDirLeaf1 = 13,
  kDirLeafN = 14,
  kDaNode = 15,
  kAttrLeaf = 16,
  kAttrRmt = 17,
  kSb = 18,
  kRtBitmap = 19,
  kRtSummary = 20,
};

// Changes to an inode, struct xfs_inode_log_format. The core and the forks that ilf_fields names
// follow as regions.
inline constexpr uint32_t kIlogCore = 0x001;
inline constexpr uint32_t kIlogDdata = 0x002;
inline constexpr uint32_t kIlogDext = 0x004;
inline constexpr uint32_t kIlogDbroot = 0x008;
inline constexpr uint32_t kIlogDev = 0x010;
inline constexpr uint32_t kIlogAdata = 0x040;
inline constexpr uint32_t kIlogAext = 0x080;
inline constexpr uint32_t kIlogAbroot = 0x100;
inline constexpr uint32_t kIlogDowner = 0x200;
inline constexpr uint32_t kIlogAowner = 0x400;
inline constexpr uint32_t kIlogDfork = kIlogDdata | kIlogDext | kIlogDbroot;
inline constexpr uint32_t kIlogAfork = kIlogAdata | kIlogAext | kIlogAbroot;
struct InodeLogFormat {
  le16 ilf_type;
  le16 ilf_size;
  le32 ilf_fields;
  le16 ilf_asize;
  le16 ilf_dsize;
  le32 ilf_pad;
  le64 ilf_ino;
  le32 ilfu_rdev;
  std::array<uint8_t, 12> ilfu_pad;
  le64 ilf_blkno;  // daddr of the inode cluster
  le32 ilf_len;    // basic blocks
  le32 ilf_boffset;
};
static_assert(sizeof(InodeLogFormat) == 56 && offsetof(InodeLogFormat, ilf_boffset) == 52);
// The same as 32-bit machines wrote it, without the padding: struct xfs_inode_log_format_32.
struct InodeLogFormat32 {
  le16 ilf_type;
  le16 ilf_size;
  le32 ilf_fields;
  le16 ilf_asize;
  le16 ilf_dsize;
  le64 ilf_ino;
  le32 ilfu_rdev;
  std::array<uint8_t, 12> ilfu_pad;
  le64 ilf_blkno;
  le32 ilf_len;
  le32 ilf_boffset;
};
static_assert(sizeof(InodeLogFormat32) == 52 && offsetof(InodeLogFormat32, ilf_boffset) == 48);

// The inode core as logged, struct xfs_log_dinode: Dinode in the writer's byte order.
struct LogDinode {
  le16 di_magic;
  le16 di_mode;
  uint8_t di_version;
  uint8_t di_format;
  le16 di_metatype;
  le32 di_uid;
  le32 di_gid;
  le32 di_nlink;
  le16 di_projid_lo;
  le16 di_projid_hi;
  le64 di_big_nextents;  // with NREXT64; version 2: six bytes of padding and di_flushiter
  le64 di_atime;         // bigtime: one 64-bit counter; otherwise seconds and nanoseconds
  le64 di_mtime;
  le64 di_ctime;
  le64 di_size;
  le64 di_nblocks;
  le32 di_extsize;
  le32 di_nextents;   // di_big_anextents with NREXT64
  le16 di_anextents;  // padding with NREXT64
  uint8_t di_forkoff;
  uint8_t di_aformat;
  le32 di_dmevmask;
  le16 di_dmstate;
  le16 di_flags;
  le32 di_gen;
  le32 di_next_unlinked;  // never valid here
  // Version 3 only, from here on.
  le32 di_crc;  // never valid here
  le64 di_changecount;
  le64 di_lsn;  // never valid here
  le64 di_flags2;
  le32 di_cowextsize;
  std::array<uint8_t, 12> di_pad2;
  le64 di_crtime;
  le64 di_ino;
  Uuid di_uuid;
};
static_assert(sizeof(LogDinode) == sizeof(Dinode) && offsetof(LogDinode, di_uuid) == 160);
// Largest value of version 2's di_flushiter, after which it wraps.
inline constexpr uint16_t kDiMaxFlush = 0xffff;

// A new inode chunk, struct xfs_icreate_log: big-endian but for the header.
struct IcreateLog {
  le16 icl_type;
  le16 icl_size;
  be32 icl_ag;
  be32 icl_agbno;
  be32 icl_count;  // inodes
  be32 icl_isize;
  be32 icl_length;  // blocks
  be32 icl_gen;
};
static_assert(sizeof(IcreateLog) == 28 && offsetof(IcreateLog, icl_gen) == 24);

// Intents and their "done" items share their beginning: xfs_efi_log_format and its kin. A done item
// carries the intent's identifier.
struct IntentLogHeader {
  le16 type;
  le16 size;
  le32 nextents;  // EFI, RUI, CUI, BUI
  le64 id;
};
static_assert(sizeof(IntentLogHeader) == 16 && offsetof(IntentLogHeader, id) == 8);

// One extent of a bmap intent, struct xfs_map_extent; follows the IntentLogHeader of a BUI.
inline constexpr uint32_t kBmapExtentTypeMask = 0x000000ff;
inline constexpr uint32_t kBmapExtentRealtime = uint32_t{1} << 29;
inline constexpr uint32_t kBmapExtentUnwritten = uint32_t{1} << 30;
inline constexpr uint32_t kBmapExtentAttrFork = uint32_t{1} << 31;
inline constexpr uint32_t kBmapMap = 1;
inline constexpr uint32_t kBmapUnmap = 2;
struct MapExtent {
  le64 me_owner;  // inode number
  le64 me_startblock;
  le64 me_startoff;
  le32 me_len;
  le32 me_flags;
};
static_assert(sizeof(MapExtent) == 32 && offsetof(MapExtent, me_flags) == 28);

// An extended attribute to change, struct xfs_attri_log_format. The name follows as a region, then
// the new name of kAttriPptrReplace, then the value when it is not empty, then its new value.
// Regions may be padded to four bytes.
inline constexpr uint32_t kAttriSet = 1;
inline constexpr uint32_t kAttriRemove = 2;
inline constexpr uint32_t kAttriReplace = 3;
inline constexpr uint32_t kAttriPptrSet = 4;
inline constexpr uint32_t kAttriPptrRemove = 5;
inline constexpr uint32_t kAttriPptrReplace = 6;
struct AttriLogFormat {
  le16 alfi_type;
  le16 alfi_size;
  le32 alfi_igen;  // padding for the operations of ordinary attributes
  le64 alfi_id;
  le64 alfi_ino;
  le32 alfi_op_flags;
  le32 alfi_name_len;  // two 16-bit lengths (old and new) for a parent pointer's replacement
  le32 alfi_value_len;
  le32 alfi_attr_filter;
};
static_assert(sizeof(AttriLogFormat) == 40 && offsetof(AttriLogFormat, alfi_attr_filter) == 36);

// Two file ranges to exchange, struct xfs_xmi_log_format: what is left to do.
inline constexpr uint64_t kXmiAttrFork = uint64_t{1} << 0;
inline constexpr uint64_t kXmiSetSizes = uint64_t{1}
                                         << 1;  // to xmi_isize1 and xmi_isize2, when all is done
inline constexpr uint64_t kXmiIno1Written = uint64_t{1}
                                            << 2;  // only where inode 1 has written blocks
inline constexpr uint64_t kXmiClearIno1Reflink = uint64_t{1} << 3;
inline constexpr uint64_t kXmiClearIno2Reflink = uint64_t{1} << 4;
inline constexpr uint64_t kXmiFlagsKnown =
    kXmiAttrFork | kXmiSetSizes | kXmiIno1Written | kXmiClearIno1Reflink | kXmiClearIno2Reflink;
struct XmiLogFormat {
  le16 xmi_type;
  le16 xmi_size;
  le32 xmi_pad;
  le64 xmi_id;
  le64 xmi_inode1;
  le64 xmi_inode2;
  le32 xmi_igen1;
  le32 xmi_igen2;
  le64 xmi_startoff1;
  le64 xmi_startoff2;
  le64 xmi_blockcount;
  le64 xmi_flags;
  le64 xmi_isize1;
  le64 xmi_isize2;
};
static_assert(sizeof(XmiLogFormat) == 88 && offsetof(XmiLogFormat, xmi_isize2) == 80);

}  // namespace ekshume::fs::xfs
