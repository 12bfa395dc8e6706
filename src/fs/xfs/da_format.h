// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/endian.h"
#include "fs/xfs/format.h"

// Directories, extended attributes and remote symbolic links as they lie on disk; names are those
// of the kernel's xfs_da_format.h. Structs with a 3 are version 5's (with checksum and owner).
namespace ekshume::fs::xfs {

// Header of hash tree blocks (directory leaves, attribute leaves and nodes), struct xfs_da_blkinfo.
struct DaBlkinfo {
  be32 forw;
  be32 back;
  be16 magic;
  be16 pad;
};
static_assert(sizeof(DaBlkinfo) == 12);
struct Da3Blkinfo {
  DaBlkinfo hdr;
  le32 crc;
  be64 blkno;
  be64 lsn;
  Uuid uuid;
  be64 owner;
};
static_assert(sizeof(Da3Blkinfo) == 56 && offsetof(Da3Blkinfo, owner) == 48);
// Nodes of a hash tree, struct xfs_da_node_hdr and xfs_da3_node_hdr; entries follow.
struct DaNodeCounts {
  be16 count;
  be16 level;
};
static_assert(sizeof(DaNodeCounts) == 4);
struct DaNodeHdr {
  DaBlkinfo info;
  DaNodeCounts counts;
};
static_assert(sizeof(DaNodeHdr) == 16 && offsetof(DaNodeHdr, counts) == 12);
struct Da3NodeHdr {
  Da3Blkinfo info;
  DaNodeCounts counts;
  be32 pad32;
};
static_assert(sizeof(Da3NodeHdr) == 64 && offsetof(Da3NodeHdr, pad32) == 60);
struct DaNodeEntry {
  be32 hashval;
  be32 before;  // block of the child
};
static_assert(sizeof(DaNodeEntry) == 8);
inline constexpr uint16_t kDaNodeMagic = 0xfebe;
inline constexpr uint16_t kDa3NodeMagic = 0x3ebe;
inline constexpr uint16_t kDir2Leaf1Magic = 0xd2f1;
inline constexpr uint16_t kDir3Leaf1Magic = 0x3df1;
inline constexpr uint16_t kDir2LeafnMagic = 0xd2ff;
inline constexpr uint16_t kDir3LeafnMagic = 0x3dff;
inline constexpr uint16_t kAttrLeafMagic = 0xfbee;
inline constexpr uint16_t kAttr3LeafMagic = 0x3bee;

// Directory blocks, struct xfs_dir2_data_hdr and xfs_dir3_data_hdr. A block is
// sb_blocksize << sb_dirblklog bytes.
inline constexpr uint32_t kDir2BlockMagic = 0x58443242;  // "XD2B"
inline constexpr uint32_t kDir3BlockMagic = 0x58444233;  // "XDB3"
inline constexpr uint32_t kDir2DataMagic = 0x58443244;   // "XD2D"
inline constexpr uint32_t kDir3DataMagic = 0x58444433;   // "XDD3"
inline constexpr uint32_t kDir2FreeMagic = 0x58443246;   // "XD2F"
inline constexpr uint32_t kDir3FreeMagic = 0x58444633;   // "XDF3"
// Where the hash index begins in a directory's file, in bytes; data blocks lie before it.
inline constexpr uint64_t kDir2LeafOffsetBytes = uint64_t{32} << 30;
struct Dir2DataFree {
  be16 offset;
  be16 length;
};
struct Dir2DataHdr {
  be32 magic;
  std::array<Dir2DataFree, 3> bestfree;
};
static_assert(sizeof(Dir2DataHdr) == 16 && offsetof(Dir2DataHdr, bestfree) == 4);
struct Dir3BlkHdr {
  be32 magic;
  le32 crc;
  be64 blkno;
  be64 lsn;
  Uuid uuid;
  be64 owner;
};
static_assert(sizeof(Dir3BlkHdr) == 48 && offsetof(Dir3BlkHdr, owner) == 40);
struct Dir3DataHdr {
  Dir3BlkHdr hdr;
  std::array<Dir2DataFree, 3> best_free;
  be32 pad;
};
static_assert(sizeof(Dir3DataHdr) == 64 && offsetof(Dir3DataHdr, pad) == 60);
// A used entry begins with this; the name, a type byte (with ftype), padding to 8 and the entry's
// own offset (be16) follow.
struct Dir2DataEntry {
  be64 inumber;
  uint8_t namelen;
};
static_assert(sizeof(Dir2DataEntry) == 9 && offsetof(Dir2DataEntry, namelen) == 8);
// An unused stretch begins with this.
inline constexpr uint16_t kDir2DataFreeTag = 0xffff;
inline constexpr size_t kDir2DataAlign = 8;
struct Dir2DataUnused {
  be16 freetag;
  be16 length;
};
static_assert(sizeof(Dir2DataUnused) == 4);
struct Dir2LeafEntry {
  be32 hashval;
  be32 address;  // in 8-byte units; 0 when stale
};
static_assert(sizeof(Dir2LeafEntry) == 8);
// The end of a single-block directory; count leaf entries lie before it.
struct Dir2BlockTail {
  be32 count;
  be32 stale;
};
static_assert(sizeof(Dir2BlockTail) == 8);
// Short form, inside the inode: this, the parent (8 bytes when i8count is not 0, else 4), entries.
struct Dir2SfHdr {
  uint8_t count;
  uint8_t i8count;
};
static_assert(sizeof(Dir2SfHdr) == 2);
// The type byte of an entry.
inline constexpr uint8_t kDir3FtRegFile = 1;
inline constexpr uint8_t kDir3FtDir = 2;
inline constexpr uint8_t kDir3FtChrdev = 3;
inline constexpr uint8_t kDir3FtBlkdev = 4;
inline constexpr uint8_t kDir3FtFifo = 5;
inline constexpr uint8_t kDir3FtSock = 6;
inline constexpr uint8_t kDir3FtSymlink = 7;
inline constexpr uint8_t kDir3FtWht = 8;  // overlay whiteout: a character device

// Attributes, short form: struct xfs_attr_sf_hdr and entries.
struct AttrSfHdr {
  be16 totsize;
  uint8_t count;
  uint8_t padding;
};
static_assert(sizeof(AttrSfHdr) == 4);
struct AttrSfEntry {
  uint8_t namelen;
  uint8_t valuelen;
  uint8_t flags;
};
static_assert(sizeof(AttrSfEntry) == 3);
inline constexpr uint8_t kAttrLocal = 0x01;
inline constexpr uint8_t kAttrRoot = 0x02;
inline constexpr uint8_t kAttrSecure = 0x04;
inline constexpr uint8_t kAttrParent = 0x08;
inline constexpr uint8_t kAttrIncomplete = 0x80;

// Attribute leaf, struct xfs_attr_leaf_hdr and xfs_attr3_leaf_hdr.
struct AttrLeafMap {
  be16 base;
  be16 size;
};
struct AttrLeafHdr {
  DaBlkinfo info;
  be16 count;
  be16 usedbytes;
  be16 firstused;  // 0 stands for 65536
  uint8_t holes;
  uint8_t pad1;
  std::array<AttrLeafMap, 3> freemap;
};
static_assert(sizeof(AttrLeafHdr) == 32 && offsetof(AttrLeafHdr, freemap) == 20);
struct Attr3LeafHdr {
  Da3Blkinfo info;
  be16 count;
  be16 usedbytes;
  be16 firstused;
  uint8_t holes;
  uint8_t pad1;
  std::array<AttrLeafMap, 3> freemap;
  be32 pad2;
};
static_assert(sizeof(Attr3LeafHdr) == 80 && offsetof(Attr3LeafHdr, pad2) == 76);
struct AttrLeafEntry {
  be32 hashval;
  be16 nameidx;  // where the name lies in the block
  uint8_t flags;
  uint8_t pad2;
};
static_assert(sizeof(AttrLeafEntry) == 8 && offsetof(AttrLeafEntry, pad2) == 7);
struct AttrLeafNameLocal {  // the name and the value follow
  be16 valuelen;
  uint8_t namelen;
};
static_assert(sizeof(AttrLeafNameLocal) == 3);
struct AttrLeafNameRemote {  // the name follows
  be32 valueblk;             // in blocks of the attribute fork
  be32 valuelen;
  uint8_t namelen;
};
static_assert(sizeof(AttrLeafNameRemote) == 9 && offsetof(AttrLeafNameRemote, namelen) == 8);
// Each block of a remote value in version 5, struct xfs_attr3_rmt_hdr.
inline constexpr uint32_t kAttr3RmtMagic = 0x5841524d;  // "XARM"
struct Attr3RmtHdr {
  be32 rm_magic;
  be32 rm_offset;
  be32 rm_bytes;
  le32 rm_crc;
  Uuid rm_uuid;
  be64 rm_owner;
  be64 rm_blkno;
  be64 rm_lsn;
};
static_assert(sizeof(Attr3RmtHdr) == 56 && offsetof(Attr3RmtHdr, rm_lsn) == 48);

// POSIX ACL values: of the attribute on disk (struct xfs_acl) and as the kernel shows it
// (struct posix_acl_xattr_header, little-endian).
struct XfsAclEntry {
  be32 ae_tag;
  be32 ae_id;
  be16 ae_perm;
  be16 ae_pad;
};
static_assert(sizeof(XfsAclEntry) == 12);

// Each extent of a remote symbolic link in version 5, struct xfs_dsymlink_hdr.
inline constexpr uint32_t kSymlinkMagic = 0x58534c4d;  // "XSLM"
inline constexpr size_t kSymlinkMaxBytes = 1024;       // XFS_SYMLINK_MAXLEN
struct DsymlinkHdr {
  be32 sl_magic;
  be32 sl_offset;
  be32 sl_bytes;
  le32 sl_crc;
  Uuid sl_uuid;
  be64 sl_owner;
  be64 sl_blkno;
  be64 sl_lsn;
};
static_assert(sizeof(DsymlinkHdr) == 56 && offsetof(DsymlinkHdr, sl_lsn) == 48);

}  // namespace ekshume::fs::xfs
