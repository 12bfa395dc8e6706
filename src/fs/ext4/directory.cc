// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/limits.h"
#include "fs/ext4/checksum.h"
#include "fs/ext4/content.h"
#include "fs/ext4/xattr.h"

namespace ekshume::fs::ext4 {
namespace {

// Read at once; below the size that goes past the block cache, so that repeated look-ups are cheap.
constexpr size_t kReadBytes = size_t{32} << 10;

constexpr NodeType kTypes[] = {NodeType::kUnknown,    NodeType::kRegular,     NodeType::kDirectory,
                               NodeType::kCharDevice, NodeType::kBlockDevice, NodeType::kFifo,
                               NodeType::kSocket,     NodeType::kSymlink};

class DirectoryReader {
 public:
  DirectoryReader(const Volume& volume, const Inode& directory, const Filesystem::Visitor& visit)
      : volume_(volume),
        geometry_(volume.geometry()),
        directory_(directory),
        visit_(visit),
        encrypted_(directory.Has(kInodeEncrypted) && geometry_.Has(kIncompatEncrypt)) {
    if (const FastCommitChanges* changes = volume.fast_commit_changes()) {
      const auto found = changes->directories.find(ToInteger(directory.number));
      if (found != changes->directories.end()) changes_ = &found->second;
    }
  }

  Result<void> Read(ByteView raw) {
    if (encrypted_)
      volume_.ReportInode(DiagnosticCode::kExt4Encrypted, directory_.number, "directory");
    if (changes_ == nullptr || !changes_->is_new) {
      if (directory_.Has(kInodeInlineData)) {
        ReadInline(raw);
      } else {
        EKSHUME_TRY(ReadBlocks());
      }
    }
    if (changes_ == nullptr) return {};
    for (const auto& [name, change] : changes_->names) {
      if (stopped_) return {};
      // A name that the disk has already stays as it is, as for the kernel.
      if (!change.added || seen_.contains(name)) continue;
      const auto target = volume_.ReadInode(*change.added);
      Visit(ByteView::Of(name), *change.added, target ? target->type : NodeType::kUnknown);
    }
    return {};
  }

 private:
  // Section "Inline directories": 4 bytes of parent, entries in the rest of i_block, and again a
  // chain of entries in the attribute system.data.
  void ReadInline(ByteView raw) {
    const std::vector<std::byte> bytes = InlineBytes(volume_, directory_, raw);
    const ByteView view = ByteView(bytes).First(directory_.size_bytes);
    ReadEntries(view.First(kInodeBlockBytes).From(sizeof(le32)), 0);
    if (!stopped_) ReadEntries(view.From(kInodeBlockBytes), 0);
  }

  Result<void> ReadBlocks() {
    const auto file = EKSHUME_TRY(OpenContent(volume_, directory_, {}));
    const size_t block_bytes = geometry_.block_bytes;
    std::vector<std::byte> buffer(
        std::min<uint64_t>(std::max(kReadBytes, block_bytes), file->size_bytes()));
    // Blocks of one directory are distinct, so more than the device has is damage.
    uint64_t budget = std::min(limits::kMaxDirectoryBytes, geometry_.total_bytes());
    for (const Run& run : file->runs()) {
      if (run.kind != Run::Kind::kData) {
        // Blocks that fast commits added were never written; their names come as names.
        if (changes_ == nullptr) Report("directory has a hole");
        continue;
      }
      for (uint64_t done = 0; done < run.length_bytes && !stopped_;) {
        const uint64_t offset = run.file_offset_bytes + done;
        const size_t count = std::min<uint64_t>(buffer.size(), run.length_bytes - done);
        if (count > budget) {
          volume_.ReportInode(DiagnosticCode::kFilesystemLimit, directory_.number,
                              "kMaxDirectoryBytes");
          return {};
        }
        budget -= count;
        ReadPiece(*file, offset, std::span(buffer).first(count), run.device_offset_bytes + done);
        done += count;
      }
    }
    return {};
  }

  void ReadPiece(const File& file, uint64_t offset, std::span<std::byte> piece,
                 uint64_t device_offset) {
    const auto count = file.ReadAt(offset, piece);
    if (!count) return Report(count.error().message);
    const ByteView bytes = ByteView(piece).First(*count);
    for (size_t start = 0; start < bytes.size() && !stopped_; start += geometry_.block_bytes) {
      const ByteView block = bytes.From(start).First(geometry_.block_bytes);
      CheckSum(block, device_offset + start);
      ReadEntries(block, device_offset + start);
    }
  }

  // A block of 64 KiB does not fit 16 bits: its length is kept as 0 or 65535, and the two low bits,
  // always 0 otherwise, are bits 16 and 17.
  uint32_t RecordLength(uint16_t rec_len) const {
    if (geometry_.block_bytes < 65536) return rec_len;
    if (rec_len == 65535 || rec_len == 0) return geometry_.block_bytes;
    return (rec_len & 65532U) | (rec_len & 3U) << 16;
  }

  // One chain of entries that fills `bytes`.
  void ReadEntries(ByteView bytes, uint64_t device_offset) {
    for (size_t offset = 0; offset < bytes.size() && !stopped_;) {
      const auto entry = bytes.Read<DirEntry>(offset);
      const uint32_t length = entry ? RecordLength(entry->rec_len.value()) : 0;
      if (!entry || length < sizeof(DirEntry) + entry->name_len || length % 4 != 0 ||
          !bytes.Contains(offset, length)) {
        volume_.Report(DiagnosticCode::kExt4BadStructure,
                       fmt::format("directory inode {}: entry of {} bytes, {} are left",
                                   ToInteger(directory_.number), length, bytes.size() - offset),
                       device_offset + offset);
        return;
      }
      if (entry->inode.value() != 0) VisitEntry(*entry, bytes, offset, device_offset);
      offset += length;
    }
  }

