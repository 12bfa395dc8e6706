// SPDX-License-Identifier: Apache-2.0
#include "volume/mbr/reader.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "image/test_support.h"
#include "volume/test_disks.h"

namespace ekshume::volume::mbr {
namespace {

using image::testing::MakeTextImage;
using testing::MakeBootRecord;
using testing::MakeRecord;
using testing::Put;
using enum DiagnosticCode;
using Codes = std::vector<DiagnosticCode>;

std::string Disk(uint64_t sectors, const BootRecord& boot) {
  std::string disk(sectors * kSectorBytes, '\0');
  Put(disk, 0, boot);
  return disk;
}

PartitionTable ReadDisk(const std::string& disk, Codes* codes = nullptr) {
  const auto image = MakeTextImage(disk, "disk");
  DiagnosticSink diagnostics;
  auto table = ReadPartitionTable(*image, diagnostics);
  EXPECT_TRUE(table.has_value()) << table.error().message;
  if (codes != nullptr) {
    codes->clear();
    for (const Diagnostic& diagnostic : diagnostics.Sorted()) codes->push_back(diagnostic.code);
  }
  return table ? *std::move(table) : PartitionTable{};
}

// A primary partition, an extended one from sector 100 with `count` logical ones of 10 sectors.
std::string ExtendedDisk(uint32_t count) {
  const uint32_t size = 20 * count;
  std::string disk =
      Disk(100 + size, MakeBootRecord({MakeRecord(0x83, 8, 92), MakeRecord(0x0F, 100, size)}));
  for (uint32_t i = 0; i < count; ++i) {
    std::vector<PartitionRecord> records = {MakeRecord(0x83, 5, 10)};
    if (i + 1 < count) records.push_back(MakeRecord(0x05, 20 * (i + 1), 20));
    Put(disk, (100 + 20 * size_t{i}) * kSectorBytes, MakeBootRecord(records));
  }
  return disk;
}

TEST(MbrTest, ReadsPrimaryAndLogicalPartitions) {
  Codes codes;
  const PartitionTable table = ReadDisk(ExtendedDisk(3), &codes);
  EXPECT_EQ(codes, Codes{});
  EXPECT_EQ(table.kind, "mbr");
  EXPECT_EQ(table.disk_uuid, "1234abcd");
  ASSERT_EQ(table.partitions.size(), 5U);
  EXPECT_EQ(table.partitions[0].number, 1);
  EXPECT_EQ(table.partitions[0].type, "0x83");
  EXPECT_EQ(table.partitions[0].type_name, "Linux");
  EXPECT_EQ(table.partitions[0].uuid, "1234abcd-01");
  EXPECT_EQ(table.partitions[0].size_bytes, 92U * kSectorBytes);
  EXPECT_EQ(table.partitions[1].type, "0x0f");
  for (size_t i = 0; i < 3; ++i) {
    const Partition& logical = table.partitions[2 + i];
    EXPECT_EQ(logical.number, static_cast<int>(5 + i));
    EXPECT_EQ(logical.offset_bytes, (105 + 20 * i) * kSectorBytes);
    EXPECT_EQ(logical.size_bytes, 10U * kSectorBytes);
  }
}

TEST(MbrTest, ALoopInTheChainEnds) {
  std::string disk = ExtendedDisk(3);
  // The last record leads back to the first.
  Put(disk, size_t{140} * kSectorBytes,
      MakeBootRecord({MakeRecord(0x83, 5, 10), MakeRecord(0x05, 20, 20)}));
  Codes codes;
  const PartitionTable table = ReadDisk(disk, &codes);
  EXPECT_EQ(codes, Codes{kPartitionTableLoop});
  EXPECT_EQ(table.partitions.size(), 5U);
}

TEST(MbrTest, TheChainIsBounded) {
  Codes codes;
  const PartitionTable table = ReadDisk(ExtendedDisk(limits::kMaxExtendedChain + 5), &codes);
  EXPECT_EQ(codes, Codes{kPartitionTableLoop});
  EXPECT_EQ(table.partitions.size(), 2 + limits::kMaxExtendedChain);
}

TEST(MbrTest, ABrokenChainKeepsWhatCameBefore) {
  std::string disk = ExtendedDisk(3);
  disk[(120 + 1) * kSectorBytes - 1] = 'x';  // the signature of the second record
  Codes codes;
  EXPECT_EQ(ReadDisk(disk, &codes).partitions.size(), 3U);
  EXPECT_EQ(codes, Codes{kPartitionTableDamaged});
}

TEST(MbrTest, PartitionsOutsideTheImageAreListed) {
  Codes codes;
  const PartitionTable table = ReadDisk(
      Disk(64,
           MakeBootRecord({MakeRecord(0x83, 8, 1000), MakeRecord(0x83, 0xFFFFFFFF, 0xFFFFFFFF)})),
      &codes);
  ASSERT_EQ(table.partitions.size(), 2U);
  EXPECT_EQ(table.partitions[1].offset_bytes, uint64_t{0xFFFFFFFF} * kSectorBytes);
  EXPECT_EQ(codes, (Codes{kPartitionOutOfRange, kPartitionOutOfRange}));
}

TEST(MbrTest, AFilesystemIsNoTable) {
  const auto kind = [](const std::string& disk) { return ReadDisk(disk).kind; };
  // Boot sectors end in 55 AA as well; what is at the table's place is code and text.
  std::string fat = Disk(64, MakeBootRecord({MakeRecord(0x83, 8, 20)}));
  fat.replace(54, 8, "FAT16   ");
  EXPECT_EQ(kind(fat), "none");
  std::string fat32 = Disk(64, MakeBootRecord({MakeRecord(0x83, 8, 20)}));
  fat32.replace(82, 8, "FAT32   ");
  EXPECT_EQ(kind(fat32), "none");
  std::string ntfs = Disk(64, MakeBootRecord({MakeRecord(0x83, 8, 20)}));
  ntfs.replace(3, 8, "NTFS    ");
  EXPECT_EQ(kind(ntfs), "none");
  std::string code = Disk(64, MakeBootRecord({MakeRecord(0x83, 8, 20)}));
  code[446] = 'R';  // an illegal boot indicator
  EXPECT_EQ(kind(code), "none");
  EXPECT_EQ(kind(Disk(64, MakeBootRecord({}))), "none");
  EXPECT_EQ(kind(Disk(64, MakeBootRecord({MakeRecord(0x83, 100, 20)}))), "none");
  EXPECT_EQ(kind("XFSB" + std::string(4092, '\0')), "none");
  const PartitionTable none = ReadDisk(std::string(5000, '\0'));
  ASSERT_EQ(none.partitions.size(), 1U);
  EXPECT_EQ(none.partitions[0].number, 0);
  EXPECT_EQ(none.partitions[0].size_bytes, 5000U);
}

TEST(MbrTest, AProtectiveMbrWithoutAGptIsLoss) {
  Codes codes;
  const PartitionTable table =
      ReadDisk(Disk(64, MakeBootRecord({MakeRecord(0xEE, 1, 63)})), &codes);
  EXPECT_EQ(table.kind, "mbr");
  EXPECT_EQ(codes, Codes{kPartitionTableDamaged});
}

TEST(MbrTest, ReadsNothingFromATinyImage) {
  for (size_t length = 1; length < 600; ++length) {
    EXPECT_EQ(ReadDisk(std::string(length, '\xff')).kind, "none");
  }
}

TEST(MbrTest, EveryTruncationAndByteFlipEnds) {
  const std::string whole = ExtendedDisk(3);
  for (size_t length = 1; length <= whole.size(); length += length < 600 ? 1 : 31) {
    ReadDisk(whole.substr(0, length));
  }
  for (const size_t sector : {0, 100, 120, 140}) {  // those with a boot record
    for (size_t within = 440; within < kSectorBytes; ++within) {
      for (const char flip : {'\x01', '\x80', '\xff'}) {
        std::string disk = whole;
        char& byte = disk[sector * kSectorBytes + within];
        byte = static_cast<char>(byte ^ flip);
        EXPECT_LE(ReadDisk(disk).partitions.size(), 4 + limits::kMaxExtendedChain);
      }
    }
  }
}

}  // namespace
}  // namespace ekshume::volume::mbr
