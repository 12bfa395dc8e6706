// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/fast_commit_apply.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "fs/ext4/block_map.h"
#include "fs/ext4/checksum.h"
#include "fs/ext4/journal_format.h"

namespace ekshume::fs::ext4 {
namespace {

constexpr int64_t kMaxDirectoryLinks = 65000;  // EXT4_LINK_MAX

// A stretch of a file, in blocks; keyed by its first block.
struct Piece {
  uint64_t count;
  uint64_t device_block;
  bool unwritten;
};
using Pieces = std::map<uint64_t, Piece>;

// Takes [first, first + count) out of the map, cutting what reaches over its ends.
void Punch(Pieces& pieces, uint64_t first, uint64_t count) {
  const uint64_t end = first + count;
  auto piece = pieces.upper_bound(first);
  if (piece != pieces.begin()) --piece;
  while (piece != pieces.end() && piece->first < end) {
    const uint64_t start = piece->first;
    const Piece old = piece->second;
    const uint64_t old_end = start + old.count;
    if (old_end <= first) {
      ++piece;
      continue;
    }
    piece = pieces.erase(piece);
    if (start < first) pieces[start] = {first - start, old.device_block, old.unwritten};
    if (old_end > end) {
      pieces[end] = {old_end - end, old.device_block + (end - start), old.unwritten};
    }
  }
}

class Applier {
 public:
  Applier(const Volume& volume, image::PatchedImage& patched, const FastCommitLog& log,
          std::string& damage)
      : volume_(volume), patched_(patched), log_(log), damage_(damage) {}

  FastCommitChanges Apply() {
    for (const FastCommitLog::Record& record : log_.records) {
      const auto applied = ApplyRecord(record);
      if (!applied && damage_.empty()) damage_ = applied.error().message;
    }
    for (const auto& [number, pieces] : pieces_) FinishRuns(InodeNumber{number}, pieces);
    for (const auto& [number, delta] : link_deltas_) {
      const auto adjusted = AdjustLinks(InodeNumber{number}, delta);
      if (!adjusted && damage_.empty()) damage_ = adjusted.error().message;
    }
    return std::move(changes_);
  }

 private:
  Result<void> ApplyRecord(const FastCommitLog::Record& record) {
    const ByteView value = EKSHUME_TRY(ByteView(log_.bytes).Sub(record.offset, record.length));
    switch (record.tag) {
      case kFastCommitAddRange: return AddRange(value);
      case kFastCommitDelRange: return DelRange(value);
      case kFastCommitCreat:
      case kFastCommitLink:
      case kFastCommitUnlink: return ChangeName(record.tag, value);
      case kFastCommitInode: return PatchInode(value);
      default: return {};
    }
  }

  // The file's map as the disk has it, on the first change.
  Result<Pieces*> PiecesOf(InodeNumber number) {
    const auto [found, inserted] = pieces_.try_emplace(ToInteger(number));
    if (!inserted) return &found->second;
    if (pieces_.size() > limits::kMaxReplayBytes / sizeof(Pieces)) {
      return Fail(ErrorCode::kLimit, "kMaxReplayBytes: too many files in fast commits");
    }
    Inode inode = EKSHUME_TRY(volume_.ReadInode(number));
    if (inode.Has(kInodeInlineData)) return &found->second;
    // Whatever size comes later: every block that is mapped.
    const uint64_t block_bytes = volume_.geometry().block_bytes;
    inode.size_bytes = uint64_t{UINT32_MAX} * block_bytes;
    for (const Run& run : MapInodeOnDisk(volume_, inode)) {
      if (run.kind == Run::Kind::kHole) continue;
      found->second[run.file_offset_bytes / block_bytes] = {run.length_bytes / block_bytes,
                                                            run.device_offset_bytes / block_bytes,
                                                            run.kind == Run::Kind::kUnwritten};
    }
    return &found->second;
  }

  Result<void> AddRange(ByteView value) {
    const auto range = EKSHUME_TRY(value.Read<FastCommitAddRangeValue>(0));
    const auto extent = EKSHUME_TRY(ByteView(range.fc_ex).Read<Extent>(0));
    Pieces* pieces = EKSHUME_TRY(PiecesOf(InodeNumber{range.fc_ino.value()}));
    Piece piece{extent.ee_len.value(),
                extent.ee_start_lo.value() | uint64_t{extent.ee_start_hi.value()} << 32, false};
    if (piece.count > kMaxInitialisedLength) {
      piece.count -= kMaxInitialisedLength;
      piece.unwritten = true;
    }
    if (piece.count == 0) return {};
    Punch(*pieces, extent.ee_block.value(), piece.count);
    (*pieces)[extent.ee_block.value()] = piece;
    return {};
  }

  Result<void> DelRange(ByteView value) {
    const auto range = EKSHUME_TRY(value.Read<FastCommitDelRangeValue>(0));
    Punch(*EKSHUME_TRY(PiecesOf(InodeNumber{range.fc_ino.value()})), range.fc_lblk.value(),
          range.fc_len.value());
    return {};
  }

