// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/endian.h"

// The journal of ext3 and ext4 (jbd2), big-endian, and its fast commits, little-endian, with the
// kernel's field names. Specification: Documentation/filesystems/ext4/journal.rst ("Journal
// (jbd2)"), each struct names its section.
namespace ekshume::fs::ext4 {

inline constexpr uint32_t kJournalMagic = 0xC03B3998;

// Section "Block Header".
enum JournalBlockType : uint32_t {
  kJournalDescriptor = 1,
  kJournalCommit = 2,
  kJournalSuperBlockV1 = 3,
  kJournalSuperBlockV2 = 4,
  kJournalRevoke = 5,
};
struct JournalHeader {
  be32 h_magic;
  be32 h_blocktype;
  be32 h_sequence;
};
static_assert(sizeof(JournalHeader) == 12 && offsetof(JournalHeader, h_sequence) == 8);

// Section "Super Block". What follows s_errno exists in version 2 only.
struct JournalSuperBlock {
  JournalHeader s_header;
  be32 s_blocksize;
  be32 s_maxlen;  // blocks of the journal
  be32 s_first;   // first block of the log
  be32 s_sequence;
  be32 s_start;  // where the log begins; 0: it is empty
  be32 s_errno;
  be32 s_feature_compat;
  be32 s_feature_incompat;
  be32 s_feature_ro_compat;
  std::array<std::byte, 16> s_uuid;
  be32 s_nr_users;
  be32 s_dynsuper;
  be32 s_max_transaction;
  be32 s_max_trans_data;
  uint8_t s_checksum_type;
  std::array<std::byte, 3> s_padding2;
  be32 s_num_fc_blks;  // fast-commit area at the end; 0: 256
  be32 s_head;
  std::array<be32, 40> s_padding;
  be32 s_checksum;
  std::array<std::byte, 768> s_users;
};
static_assert(sizeof(JournalSuperBlock) == 1024 &&
              offsetof(JournalSuperBlock, s_num_fc_blks) == 0x54 &&
              offsetof(JournalSuperBlock, s_checksum) == 0xFC);

enum JournalFeature : uint32_t {
  kJournalCompatChecksum = 0x1,
  kJournalIncompatRevoke = 0x1,
  kJournalIncompat64Bit = 0x2,
  kJournalIncompatAsyncCommit = 0x4,
  kJournalIncompatCsumV2 = 0x8,
  kJournalIncompatCsumV3 = 0x10,
  kJournalIncompatFastCommit = 0x20,
  kJournalKnownIncompat = 0x3F,
};

// Section "Descriptor Block": what follows the header, once per block. The form with checksum v3.
struct JournalTag3 {
  be32 t_blocknr;
  be32 t_flags;
  be32 t_blocknr_high;
  be32 t_checksum;
};
static_assert(sizeof(JournalTag3) == 16 && offsetof(JournalTag3, t_checksum) == 12);
// The other form. t_blocknr_high is there with 64bit only, and 2 bytes more with checksum v2.
struct JournalTag {
  be32 t_blocknr;
  be16 t_checksum;  // the low half
  be16 t_flags;
};
static_assert(sizeof(JournalTag) == 8 && offsetof(JournalTag, t_flags) == 6);
enum JournalTagFlag : uint32_t {
  kTagEscape = 1,    // the block began with the journal's magic, which was zeroed
  kTagSameUuid = 2,  // otherwise 16 bytes of UUID follow the tag
  kTagLast = 8,
};
inline constexpr size_t kJournalUuidBytes = 16;

// Ends descriptor and revoke blocks with checksum v2 or v3.
struct JournalBlockTail {
  be32 t_checksum;
};
static_assert(sizeof(JournalBlockTail) == 4);

// Section "Revocation Block": block numbers of 4 bytes (8 with 64bit) follow.
struct JournalRevokeHeader {
  JournalHeader r_header;
  be32 r_count;  // bytes used, with this header
};
static_assert(sizeof(JournalRevokeHeader) == 16 && offsetof(JournalRevokeHeader, r_count) == 12);

// Section "Commit Block".
struct JournalCommitBlock {
  JournalHeader h_header;
  uint8_t h_chksum_type;
  uint8_t h_chksum_size;
  std::array<std::byte, 2> h_padding;
  std::array<be32, 8> h_chksum;
  be64 h_commit_sec;
  be32 h_commit_nsec;
};
static_assert(sizeof(JournalCommitBlock) == 60 && offsetof(JournalCommitBlock, h_chksum) == 16 &&
              offsetof(JournalCommitBlock, h_commit_nsec) == 56);
inline constexpr uint8_t kCommitCrc32 = 1;  // JBD2_CRC32_CHKSUM

// Section "Fast commits" (fs/ext4/fast_commit.h): tags, each with a value of fc_len bytes.
enum FastCommitTag : uint16_t {
  kFastCommitAddRange = 1,
  kFastCommitDelRange = 2,
  kFastCommitCreat = 3,
  kFastCommitLink = 4,
  kFastCommitUnlink = 5,
  kFastCommitInode = 6,
  kFastCommitPad = 7,
  kFastCommitTail = 8,
  kFastCommitHead = 9,
};
struct FastCommitTagLength {
  le16 fc_tag;
  le16 fc_len;
};
static_assert(sizeof(FastCommitTagLength) == 4 && offsetof(FastCommitTagLength, fc_len) == 2);
struct FastCommitHead {
  le32 fc_features;
  le32 fc_tid;
};
static_assert(sizeof(FastCommitHead) == 8 && offsetof(FastCommitHead, fc_tid) == 4);
struct FastCommitAddRangeValue {
  le32 fc_ino;
  std::array<std::byte, 12> fc_ex;  // an Extent
};
static_assert(sizeof(FastCommitAddRangeValue) == 16 &&
              offsetof(FastCommitAddRangeValue, fc_ex) == 4);
struct FastCommitDelRangeValue {
  le32 fc_ino;
  le32 fc_lblk;
  le32 fc_len;
};
static_assert(sizeof(FastCommitDelRangeValue) == 12 &&
              offsetof(FastCommitDelRangeValue, fc_len) == 8);
struct FastCommitDentry {  // the name follows
  le32 fc_parent_ino;
  le32 fc_ino;
};
static_assert(sizeof(FastCommitDentry) == 8 && offsetof(FastCommitDentry, fc_ino) == 4);
struct FastCommitTailValue {
  le32 fc_tid;
  le32 fc_crc;
};
static_assert(sizeof(FastCommitTailValue) == 8 && offsetof(FastCommitTailValue, fc_crc) == 4);

}  // namespace ekshume::fs::ext4