  void VisitEntry(const DirEntry& entry, ByteView bytes, size_t offset, uint64_t device_offset) {
    const auto name = bytes.Sub(offset + sizeof(DirEntry), entry.name_len);
    if (!name) return;
    const std::string_view text = name->AsText();
    if (text == "." || text == "..") return;
    if (entry.inode.value() > geometry_.inode_count ||
        (!encrypted_ &&
         (text.empty() || text.find('/') != text.npos || text.find('\0') != text.npos))) {
      volume_.Report(
          DiagnosticCode::kExt4BadStructure,
          fmt::format("directory inode {}: entry with inode {} and a name of {} bytes that "
                      "cannot be",
                      ToInteger(directory_.number), entry.inode.value(), text.size()),
          device_offset + offset);
      return;
    }
    if (changes_ != nullptr) {
      const auto change = changes_->names.find(text);
      if (change != changes_->names.end()) {
        if (change->second.removed.contains(entry.inode.value())) return;
        seen_.insert(change->first);
      }
    }
    Visit(*name, InodeNumber{entry.inode.value()}, TypeOf(entry.file_type));
  }

  NodeType TypeOf(uint8_t file_type) const {
    if (!geometry_.Has(kIncompatFiletype)) return NodeType::kUnknown;
    if (geometry_.Has(kIncompatDirdata)) file_type &= 0x0F;  // the upper half says what follows
    return file_type < std::size(kTypes) ? kTypes[file_type] : NodeType::kUnknown;
  }

  void Visit(ByteView name, InodeNumber inode, NodeType type) {
    if (encrypted_) {
      entry_.name = EncryptedName(name);
    } else {
      entry_.name = name.AsText();
    }
    entry_.node = NodeId{ToInteger(inode)};
    entry_.type = type;
    if (!visit_(std::move(entry_))) stopped_ = true;
  }

  void CheckSum(ByteView block, uint64_t device_offset) {
    if (!geometry_.Has(kRoCompatMetadataCsum)) return;
    if (!LeafSumMatches(block) && !IndexSumMatches(block)) {
      volume_.Report(DiagnosticCode::kExt4BadChecksum,
                     fmt::format("block of directory inode {}", ToInteger(directory_.number)),
                     device_offset);
    }
  }

  bool LeafSumMatches(ByteView block) const {
    const auto tail = block.size() < sizeof(DirEntryTail)
                          ? Result<DirEntryTail>(Fail(ErrorCode::kOutOfRange, ""))
                          : block.Read<DirEntryTail>(block.size() - sizeof(DirEntryTail));
    return tail && tail->det_reserved_zero1.value() == 0 &&
           tail->det_rec_len.value() == sizeof(DirEntryTail) &&
           tail->det_reserved_ft == kDirTailFileType &&
           tail->det_checksum.value() ==
               Crc32c(directory_.checksum_seed, block.First(block.size() - sizeof(DirEntryTail)));
  }

  // Section "Hash Tree Directories": in the root the array follows ".", ".." and dx_root_info, in
  // other index blocks one unused entry.
  bool IndexSumMatches(ByteView block) const {
    constexpr size_t kRootArray = 32;
    constexpr size_t kNodeArray = 8;
    constexpr size_t kDxEntryBytes = 8;
    const auto first = block.Read<DirEntry>(0);
    if (!first) return false;
    const bool is_node = RecordLength(first->rec_len.value()) == block.size();
    const size_t array = is_node ? kNodeArray : kRootArray;
    const auto count_limit = block.Read<DxCountLimit>(array);
    if (!count_limit) return false;
    const size_t tail_offset = array + count_limit->limit.value() * kDxEntryBytes;
    const size_t used = array + count_limit->count.value() * kDxEntryBytes;
    const auto tail = block.Read<DxTail>(tail_offset);
    if (!tail || used > tail_offset) return false;
    const uint32_t sum = Crc32c(directory_.checksum_seed, block.First(used));
    return tail->dt_checksum.value() == Crc32cWithoutField(sum, AsBytes(*tail),
                                                           offsetof(DxTail, dt_checksum),
                                                           sizeof(tail->dt_checksum));
  }

  void Report(std::string_view what) {
    volume_.ReportInode(DiagnosticCode::kExt4BadStructure, directory_.number, what);
  }

  const Volume& volume_;
  const Geometry& geometry_;
  const Inode& directory_;
  const Filesystem::Visitor& visit_;
  const bool encrypted_;
  const DirectoryChanges* changes_ = nullptr;
  std::unordered_set<std::string_view> seen_;  // names in `changes_` that the disk has
  DirectoryEntry entry_;  // the one visited; memory for names that no visitor takes serves all
  bool stopped_ = false;
};

}  // namespace

Result<void> ReadDirectoryEntries(const Volume& volume, const Inode& directory, ByteView raw,
                                  const Filesystem::Visitor& visit) {
  return DirectoryReader(volume, directory, visit).Read(raw);
}

std::string EncryptedName(ByteView bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  uint32_t bits = 0;
  int bit_count = 0;
  for (const std::byte byte : bytes.AsSpan()) {
    bits = bits << 8 | std::to_integer<uint32_t>(byte);
    bit_count += 8;
    while (bit_count >= 6) {
      bit_count -= 6;
      text.push_back(kDigits[bits >> bit_count & 63]);
    }
  }
  if (bit_count > 0) text.push_back(kDigits[bits << (6 - bit_count) & 63]);
  return text;
}

}  // namespace ekshume::fs::ext4
