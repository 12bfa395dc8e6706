// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/directory.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "base/text.h"
#include "fs/xfs/da_format.h"
#include "fs/xfs/extent.h"

namespace ekshume::fs::xfs {
namespace {

constexpr size_t kReadAheadBytes = size_t{256} << 10;  // of directory blocks read at once

NodeType TypeFromFtype(uint8_t ftype) {
  switch (ftype) {
    case kDir3FtRegFile: return NodeType::kRegular;
    case kDir3FtDir: return NodeType::kDirectory;
    case kDir3FtChrdev:
    case kDir3FtWht: return NodeType::kCharDevice;
    case kDir3FtBlkdev: return NodeType::kBlockDevice;
    case kDir3FtFifo: return NodeType::kFifo;
    case kDir3FtSock: return NodeType::kSocket;
    case kDir3FtSymlink: return NodeType::kSymlink;
    default: return NodeType::kUnknown;
  }
}

// What the kernel's xfs_dir2_namecheck demands; a slash would lead out of the directory.
bool IsValidName(std::string_view name) {
  return !name.empty() && name.find('/') == name.npos && name.find('\0') == name.npos;
}

class DirectoryReader {
 public:
  DirectoryReader(const Context& context, const Inode& inode, const Filesystem::Visitor& visit)
      : context_(context), inode_(inode), visit_(visit) {}

  Result<void> ReadShortForm();
  Result<void> ReadBlocks();

 private:
  // An entry or an unused stretch of a data block.
  struct Item {
    size_t length;
    bool used;
    uint64_t inumber;
    std::string_view name;
    uint8_t ftype;
  };

  void ParseBlock(ByteView block, uint64_t byte_offset);
  // Where the items of a block begin and end; {0, 0} when it is no data block (reported).
  std::pair<size_t, size_t> ItemRange(ByteView block, uint64_t byte_offset);
  std::optional<Item> ParseItem(ByteView block, size_t offset, size_t end) const;
  std::optional<Item> ParseEntry(ByteView block, size_t offset, size_t end) const;
  void Emit(uint64_t inumber, std::string_view name, uint8_t ftype, uint64_t byte_offset);
  void ReportBad(std::string_view what, uint64_t byte_offset) {
    context_.Report(DiagnosticCode::kXfsBadStructure,
                    fmt::format("directory inode {}: {}", inode_.number, what), byte_offset);
  }
  // Reads and parses `count` directory blocks at once; false when one of them cannot be read.
  bool ReadRun(std::span<const Extent> extents, uint64_t file_block, size_t count);
  // The same, one by one when damage is met, which is reported.
  void ReadRunOrParts(std::span<const Extent> extents, uint64_t file_block, size_t count);
  uint64_t DeviceOffset(std::span<const Extent> extents, uint64_t file_block) const;

