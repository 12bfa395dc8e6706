// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/unlinked.h"

#include <fmt/format.h>

#include <unordered_set>

namespace ekshume::fs::xfs {
namespace {

constexpr uint32_t kAgiSector = 2;

// The AGI of a group, checked; nothing, and a report, when it is damaged.
std::optional<Agi> ReadAgi(const Context& context, uint32_t ag) {
  const uint64_t offset = context.sb.AgHeaderToByte(ag, kAgiSector);
  const auto sector = image::ReadBytes(context.device, offset, context.sb.sector_bytes);
  const auto agi = sector ? ByteView(*sector).Read<Agi>(0) : Result<Agi>(sector.error());
  if (!agi || agi->agi_magicnum.value() != kAgiMagic || agi->agi_seqno.value() != ag) {
    context.Report(DiagnosticCode::kXfsBadStructure,
                   fmt::format("inode header of allocation group {}: {}", ag,
                               agi ? "bad magic or number" : agi.error().message),
                   offset);
    return {};
  }
  context.VerifyChecksum(ByteView(*sector), offsetof(Agi, agi_crc),
                         fmt::format("inode header of allocation group {}", ag), offset);
  return *agi;
}

class UnlinkedWalk {
 public:
  UnlinkedWalk(const Context& context, const InodeReader& inodes, size_t most)
      : context_(context), inodes_(inodes), most_(most) {}

  // Follows one bucket; false when the limit is reached.
  bool Follow(uint32_t ag, uint32_t ag_inode) {
    while (ag_inode != kNullAgInode) {
      const uint64_t number = context_.sb.InodeNumber(ag, ag_inode);
      const auto inode = visited_.insert(number).second
                             ? inodes_.Read(number)
                             : Fail(ErrorCode::kCorrupt, "the list loops");
      if (!inode) {
        context_.Report(DiagnosticCode::kXfsBadStructure,
                        fmt::format("unlinked list of allocation group {}: inode {}: {}", ag,
                                    number, inode.error().message),
                        context_.sb.AgHeaderToByte(ag, kAgiSector));
        return true;
      }
      if (found_.size() >= most_) {
        context_.Report(DiagnosticCode::kFilesystemLimit, "kMaxOrphans", inode->byte_offset);
        return false;
      }
      found_.push_back({NodeId{number}, "unlinked list"});
      ag_inode = inode->core.di_next_unlinked.value();
    }
    return true;
  }

  std::vector<DeletedNode> Take() { return std::move(found_); }

 private:
  const Context& context_;
  const InodeReader& inodes_;
  const size_t most_;
  std::unordered_set<uint64_t> visited_;
  std::vector<DeletedNode> found_;
};

}  // namespace

std::vector<DeletedNode> ReadUnlinked(const Context& context, const InodeReader& inodes,
                                      const UnlinkedLimits& most) {
  UnlinkedWalk walk(context, inodes, most.inodes);
  for (uint32_t ag = 0; ag < context.sb.ag_count; ++ag) {
    const uint64_t offset = context.sb.AgHeaderToByte(ag, kAgiSector);
    // What lies behind the end of a truncated image was reported when it was opened.
    if (offset >= context.device.size_bytes()) break;
    if (ag >= most.groups) {
      context.Report(DiagnosticCode::kFilesystemLimit, "kMaxAllocationGroups", offset);
      break;
    }
    const auto agi = ReadAgi(context, ag);
    if (!agi) continue;
    for (const be32& bucket : agi->agi_unlinked) {
      if (!walk.Follow(ag, bucket.value())) return walk.Take();
    }
  }
  return walk.Take();
}

}  // namespace ekshume::fs::xfs
