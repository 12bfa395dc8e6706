// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/journal.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "fs/ext4/checksum.h"

namespace ekshume::fs::ext4 {
namespace {

constexpr uint32_t kDefaultFastCommitBlocks = 256;
constexpr uint32_t kMinJournalBlocks = 1024;
constexpr size_t kWindowBytes = size_t{256} << 10;

}  // namespace

size_t JournalShape::tag_bytes() const {
  if (Has(kJournalIncompatCsumV3)) return sizeof(JournalTag3);
  size_t size = sizeof(JournalTag);
  if (Has(kJournalIncompatCsumV2)) size += 2;
  if (Has(kJournalIncompat64Bit)) size += 4;
  return size;
}

Result<JournalShape> ParseJournalSuperBlock(ByteView first_block, uint32_t block_bytes,
                                            uint64_t file_blocks) {
  const auto superblock = EKSHUME_TRY(first_block.Read<JournalSuperBlock>(0));
  const uint32_t type = superblock.s_header.h_blocktype.value();
  if (superblock.s_header.h_magic.value() != kJournalMagic ||
      (type != kJournalSuperBlockV1 && type != kJournalSuperBlockV2)) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("the journal's superblock has magic {:#010x} and type {}, expected "
                            "{:#010x} and 3 or 4",
                            superblock.s_header.h_magic.value(), type, kJournalMagic));
  }
  JournalShape shape;
  shape.block_bytes = superblock.s_blocksize.value();
  if (shape.block_bytes != block_bytes) {
    return Fail(ErrorCode::kCorrupt, fmt::format("the journal has blocks of {} bytes, expected {}",
                                                 shape.block_bytes, block_bytes));
  }
  const uint32_t length = superblock.s_maxlen.value();
  if (length > file_blocks || uint64_t{length} * block_bytes > limits::kMaxJournalBytes) {
    return Fail(length > file_blocks ? ErrorCode::kCorrupt : ErrorCode::kLimit,
                fmt::format("kMaxJournalBytes: the journal declares {} blocks, its file has {}",
                            length, file_blocks));
  }
  if (type == kJournalSuperBlockV2) {
    shape.compat = superblock.s_feature_compat.value();
    shape.incompat = superblock.s_feature_incompat.value();
    if (const uint32_t unknown = shape.incompat & ~uint32_t{kJournalKnownIncompat}) {
      return Fail(ErrorCode::kUnsupported,
                  fmt::format("unsupported journal incompat feature {:#x}", unknown));
    }
    shape.checksum_seed = Crc32c(~0U, ByteView(superblock.s_uuid));
    if (shape.has_checksum_v2_or_v3()) {
      shape.checksum_ok =
          superblock.s_checksum.value() ==
          Crc32cWithoutField(~0U, AsBytes(superblock), offsetof(JournalSuperBlock, s_checksum),
                             sizeof(superblock.s_checksum));
    }
  }
  shape.end_block = length;
  if (shape.Has(kJournalIncompatFastCommit)) {
    uint32_t count = superblock.s_num_fc_blks.value();
    if (count == 0) count = kDefaultFastCommitBlocks;
    if (length > count && length - count >= kMinJournalBlocks) shape.end_block = length - count;
    shape.fast_commit_first = std::min(shape.end_block + 1, length);
    shape.fast_commit_end = length;
  }
  shape.first_block = superblock.s_first.value();
  shape.start_block = superblock.s_start.value();
  shape.start_sequence = superblock.s_sequence.value();
  if (shape.first_block == 0 || shape.first_block >= shape.end_block ||
      (shape.start_block != 0 &&
       (shape.start_block < shape.first_block || shape.start_block >= shape.end_block))) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("the journal's log of blocks {} to {} starts at block {}",
                            shape.first_block, shape.end_block, shape.start_block));
  }
  return shape;
}

JournalBlocks::JournalBlocks(const File& file, uint32_t block_bytes)
    : file_(file),
      block_bytes_(block_bytes),
      window_(std::max<size_t>(kWindowBytes, block_bytes)) {}

Result<ByteView> JournalBlocks::Read(uint64_t block) {
  const uint64_t window_blocks = window_filled_bytes_ / block_bytes_;
  if (block < window_block_ || block - window_block_ >= window_blocks) {
    window_filled_bytes_ = 0;
    const uint64_t offset = block * block_bytes_;
    auto count = file_.ReadAt(offset, window_);
    // A part of the window may be unreadable; the one block that is asked for may be fine.
    if (!count) count = file_.ReadAt(offset, std::span(window_).first(block_bytes_));
    if (!count) return std::move(count).error();
    if (*count < block_bytes_) {
      return Fail(ErrorCode::kOutOfRange, fmt::format("journal block {} is past its end", block));
    }
    window_block_ = block;
    window_filled_bytes_ = *count;
  }
  return ByteView(window_).Sub((block - window_block_) * block_bytes_, block_bytes_);
}

Result<uint64_t> JournalBlocks::DeviceOffset(uint64_t block) const {
  const uint64_t offset = block * block_bytes_;
  const auto runs = file_.runs();
  const auto after = std::upper_bound(
      runs.begin(), runs.end(), offset,
      [](uint64_t value, const Run& each) { return value < each.file_offset_bytes; });
  const auto run = after == runs.begin() ? runs.end() : std::prev(after);
  if (run == runs.end() || run->kind != Run::Kind::kData ||
      offset - run->file_offset_bytes >= run->length_bytes) {
    return Fail(ErrorCode::kCorrupt, fmt::format("journal block {} lies in a hole", block));
  }
  return run->device_offset_bytes + (offset - run->file_offset_bytes);
}

}  // namespace ekshume::fs::ext4