  const Context& context_;
  const Inode& inode_;
  const Filesystem::Visitor& visit_;
  std::vector<std::byte> buffer_;
  bool stopped_ = false;
};

void DirectoryReader::Emit(uint64_t inumber, std::string_view name, uint8_t ftype,
                           uint64_t byte_offset) {
  if (name == "." || name == "..") return;
  if (!IsValidName(name)) {
    ReportBad(fmt::format("impossible name \"{}\"", EscapeForTerminal(name)), byte_offset);
    return;
  }
  if (!visit_({std::string(name), NodeId{inumber}, TypeFromFtype(ftype)})) stopped_ = true;
}

// xfs_dir2_sf_hdr: count, i8count, the parent, then entries of name length, offset (be16), name,
// type byte and inode number.
Result<void> DirectoryReader::ReadShortForm() {
  ByteView fork = inode_.data_fork;
  if (inode_.size_bytes > fork.size()) {
    ReportBad(fmt::format("short form of {} bytes in a fork of {}", inode_.size_bytes, fork.size()),
              inode_.byte_offset);
  }
  fork = fork.First(inode_.size_bytes);
  const auto header = EKSHUME_TRY(fork.Read<Dir2SfHdr>(0));
  const bool wide = header.i8count != 0;
  const size_t number_bytes = wide ? sizeof(be64) : sizeof(be32);
  const size_t ftype_bytes = context_.sb.has_ftype ? 1 : 0;
  size_t offset = sizeof(Dir2SfHdr) + number_bytes;
  for (unsigned i = 0; i < header.count && !stopped_; ++i) {
    const auto namelen = fork.Read<uint8_t>(offset);
    const size_t name_offset = offset + 1 + sizeof(be16);
    const size_t rest = name_offset + namelen.value_or(0) + ftype_bytes;
    if (!namelen || !fork.Contains(rest, number_bytes)) {
      ReportBad(fmt::format("short form ends after {} of {} entries", i, header.count),
                inode_.byte_offset);
      return {};
    }
    const auto name = EKSHUME_TRY(fork.Sub(name_offset, *namelen)).AsText();
    const uint8_t ftype = ftype_bytes == 0 ? 0 : EKSHUME_TRY(fork.Read<uint8_t>(rest - 1));
    const uint64_t inumber = wide ? EKSHUME_TRY(fork.Read<be64>(rest)).value()
                                  : EKSHUME_TRY(fork.Read<be32>(rest)).value();
    Emit(inumber, name, ftype, inode_.byte_offset);
    offset = rest + number_bytes;
  }
  return {};
}

std::pair<size_t, size_t> DirectoryReader::ItemRange(ByteView block, uint64_t byte_offset) {
  constexpr std::pair<size_t, size_t> kNone = {0, 0};
  const bool crc = context_.sb.has_crc;
  const auto magic = block.Read<be32>(0);
  const uint32_t found = magic ? magic->value() : 0;
  const bool single = found == (crc ? kDir3BlockMagic : kDir2BlockMagic);
  if (!single && found != (crc ? kDir3DataMagic : kDir2DataMagic)) {
    ReportBad(fmt::format("bad block magic {:#010x}", found), byte_offset);
    return kNone;
  }
  if (crc) {
    const auto header = block.Read<Dir3BlkHdr>(0);
    if (!header || header->owner.value() != inode_.number) {
      ReportBad(fmt::format("block belongs to inode {}", header ? header->owner.value() : 0),
                byte_offset);
      return kNone;
    }
    context_.VerifyChecksum(block, offsetof(Dir3BlkHdr, crc),
                            fmt::format("directory inode {}", inode_.number), byte_offset);
  }
  size_t end = block.size();
  if (single) {
    // The hash index and its tail stand at the end of a single-block directory.
    end -= sizeof(Dir2BlockTail);
    const auto tail = block.Read<Dir2BlockTail>(end);
    const uint64_t index_bytes = tail ? tail->count.value() * uint64_t{sizeof(Dir2LeafEntry)} : 0;
    if (index_bytes <= end) {
      end -= index_bytes;
    } else {
      ReportBad("block's index is larger than the block", byte_offset);
    }
  }
  return {crc ? sizeof(Dir3DataHdr) : sizeof(Dir2DataHdr), end};
}

// Used entries end with their own offset, which tells them from garbage.
std::optional<DirectoryReader::Item> DirectoryReader::ParseEntry(ByteView block, size_t offset,
                                                                 size_t end) const {
  const auto entry = block.Read<Dir2DataEntry>(offset);
  if (!entry || entry->namelen == 0) return {};
  const size_t ftype_bytes = context_.sb.has_ftype ? 1 : 0;
  const size_t unpadded = sizeof(Dir2DataEntry) + entry->namelen + ftype_bytes + sizeof(be16);
  const size_t length = (unpadded + kDir2DataAlign - 1) / kDir2DataAlign * kDir2DataAlign;
  if (length > end - offset) return {};
  const auto tag = block.Read<be16>(offset + length - sizeof(be16));
  const auto name = block.Sub(offset + sizeof(Dir2DataEntry), entry->namelen);
  if (!tag || tag->value() != offset || !name) return {};
  const auto ftype = block.Read<uint8_t>(offset + sizeof(Dir2DataEntry) + entry->namelen);
  return Item{length, true, entry->inumber.value(), name->AsText(),
              ftype_bytes != 0 && ftype ? *ftype : uint8_t{0}};
}

std::optional<DirectoryReader::Item> DirectoryReader::ParseItem(ByteView block, size_t offset,
                                                                size_t end) const {
  const auto unused = block.Read<Dir2DataUnused>(offset);
  if (!unused) return {};
  if (unused->freetag.value() != kDir2DataFreeTag) return ParseEntry(block, offset, end);
  const size_t length = unused->length.value();
  if (length == 0 || length % kDir2DataAlign != 0 || length > end - offset) return {};
  const auto tag = block.Read<be16>(offset + length - sizeof(be16));
  if (!tag || tag->value() != offset) return {};
  return Item{length, false, 0, {}, 0};
}

void DirectoryReader::ParseBlock(ByteView block, uint64_t byte_offset) {
  auto [offset, end] = ItemRange(block, byte_offset);
  bool reported = false;
  while (offset < end && !stopped_) {
    const auto item = ParseItem(block, offset, end);
    if (!item) {
      if (!reported) {
        ReportBad(fmt::format("bad entry at {:#x} in its block", offset), byte_offset + offset);
      }
      reported = true;
      offset += kDir2DataAlign;
      continue;
    }
    if (item->used) Emit(item->inumber, item->name, item->ftype, byte_offset + offset);
    offset += item->length;
  }
}

bool DirectoryReader::ReadRun(std::span<const Extent> extents, uint64_t file_block, size_t count) {
  const Superblock& sb = context_.sb;
  const size_t block_bytes = sb.dir_block_bytes;
  const size_t fs_blocks = block_bytes >> sb.block_log;
  buffer_.resize(count * block_bytes);
  if (!ReadForkBlocks(context_, extents, file_block, buffer_)) return false;
  for (size_t i = 0; i < count && !stopped_; ++i) {
    const auto block = ByteView(buffer_).Sub(i * block_bytes, block_bytes);
    if (block) ParseBlock(*block, DeviceOffset(extents, file_block + i * fs_blocks));
  }
  return true;
}

uint64_t DirectoryReader::DeviceOffset(std::span<const Extent> extents, uint64_t file_block) const {
  const size_t index = FindExtent(extents, file_block);
  if (index >= extents.size() || extents[index].file_block > file_block) return inode_.byte_offset;
  return extents[index].byte_offset +
         ((file_block - extents[index].file_block) << context_.sb.block_log);
}

void DirectoryReader::ReadRunOrParts(std::span<const Extent> extents, uint64_t file_block,
                                     size_t count) {
  if (ReadRun(extents, file_block, count)) return;
  const size_t fs_blocks = context_.sb.dir_block_bytes >> context_.sb.block_log;
  for (size_t i = 0; i < count && !stopped_; ++i) {
    const uint64_t at = file_block + i * fs_blocks;
    if (!ReadRun(extents, at, 1)) {
      ReportBad(fmt::format("block {} cannot be read", at), DeviceOffset(extents, at));
    }
  }
}

// Walks the mapped directory blocks below the hash index in runs of neighbours. What is read is at
// most what the device holds: directory blocks are never shared, so more is a lie.
Result<void> DirectoryReader::ReadBlocks() {
  const Superblock& sb = context_.sb;
  const auto extents = EKSHUME_TRY(ReadExtents(context_, inode_, Fork::kData));
  const uint64_t fs_blocks = sb.dir_block_bytes >> sb.block_log;
  const uint64_t end_block = kDir2LeafOffsetBytes >> sb.block_log;
  const uint64_t most_per_run = std::max<uint64_t>(kReadAheadBytes / sb.dir_block_bytes, 1);
  uint64_t budget_blocks = context_.device.size_bytes() >> sb.block_log;
  uint64_t next = 0;  // first block not yet read
  size_t index = 0;
  while (index < extents.size() && !stopped_) {
    const Extent& first = extents[index];
    if (first.file_block >= end_block) break;
    // Directory blocks of several filesystem blocks may begin in one extent and end in another.
    uint64_t begin = std::max(next, first.file_block) / fs_blocks * fs_blocks;
    begin = std::max(begin, next);
    uint64_t run_end = first.end_block();
    size_t last = index;
    while (last + 1 < extents.size() && extents[last + 1].file_block == run_end) {
      if (run_end - begin >= most_per_run * fs_blocks) break;
      run_end = extents[++last].end_block();
    }
    run_end = std::min(run_end, end_block);
    const uint64_t count = std::min((run_end - begin + fs_blocks - 1) / fs_blocks, most_per_run);
    if (count * fs_blocks > budget_blocks) {
      context_.Report(DiagnosticCode::kFilesystemLimit,
                      fmt::format("directory inode {} is larger than the device", inode_.number),
                      inode_.byte_offset);
      break;
    }
    const uint64_t left = first.end_block() - begin;
    const uint64_t device_offset = DeviceOffset(extents, begin);
    if (begin >= first.file_block &&
        context_.device.NextData(device_offset) >= device_offset + (left << sb.block_log)) {
      ReportBad(fmt::format("{} blocks were never written", left), device_offset);
      next = first.end_block();
    } else {
      ReadRunOrParts(extents, begin, count);
      budget_blocks -= count * fs_blocks;
      next = begin + count * fs_blocks;
    }
    index = FindExtent(extents, next);
  }
  return {};
}

}  // namespace

Result<void> ReadDirectoryEntries(const Context& context, const Inode& inode,
                                  const Filesystem::Visitor& visit) {
  DirectoryReader reader(context, inode, visit);
  if (inode.core.di_format == kDinodeFmtLocal) return reader.ReadShortForm();
  return reader.ReadBlocks();
}

}  // namespace ekshume::fs::xfs
