// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/endian.h"

// The on-disk structures of ext2, ext3 and ext4, little-endian, with the kernel's field names.
// Specification: Documentation/filesystems/ext4 of the Linux kernel ("ext4 Data Structures and
// Algorithms"); each struct names its chapter. The journal's structures are in journal_format.h.
namespace ekshume::fs::ext4 {

// Chapter "Super Block".
inline constexpr size_t kSuperBlockOffset = 1024;
inline constexpr uint16_t kSuperBlockMagic = 0xEF53;

struct SuperBlock {
  le32 s_inodes_count;
  le32 s_blocks_count_lo;
  le32 s_r_blocks_count_lo;
  le32 s_free_blocks_count_lo;
  le32 s_free_inodes_count;
  le32 s_first_data_block;
  le32 s_log_block_size;    // block size is 1024 << this
  le32 s_log_cluster_size;  // cluster size is 1024 << this
  le32 s_blocks_per_group;
  le32 s_clusters_per_group;
  le32 s_inodes_per_group;
  le32 s_mtime;
  le32 s_wtime;
  le16 s_mnt_count;
  le16 s_max_mnt_count;
  le16 s_magic;
  le16 s_state;
  le16 s_errors;
  le16 s_minor_rev_level;
  le32 s_lastcheck;
  le32 s_checkinterval;
  le32 s_creator_os;
  le32 s_rev_level;
  le16 s_def_resuid;
  le16 s_def_resgid;
  le32 s_first_ino;
  le16 s_inode_size;
  le16 s_block_group_nr;  // the group this copy lies in
  le32 s_feature_compat;
  le32 s_feature_incompat;
  le32 s_feature_ro_compat;
  std::array<std::byte, 16> s_uuid;
  std::array<char, 16> s_volume_name;
  std::array<char, 64> s_last_mounted;
  le32 s_algorithm_usage_bitmap;
  std::array<std::byte, 2> s_prealloc;  // s_prealloc_blocks, s_prealloc_dir_blocks
  le16 s_reserved_gdt_blocks;
  std::array<std::byte, 16> s_journal_uuid;
  le32 s_journal_inum;
  le32 s_journal_dev;
  le32 s_last_orphan;  // first inode of the orphan list
  std::array<le32, 4> s_hash_seed;
  uint8_t s_def_hash_version;
  uint8_t s_jnl_backup_type;  // 1: s_jnl_blocks is filled
  le16 s_desc_size;
  le32 s_default_mount_opts;
  le32 s_first_meta_bg;
  le32 s_mkfs_time;
  std::array<std::byte, 60> s_jnl_blocks;  // the journal inode's i_block
  le32 s_jnl_size_high;
  le32 s_jnl_size_lo;
  le32 s_blocks_count_hi;
  le32 s_r_blocks_count_hi;
  le32 s_free_blocks_count_hi;
  le16 s_min_extra_isize;
  le16 s_want_extra_isize;
  le32 s_flags;
  le16 s_raid_stride;
  le16 s_mmp_update_interval;
  le64 s_mmp_block;
  le32 s_raid_stripe_width;
  uint8_t s_log_groups_per_flex;
  uint8_t s_checksum_type;  // 1: crc32c
  le16 s_reserved_pad;
  le64 s_kbytes_written;
  std::array<std::byte, 20> s_snapshot;
  std::array<std::byte, 108> s_error_records;
  std::array<char, 64> s_mount_opts;
  le32 s_usr_quota_inum;
  le32 s_grp_quota_inum;
  le32 s_overhead_clusters;
  std::array<le32, 2> s_backup_bgs;  // sparse_super2: the groups with a superblock
  std::array<std::byte, 4> s_encrypt_algos;
  std::array<std::byte, 16> s_encrypt_pw_salt;
  le32 s_lpf_ino;
  le32 s_prj_quota_inum;
  le32 s_checksum_seed;  // metadata_csum_seed
  uint8_t s_wtime_hi;
  uint8_t s_mtime_hi;
  uint8_t s_mkfs_time_hi;
  uint8_t s_lastcheck_hi;
  std::array<std::byte, 4> s_error_hi;
  le16 s_encoding;
  le16 s_encoding_flags;
  le32 s_orphan_file_inum;
  std::array<le32, 94> s_reserved;
  le32 s_checksum;  // crc32c of all that is before
};
static_assert(sizeof(SuperBlock) == 1024 && offsetof(SuperBlock, s_jnl_blocks) == 0x10C &&
              offsetof(SuperBlock, s_mount_opts) == 0x200 &&
              offsetof(SuperBlock, s_checksum_seed) == 0x270 &&
              offsetof(SuperBlock, s_checksum) == 0x3FC);

// Chapter "Block Group Descriptors". The second half is there with s_desc_size >= 64 only.
struct GroupDescriptor {
  le32 bg_block_bitmap_lo;
  le32 bg_inode_bitmap_lo;
  le32 bg_inode_table_lo;
  le16 bg_free_blocks_count_lo;
  le16 bg_free_inodes_count_lo;
  le16 bg_used_dirs_count_lo;
  le16 bg_flags;
  le32 bg_exclude_bitmap_lo;
  le16 bg_block_bitmap_csum_lo;
  le16 bg_inode_bitmap_csum_lo;
  le16 bg_itable_unused_lo;
  le16 bg_checksum;
};
static_assert(sizeof(GroupDescriptor) == 32 && offsetof(GroupDescriptor, bg_checksum) == 0x1E);
struct GroupDescriptorHigh {
  le32 bg_block_bitmap_hi;
  le32 bg_inode_bitmap_hi;
  le32 bg_inode_table_hi;
  std::array<std::byte, 20> rest;
};
static_assert(sizeof(GroupDescriptorHigh) == 32 && offsetof(GroupDescriptorHigh, rest) == 12);

// Chapter "Index Nodes": the 128 bytes that every inode has.
inline constexpr size_t kInodeBlockBytes = 60;
inline constexpr size_t kGoodOldInodeBytes = 128;
struct InodeCore {
  le16 i_mode;
  le16 i_uid;
  le32 i_size_lo;
  le32 i_atime;
  le32 i_ctime;
  le32 i_mtime;
  le32 i_dtime;  // also the next inode of the orphan list
  le16 i_gid;
  le16 i_links_count;
  le32 i_blocks_lo;
  le32 i_flags;
  le32 i_version;
  std::array<std::byte, kInodeBlockBytes> i_block;
  le32 i_generation;
  le32 i_file_acl_lo;
  le32 i_size_high;
  le32 i_obso_faddr;
  le16 i_blocks_high;
  le16 i_file_acl_high;
  le16 i_uid_high;
  le16 i_gid_high;
  le16 i_checksum_lo;
  le16 i_reserved;
};
static_assert(sizeof(InodeCore) == kGoodOldInodeBytes && offsetof(InodeCore, i_block) == 0x28 &&
              offsetof(InodeCore, i_checksum_lo) == 0x7C &&
              offsetof(InodeCore, i_reserved) == 0x7E);
// What follows in larger inodes, as far as i_extra_isize says.
struct InodeExtra {
  le16 i_extra_isize;
  le16 i_checksum_hi;
  le32 i_ctime_extra;
  le32 i_mtime_extra;
  le32 i_atime_extra;
  le32 i_crtime;
  le32 i_crtime_extra;
  le32 i_version_hi;
  le32 i_projid;
};
static_assert(sizeof(InodeExtra) == 32 && offsetof(InodeExtra, i_projid) == 28);

enum InodeFlag : uint32_t {
  kInodeEncrypted = 0x800,
  kInodeHugeFile = 0x40000,  // i_blocks counts filesystem blocks
  kInodeExtents = 0x80000,
  kInodeEaInode = 0x200000,
  kInodeInlineData = 0x10000000,
  kInodeCasefold = 0x40000000,
};

enum ReservedInode : uint32_t { kRootInode = 2, kJournalInode = 8 };

// Chapter "The Contents of inode.i_block", section "Extent Tree".
inline constexpr uint16_t kExtentMagic = 0xF30A;
inline constexpr uint16_t kMaxInitialisedLength = 0x8000;  // a longer ee_len is unwritten
struct ExtentHeader {
  le16 eh_magic;
  le16 eh_entries;
  le16 eh_max;
  le16 eh_depth;
  le32 eh_generation;
};
static_assert(sizeof(ExtentHeader) == 12 && offsetof(ExtentHeader, eh_generation) == 8);
struct ExtentIndex {
  le32 ei_block;
  le32 ei_leaf_lo;
  le16 ei_leaf_hi;
  le16 ei_unused;
};
static_assert(sizeof(ExtentIndex) == 12 && offsetof(ExtentIndex, ei_unused) == 10);
struct Extent {
  le32 ee_block;
  le16 ee_len;
  le16 ee_start_hi;
  le32 ee_start_lo;
};
static_assert(sizeof(Extent) == 12 && offsetof(Extent, ee_start_lo) == 8);

// Chapter "Directory Entries"; name_len bytes of name follow.
struct DirEntry {
  le32 inode;  // 0: unused
  le16 rec_len;
  uint8_t name_len;   // without the filetype feature name_len is 16 bits, and the upper half 0
  uint8_t file_type;  // 1 regular ... 7 symlink
};
static_assert(sizeof(DirEntry) == 8 && offsetof(DirEntry, file_type) == 7);
// The fake entry at the end of a leaf block with metadata_csum.
inline constexpr uint8_t kDirTailFileType = 0xDE;
struct DirEntryTail {
  le32 det_reserved_zero1;
  le16 det_rec_len;  // 12
  uint8_t det_reserved_zero2;
  uint8_t det_reserved_ft;
  le32 det_checksum;
};
static_assert(sizeof(DirEntryTail) == 12 && offsetof(DirEntryTail, det_checksum) == 8);
// Section "Hash Tree Directories": heads an array of 8-byte entries in an index block.
struct DxCountLimit {
  le16 limit;
  le16 count;
};
static_assert(sizeof(DxCountLimit) == 4 && offsetof(DxCountLimit, count) == 2);
struct DxTail {
  le32 dt_reserved;
  le32 dt_checksum;
};
static_assert(sizeof(DxTail) == 8 && offsetof(DxTail, dt_checksum) == 4);

// Chapter "Extended Attributes".
inline constexpr uint32_t kXattrMagic = 0xEA020000;
struct XattrHeader {
  le32 h_magic;
  le32 h_refcount;
  le32 h_blocks;
  le32 h_hash;
  le32 h_checksum;
  std::array<le32, 3> h_reserved;
};
static_assert(sizeof(XattrHeader) == 32 && offsetof(XattrHeader, h_checksum) == 16);
struct XattrEntry {
  uint8_t e_name_len;
  uint8_t e_name_index;
  le16 e_value_offs;
  le32 e_value_inum;  // not 0: the value is that inode's content (ea_inode)
  le32 e_value_size;
  le32 e_hash;
};
static_assert(sizeof(XattrEntry) == 16 && offsetof(XattrEntry, e_hash) == 12);
enum XattrIndex : uint8_t {
  kXattrUser = 1,
  kXattrPosixAclAccess = 2,
  kXattrPosixAclDefault = 3,
  kXattrTrusted = 4,
  kXattrSecurity = 6,
  kXattrSystem = 7,
  kXattrHurd = 10,
};

// Section "Orphan file": blocks of inode numbers that end with this.
inline constexpr uint32_t kOrphanBlockMagic = 0x0B10CA04;
struct OrphanBlockTail {
  le32 ob_magic;
  le32 ob_checksum;
};
static_assert(sizeof(OrphanBlockTail) == 8 && offsetof(OrphanBlockTail, ob_checksum) == 4);

// Sections "s_feature_compat", "s_feature_incompat", "s_feature_ro_compat".
enum CompatFeature : uint32_t {
  kCompatHasJournal = 0x4,
  kCompatSparseSuper2 = 0x200,
  kCompatFastCommit = 0x400,
  kCompatOrphanFile = 0x1000,
};
enum IncompatFeature : uint32_t {
  kIncompatCompression = 0x1,
  kIncompatFiletype = 0x2,
  kIncompatRecover = 0x4,
  kIncompatJournalDev = 0x8,
  kIncompatMetaBg = 0x10,
  kIncompatExtents = 0x40,
  kIncompat64Bit = 0x80,
  kIncompatMmp = 0x100,
  kIncompatFlexBg = 0x200,
  kIncompatEaInode = 0x400,
  kIncompatDirdata = 0x1000,
  kIncompatCsumSeed = 0x2000,
  kIncompatLargeDir = 0x4000,
  kIncompatInlineData = 0x8000,
  kIncompatEncrypt = 0x10000,
  kIncompatCasefold = 0x20000,
};
enum RoCompatFeature : uint32_t {
  kRoCompatSparseSuper = 0x1,
  kRoCompatLargeFile = 0x2,
  kRoCompatHugeFile = 0x8,
  kRoCompatGdtCsum = 0x10,
  kRoCompatBigalloc = 0x200,
  kRoCompatMetadataCsum = 0x400,
};

}  // namespace ekshume::fs::ext4