  Result<void> ChangeName(uint16_t tag, ByteView value) {
    const auto dentry = EKSHUME_TRY(value.Read<FastCommitDentry>(0));
    const std::string_view name = value.From(sizeof(FastCommitDentry)).AsText();
    const InodeNumber inode{dentry.fc_ino.value()};
    if (name.empty() || name == "." || name == ".." || name.find('/') != name.npos ||
        name.find('\0') != name.npos || ToInteger(inode) > volume_.geometry().inode_count) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("a fast commit names inode {} with {} bytes that "
                              "cannot be a name",
                              ToInteger(inode), name.size()));
    }
    const Inode child = EKSHUME_TRY(volume_.ReadInode(inode));
    const bool is_directory = child.type == NodeType::kDirectory;
    const uint32_t parent = dentry.fc_parent_ino.value();
    NameChange& change = changes_.directories[parent].names[std::string(name)];
    if (tag == kFastCommitUnlink) {
      if (change.added == inode) change.added.reset();
      change.removed.insert(ToInteger(inode));
      if (is_directory) --link_deltas_[parent];
      return {};
    }
    change.added = inode;
    if (is_directory) ++link_deltas_[parent];
    if (is_directory && tag == kFastCommitCreat) {
      changes_.directories[ToInteger(inode)] = {.is_new = true, .names = {}};
    }
    return {};
  }

  // A directory has a link from each directory in it, and fast commits do not hold the inode of a
  // directory that changed. (The kernel, when it replays them, leaves the count as it was.)
  Result<void> AdjustLinks(InodeNumber number, int64_t delta) {
    InodeBytes bytes = EKSHUME_TRY(volume_.ReadInodeBytes(number));
    const auto core = EKSHUME_TRY(bytes.view().Read<InodeCore>(0));
    const int64_t links = core.i_links_count.value();
    // 1 stands for "more than can be counted".
    if (links <= 1 || links + delta < 2 || links + delta > kMaxDirectoryLinks) return {};
    CopyBytes(bytes.span().subspan(offsetof(InodeCore, i_links_count)),
              AsBytes(le16::Of(static_cast<uint16_t>(links + delta))));
    EKSHUME_TRY(SetChecksum(number, bytes));
    return patched_.Patch(EKSHUME_TRY(volume_.InodeOffset(number)), bytes.view());
  }

  // The fields before and after i_block are taken; i_block itself only where it is no extent tree,
  // as ranges tell how that changed.
  Result<void> PatchInode(ByteView value) {
    const InodeNumber number{EKSHUME_TRY(value.Read<le32>(0)).value()};
    const ByteView fresh = value.From(sizeof(le32)).First(volume_.geometry().inode_bytes);
    const auto core = EKSHUME_TRY(fresh.Read<InodeCore>(0));
    InodeBytes bytes = EKSHUME_TRY(volume_.ReadInodeBytes(number));
    const std::span<std::byte> raw = bytes.span();
    constexpr size_t kBlock = offsetof(InodeCore, i_block);
    constexpr size_t kAfterBlock = kBlock + kInodeBlockBytes;
    CopyBytes(raw, fresh.First(kBlock));
    CopyBytes(raw.subspan(kAfterBlock), fresh.From(kAfterBlock));
    const bool has_extents = (core.i_flags.value() & kInodeExtents) != 0;
    if (!has_extents) {
      CopyBytes(raw.subspan(kBlock), ByteView(core.i_block));
    } else if (EKSHUME_TRY(bytes.view().Read<ExtentHeader>(kBlock)).eh_magic.value() !=
               kExtentMagic) {
      // What lies there was no tree: an empty one.
      const ExtentHeader empty{le16::Of(kExtentMagic), le16::Of(0), le16::Of(4), le16::Of(0),
                               le32::Of(0)};
      CopyBytes(raw.subspan(kBlock), AsBytes(empty));
    }
    EKSHUME_TRY(SetChecksum(number, bytes));
    return patched_.Patch(EKSHUME_TRY(volume_.InodeOffset(number)), bytes.view());
  }

  // The mixture of old and new bytes needs a sum of its own.
  Result<void> SetChecksum(InodeNumber number, InodeBytes& bytes) const {
    const Geometry& geometry = volume_.geometry();
    if (!geometry.Has(kRoCompatMetadataCsum)) return {};
    const Inode inode = EKSHUME_TRY(ParseInode(geometry, number, bytes.view()));
    const InodeChecksum sum = EKSHUME_TRY(ComputeInodeChecksum(inode, bytes.view()));
    CopyBytes(bytes.span().subspan(offsetof(InodeCore, i_checksum_lo)),
              AsBytes(le16::Of(static_cast<uint16_t>(sum.computed))));
    if (sum.has_high_half) {
      CopyBytes(bytes.span().subspan(kGoodOldInodeBytes + offsetof(InodeExtra, i_checksum_hi)),
                AsBytes(le16::Of(static_cast<uint16_t>(sum.computed >> 16))));
    }
    return {};
  }

  void FinishRuns(InodeNumber number, const Pieces& pieces) {
    const auto inode = volume_.ReadInode(number);
    // A directory's new blocks were never written; its new names come as names.
    if (!inode || inode->type == NodeType::kDirectory) return;
    RunBuilder builder(volume_, *inode);
    for (const auto& [first, piece] : pieces) {
      if (!builder.Add(first, piece.count,
                       piece.unwritten ? Run::Kind::kUnwritten : Run::Kind::kData,
                       piece.device_block)) {
        break;
      }
    }
    changes_.runs[ToInteger(number)] = builder.Finish();
  }

  const Volume& volume_;
  image::PatchedImage& patched_;
  const FastCommitLog& log_;
  std::string& damage_;
  std::map<uint32_t, Pieces> pieces_;        // by inode
  std::map<uint32_t, int64_t> link_deltas_;  // by directory
  FastCommitChanges changes_;
};

}  // namespace

FastCommitChanges ApplyFastCommits(const Volume& volume, image::PatchedImage& patched,
                                   const FastCommitLog& log, std::string& damage) {
  return Applier(volume, patched, log, damage).Apply();
}

}  // namespace ekshume::fs::ext4
