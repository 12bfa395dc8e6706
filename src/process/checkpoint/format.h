// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/endian.h"

// Checkpoints as CRIU writes them: image files of Protocol Buffers messages, each with its length
// before it. Specification: criu.org, "Images"; the numbers of fields and the magic numbers are
// those of the message definitions in go-criu (crit/images/*.proto, MIT; magic/magic.go), whose
// names are kept.
namespace ekshume::process::checkpoint {

// An image file begins with these two; of files older than version 1.1 the first is missing.
inline constexpr uint32_t kImgCommonMagic = 0x54564319;
inline constexpr uint32_t kImgServiceMagic = 0x55105940;

inline constexpr uint32_t kInventoryMagic = 0x58313116;
inline constexpr uint32_t kPstreeMagic = 0x50273030;
inline constexpr uint32_t kCoreMagic = 0x55053847;
inline constexpr uint32_t kIdsMagic = 0x54432030;
inline constexpr uint32_t kMmMagic = 0x57492820;
inline constexpr uint32_t kPagemapMagic = 0x56084025;
inline constexpr uint32_t kFilesMagic = 0x56303138;
inline constexpr uint32_t kRegFilesMagic = 0x50363636;
inline constexpr uint32_t kInetskMagic = 0x56443851;
inline constexpr uint32_t kUnixskMagic = 0x54373943;
inline constexpr uint32_t kPacketskMagic = 0x60454618;
inline constexpr uint32_t kFdinfoMagic = 0x56213732;
inline constexpr uint32_t kFsMagic = 0x51403912;
inline constexpr uint32_t kUtsnsMagic = 0x54473203;
inline constexpr uint32_t kGhostFileMagic = 0x52583605;
inline constexpr uint32_t kRemapFpathMagic = 0x59133954;
inline constexpr uint32_t kMemfdInodeMagic = 0x48453499;

inline constexpr uint64_t kPageBytes = 4096;

// pstree_entry
namespace pstree {
inline constexpr uint32_t kPid = 1, kPpid = 2, kThreads = 5;
}
// core_entry and what is in it
namespace core {
inline constexpr uint32_t kTc = 3, kIds = 4, kThreadCore = 5;
inline constexpr uint32_t kTaskState = 1, kComm = 6, kLoginuid = 13;  // task_core_entry
inline constexpr uint32_t kCreds = 10;                                // thread_core_entry
inline constexpr uint32_t kUid = 1, kEuid = 3, kCapEff = 11;          // creds_entry
}  // namespace core
// task_kobj_ids_entry
namespace ids {
inline constexpr uint32_t kFilesId = 2, kPidNs = 5, kNetNs = 6, kIpcNs = 7, kUtsNs = 8, kMntNs = 9,
                          kUserNs = 10, kCgroupNs = 11;
}
// mm_entry, vma_entry
namespace mm {
inline constexpr uint32_t kArgStart = 8, kArgEnd = 9, kEnvStart = 10, kEnvEnd = 11, kExeFileId = 12,
                          kVmas = 14;
inline constexpr uint32_t kStart = 1, kEnd = 2, kPgoff = 3, kShmid = 4, kProt = 5, kFlags = 6,
                          kStatus = 7;
// vma_entry.status
inline constexpr uint64_t kVsyscall = 1U << 2U, kVdso = 1U << 3U, kHeap = 1U << 5U,
                          kFilePrivate = 1U << 6U, kFileShared = 1U << 7U, kAnonShared = 1U << 8U,
                          kVvar = 1U << 12U, kStack = 1U << 1U;
}  // namespace mm
// pagemap_head, pagemap_entry
namespace pagemap {
inline constexpr uint32_t kPagesId = 1;
inline constexpr uint32_t kVaddr = 1, kNrPages = 2, kInParent = 3, kFlags = 4, kNrPagesWide = 5;
inline constexpr uint64_t kParentFlag = 1, kPresentFlag = 4;
}  // namespace pagemap
// fdinfo_entry, file_entry and the kinds of files
namespace files {
inline constexpr uint32_t kId = 1, kFd = 4;
inline constexpr uint32_t kFileId = 2, kReg = 3, kIsk = 4, kPsk = 6, kUsk = 16, kMemfd = 20;
inline constexpr uint32_t kType = 1;
inline constexpr uint32_t kRegName = 6, kRegSize = 8, kRegMode = 10;  // reg_file_entry
// inet_sk_entry
inline constexpr uint32_t kIno = 2, kFamily = 3, kSkType = 4, kProto = 5, kState = 6, kSrcPort = 7,
                          kDstPort = 8, kSrcAddr = 11, kDstAddr = 12;
// unix_sk_entry
inline constexpr uint32_t kUnixIno = 2, kUnixType = 3, kUnixState = 4, kUnixName = 11;
// packet_sock_entry
inline constexpr uint32_t kPacketType = 2, kPacketProtocol = 3;
// memfd_file_entry, memfd_inode_entry
inline constexpr uint32_t kMemfdInodeId = 5;
inline constexpr uint32_t kMemfdName = 1, kMemfdSize = 4, kMemfdInode = 7;
// fd_types
inline constexpr uint64_t kTypeReg = 1, kTypePipe = 2, kTypeFifo = 3, kTypeInetsk = 4,
                          kTypeUnixsk = 5, kTypeEventfd = 6, kTypeEventpoll = 7, kTypeInotify = 8,
                          kTypeSignalfd = 9, kTypePacketsk = 10, kTypeTty = 11, kTypeNetlinksk = 13,
                          kTypeTimerfd = 17, kTypeMemfd = 18;
}  // namespace files
// fs_entry
namespace fs_entry {
inline constexpr uint32_t kCwdId = 1, kRootId = 2;
}
// utsns_entry
inline constexpr uint32_t kNodename = 1;
// ghost_file_entry: after it the content follows as it is, or, with chunks, pieces of it each after
// a ghost_chunk_entry
namespace ghost {
inline constexpr uint32_t kUid = 1, kMode = 3, kChunks = 9, kSize = 10;
inline constexpr uint32_t kChunkLen = 1, kChunkOff = 2;
}  // namespace ghost
// remap_file_path_entry
namespace remap {
inline constexpr uint32_t kOrigId = 1, kRemapId = 2, kRemapType = 3;
inline constexpr uint64_t kTypeLinked = 0, kTypeGhost = 1;
}  // namespace remap

}  // namespace ekshume::process::checkpoint
