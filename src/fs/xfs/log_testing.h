// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/hash.h"
#include "fs/xfs/log_format.h"
#include "fs/xfs/superblock.h"

// Writes logs by hand, for tests: what a real filesystem seldom or never leaves behind.
namespace ekshume::fs::xfs::testing {

template <typename T>
std::string BytesOf(const T& value) {
  return std::string(AsBytes(value).AsText());
}

// One operation of a record.
struct Operation {
  uint32_t tid;
  uint8_t flags;
  std::string bytes;
  uint8_t client = kXlogClientTransaction;
};

inline Operation Start(uint32_t tid) { return {tid, kXlogStartTrans, ""}; }
inline Operation Commit(uint32_t tid) { return {tid, kXlogCommitTrans, ""}; }
inline Operation Header(uint32_t tid) {
  return {tid, 0, BytesOf(TransHeader{le32::Of(kTransHeaderMagic), {}, le32::Of(tid), {}})};
}
inline Operation Region(uint32_t tid, std::string bytes) { return {tid, 0, std::move(bytes)}; }
inline Operation Unmount() {
  return {1, kXlogUnmountTrans, "nU" + std::string(6, '\0'), kXlogClientLog};
}
// A whole transaction of one item.
inline std::vector<Operation> Transaction(uint32_t tid, const std::vector<std::string>& regions) {
  std::vector<Operation> all = {Start(tid), Header(tid)};
  for (const std::string& region : regions) all.push_back(Region(tid, region));
  all.push_back(Commit(tid));
  return all;
}

// Writes records into the log of an image in memory, from log block 0 and cycle 1 on unless told.
class LogWriter {
 public:
  // Clears the log. Both must outlive the writer.
  LogWriter(std::string& image, const Superblock& superblock)
      : image_(&image),
        superblock_(&superblock),
        start_(superblock.FsBlockToByte(superblock.log_start).value()),
        block_count_((superblock.log_blocks << superblock.block_log) / kBasicBlockBytes) {
    std::fill_n(image_->begin() + static_cast<ptrdiff_t>(start_),
                size_t{block_count_} * kBasicBlockBytes, '\0');
  }

  uint32_t block_count() const { return block_count_; }
  uint32_t block() const { return block_; }
  Lsn lsn() const { return Lsn{cycle_} << 32 | block_; }
  void set_tail(Lsn tail) { tail_ = tail; }
  void set_version(uint32_t version) { version_ = version; }
  void set_buffer_bytes(uint32_t bytes) { buffer_bytes_ = bytes; }
  void set_format(uint32_t format) { format_ = format; }
  // Where a log block lies in the image.
  size_t OffsetOf(uint32_t block) const { return start_ + size_t{block} * kBasicBlockBytes; }

  // As if the log had been written up to `block` once: every block before it carries `cycle`, the
  // others the one before.
  void BeginAt(uint32_t block, uint32_t cycle) {
    for (uint32_t i = 0; i < block_count_; ++i) {
      const be32 stamp = be32::Of(i < block ? cycle : cycle - 1);
      image_->replace(OffsetOf(i), sizeof(be32), BytesOf(stamp));
    }
    block_ = block;
    cycle_ = cycle;
    tail_ = lsn();
  }

  // Writes one record and returns its LSN.
  Lsn Write(const std::vector<Operation>& operations) {
    std::string data;
    for (const Operation& operation : operations) {
      data += BytesOf(XlogOpHeader{be32::Of(operation.tid),
                                   be32::Of(static_cast<uint32_t>(operation.bytes.size())),
                                   operation.client,
                                   operation.flags,
                                   {}});
      data += operation.bytes;
    }
    data.resize((data.size() + kBasicBlockBytes - 1) / kBasicBlockBytes * kBasicBlockBytes);
    const uint32_t data_blocks = static_cast<uint32_t>(data.size() / kBasicBlockBytes);
    const Lsn written = lsn();

    XlogRecHeader header{};
    header.h_magicno = be32::Of(kXlogHeaderMagic);
    header.h_cycle = be32::Of(cycle_);
    header.h_version = be32::Of(version_);
    header.h_len = be32::Of(static_cast<uint32_t>(data.size()));
    header.h_lsn = be64::Of(written);
    header.h_tail_lsn = be64::Of(tail_);
    header.h_num_logops = be32::Of(static_cast<uint32_t>(operations.size()));
    header.h_fmt = be32::Of(format_);
    header.h_fs_uuid = superblock_->uuid;
    header.h_size = be32::Of(buffer_bytes_);
    const uint32_t header_blocks =
        version_ == kXlogVersion2
            ? (buffer_bytes_ + kXlogHeaderCycleBytes - 1) / kXlogHeaderCycleBytes
            : 1;
    std::vector<XlogRecExtHeader> extensions(header_blocks - 1);
    // Blocks past the end of the log are stamped with the next cycle.
    const auto stamp_of = [&](uint32_t block) {
      return be32::Of(block < block_count_ ? cycle_ : cycle_ + 1);
    };
    for (uint32_t i = 0; i < extensions.size(); ++i) {
      extensions[i].xh_cycle = stamp_of(block_ + 1 + i);
    }
    for (uint32_t i = 0; i < data_blocks; ++i) {
      const be32 stamp = stamp_of(block_ + header_blocks + i);
      const be32 original = ByteView::Of(data).Read<be32>(size_t{i} * kBasicBlockBytes).value();
      const size_t entry = i % kXlogCycleDataEntries;
      if (i < kXlogCycleDataEntries) {
        header.h_cycle_data[entry] = original;
      } else {
        extensions.at(i / kXlogCycleDataEntries - 1).xh_cycle_data[entry] = original;
      }
      data.replace(size_t{i} * kBasicBlockBytes, sizeof(be32), BytesOf(stamp));
    }
    std::string covered = BytesOf(header);
    covered.resize(kXlogRecHeaderCrcBytes);
    // Only the extended headers that the data needs are covered.
    for (size_t i = 1; i * kXlogHeaderCycleBytes < data.size(); ++i) {
      covered += BytesOf(extensions.at(i - 1));
    }
    header.h_crc = le32::Of(~Crc32c(~uint32_t{0}, ByteView::Of(covered + data)));

    PutBlock(BytesOf(header));
    for (const XlogRecExtHeader& extension : extensions) PutBlock(BytesOf(extension));
    for (uint32_t i = 0; i < data_blocks; ++i) {
      PutBlock(data.substr(size_t{i} * kBasicBlockBytes, kBasicBlockBytes));
    }
    return written;
  }

 private:
  void PutBlock(std::string bytes) {
    bytes.resize(kBasicBlockBytes);
    image_->replace(OffsetOf(block_), bytes.size(), bytes);
    if (++block_ == block_count_) {
      block_ = 0;
      ++cycle_;
    }
  }

  std::string* image_;
  const Superblock* superblock_;
  size_t start_;
  uint32_t block_count_;
  uint32_t block_ = 0;
  uint32_t cycle_ = 1;
  Lsn tail_ = Lsn{1} << 32;
  uint32_t version_ = kXlogVersion2;
  uint32_t buffer_bytes_ = kXlogHeaderCycleBytes;
  uint32_t format_ = kXlogFmtLinuxLe;
};

}  // namespace ekshume::fs::xfs::testing
