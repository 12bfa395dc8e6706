// SPDX-License-Identifier: Apache-2.0
// The XFS log. The first byte says what the others are: 0, the log as it lies on disk, which seldom
// gets past its checksums; otherwise the operations of one record, which is written with everything
// around them right: flags, transaction, length (two bytes, little-endian), bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "fs/xfs/attribute.h"
#include "fs/xfs/file.h"
#include "fs/xfs/log.h"
#include "fs/xfs/log_metadata.h"
#include "fs/xfs/log_testing.h"

namespace ekshume::fs::xfs {
namespace {

constexpr uint32_t kLogBlocks = 256;  // of 1 KiB, from the second block on

Superblock SmallFilesystem(bool has_crc) {
  Superblock superblock;
  superblock.version = has_crc ? 5 : 4;
  superblock.block_bytes = 1024;
  superblock.block_log = 10;
  superblock.sector_bytes = 512;
  superblock.inode_bytes = 512;
  superblock.inode_log = 9;
  superblock.inodes_per_block = 2;
  superblock.inodes_per_block_log = 1;
  superblock.ag_blocks = 16384;
  superblock.ag_block_log = 14;
  superblock.ag_count = 2;
  superblock.data_blocks = 32768;
  superblock.log_start = 1;
  superblock.log_blocks = kLogBlocks;
  superblock.root_inode = 1024;
  superblock.has_crc = has_crc;
  superblock.has_logv2 = true;
  return superblock;
}

// The log, and inodes everywhere else: whatever an item names can be changed.
class Device final : public image::Image {
 public:
  Device(const std::string& start, const Superblock& superblock)
      : start_(start),
        superblock_(superblock),
        size_(superblock.size_bytes()),
        slot_(superblock.inode_bytes, '\0') {
    Dinode inode{};
    inode.di_magic = be16::Of(kDinodeMagic);
    inode.di_mode = be16::Of(0100644);
    inode.di_version = superblock.has_crc ? 3 : 2;
    inode.di_format = kDinodeFmtExtents;
    slot_.replace(0, sizeof(inode), testing::BytesOf(inode));
  }

  uint64_t size_bytes() const override { return size_; }
  const std::string& name() const override { return name_; }
  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    if (!RangeFits(offset_bytes, uint64_t{out.size()}, size_)) {
      return Fail(ErrorCode::kOutOfRange, "past the end");
    }
    while (!out.empty()) {
      const bool in_start = offset_bytes < start_.size();
      const std::string slot = in_start ? std::string() : SlotAt(offset_bytes);
      const ByteView from = ByteView::Of(in_start ? start_ : slot)
                                .From(in_start ? offset_bytes : offset_bytes % slot_.size());
      const ByteView now = from.First(out.size());
      CopyBytes(out, now);
      out = out.subspan(now.size());
      offset_bytes += now.size();
    }
    return {};
  }

 private:
  // Version 3 knows its number.
  std::string SlotAt(uint64_t offset_bytes) const {
    std::string slot = slot_;
    if (!superblock_.has_crc) return slot;
    const uint64_t group_bytes = uint64_t{superblock_.ag_blocks} << superblock_.block_log;
    const auto group = static_cast<uint32_t>(offset_bytes / group_bytes);
    const auto within = static_cast<uint32_t>(offset_bytes % group_bytes / slot.size());
    const be64 number = be64::Of(superblock_.InodeNumber(group, within));
    slot.replace(offsetof(Dinode, di_ino), sizeof(number), testing::BytesOf(number));
    return slot;
  }

  const std::string& start_;
  const Superblock& superblock_;
  uint64_t size_;
  std::string slot_;
  std::string name_ = "fuzz";
};

std::vector<testing::Operation> Operations(ByteView bytes) {
  constexpr size_t kHeaderBytes = 4;
  constexpr size_t kMostBytes = 60000;
  std::vector<testing::Operation> operations;
  for (size_t total = 0; bytes.size() >= kHeaderBytes && total < kMostBytes;) {
    const size_t length = bytes.Read<le16>(2)->value();
    const ByteView content = bytes.From(kHeaderBytes).First(length);
    operations.push_back({bytes.Read<uint8_t>(1).value(), bytes.Read<uint8_t>(0).value(),
                          std::string(content.AsText())});
    bytes = bytes.From(kHeaderBytes + content.size());
    total += sizeof(XlogOpHeader) + content.size();
  }
  return operations;
}

void Replay(uint8_t mode, ByteView input) {
  const Superblock superblock = SmallFilesystem((mode & 2) == 0);
  std::string start(size_t{1 + kLogBlocks} << superblock.block_log, '\0');
  testing::LogWriter writer(start, superblock);
  if (mode == 0) {
    start.replace(writer.OffsetOf(0), std::min<size_t>(input.size(), kLogBlocks << 10),
                  input.First(kLogBlocks << 10).AsText());
  } else {
    writer.set_buffer_bytes(128 << 10);
    // Somewhere in the middle, or around the end of the log.
    writer.BeginAt((mode & 4) == 0 ? 8 : writer.block_count() - 3, 9);
    writer.Write(Operations(input));
  }
  const Device device(start, superblock);
  image::PatchedImage patched(device);
  DiagnosticSink sink;
  const auto replay = ReplayLog(device, superblock, patched, sink);
  if (!replay) return;
  // What finished intents changed is read as the reader reads it.
  const Context context{patched, superblock, sink, &replay->changes};
  const InodeReader inodes(context);
  for (const auto& [number, change] : replay->changes.by_inode) {
    const auto inode = inodes.Read(number);
    if (!inode) continue;
    (void)ReadAttributes(context, *inode);
    (void)OpenRegularFile(context, *inode);
  }
}

}  // namespace
}  // namespace ekshume::fs::xfs

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string bytes(data, data + size);
  ekshume::fs::xfs::Replay(data[0], ekshume::ByteView::Of(bytes).From(1));
  return 0;
}
