// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/orphan.h"

#include <fmt/format.h>

#include <unordered_set>

#include "fs/ext4/checksum.h"
#include "fs/ext4/content.h"

namespace ekshume::fs::ext4 {
namespace {

class OrphanFinder {
 public:
  OrphanFinder(const Volume& volume, size_t most) : volume_(volume), most_(most) {}

  void FollowList() {
    InodeNumber next{volume_.superblock().s_last_orphan.value()};
    while (ToInteger(next) != 0) {
      if (!visited_.insert(ToInteger(next)).second) {
        return Report(next, "the orphan list comes back to this inode");
      }
      const auto inode = Take(next, "orphan list");
      if (!inode) return;
      next = InodeNumber{inode->deletion_time};
    }
  }

  void ReadFile() {
    const InodeNumber number{volume_.superblock().s_orphan_file_inum.value()};
    if (!volume_.geometry().Has(kCompatOrphanFile) || ToInteger(number) == 0) return;
    const auto file_inode = volume_.ReadInode(number);
    if (!file_inode) return Report(number, file_inode.error().message);
    const auto file = OpenContent(volume_, number);
    if (!file) return Report(number, file.error().message);
    std::vector<std::byte> block(volume_.geometry().block_bytes);
    for (const Run& run : (*file)->runs()) {
      if (run.kind != Run::Kind::kData) continue;
      for (uint64_t done = 0; done < run.length_bytes; done += block.size()) {
        if (full_) return;
        const auto count = (*file)->ReadAt(run.file_offset_bytes + done, block);
        if (!count || *count != block.size()) {
          Report(number, count ? "short block" : count.error().message);
          break;
        }
        ReadBlock(*file_inode, ByteView(block), run.device_offset_bytes + done);
      }
    }
  }

  std::vector<DeletedNode> Finish() { return std::move(nodes_); }

 private:
  void ReadBlock(const Inode& file_inode, ByteView block, uint64_t device_offset) {
    const size_t entries_bytes = block.size() - sizeof(OrphanBlockTail);
    const auto tail = block.Read<OrphanBlockTail>(entries_bytes);
    if (!tail || tail->ob_magic.value() != kOrphanBlockMagic) {
      volume_.Report(DiagnosticCode::kExt4BadStructure, "orphan file block without its magic",
                     device_offset);
      return;
    }
    if (volume_.geometry().Has(kRoCompatMetadataCsum)) {
      const uint32_t sum = Crc32c(
          Crc32cOfLe64(file_inode.checksum_seed, device_offset / volume_.geometry().block_bytes),
          block.First(entries_bytes));
      if (sum != tail->ob_checksum.value()) {
        volume_.Report(DiagnosticCode::kExt4BadChecksum, "orphan file block", device_offset);
      }
    }
    for (size_t offset = 0; offset < entries_bytes && !full_; offset += sizeof(le32)) {
      const auto entry = block.Read<le32>(offset);
      if (!entry || entry->value() == 0) continue;
      if (visited_.insert(entry->value()).second) Take(InodeNumber{entry->value()}, "orphan file");
    }
  }

  // Adds the inode when it is deleted; nothing when it cannot be read or no more are taken.
  std::optional<Inode> Take(InodeNumber number, const char* how) {
    if (visited_.size() > most_) {
      full_ = true;
      volume_.ReportInode(DiagnosticCode::kFilesystemLimit, number, "kMaxOrphans");
      return std::nullopt;
    }
    auto inode = volume_.ReadInode(number);
    if (!inode) {
      Report(number, inode.error().message);
      return std::nullopt;
    }
    if (inode->links == 0 && inode->mode != 0) {
      nodes_.push_back({NodeId{ToInteger(number)}, how});
    }
    return *std::move(inode);
  }

  void Report(InodeNumber number, std::string_view what) {
    volume_.ReportInode(DiagnosticCode::kExt4BadStructure, number, what);
  }

  const Volume& volume_;
  const size_t most_;
  std::unordered_set<uint32_t> visited_;
  std::vector<DeletedNode> nodes_;
  bool full_ = false;
};

}  // namespace

std::vector<DeletedNode> FindOrphans(const Volume& volume, size_t most) {
  OrphanFinder finder(volume, most);
  finder.FollowList();
  finder.ReadFile();
  return finder.Finish();
}

}  // namespace ekshume::fs::ext4
