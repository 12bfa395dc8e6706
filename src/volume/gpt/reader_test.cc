// SPDX-License-Identifier: Apache-2.0
#include "volume/gpt/reader.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "image/test_support.h"
#include "volume/gpt/type_names.h"
#include "volume/test_disks.h"

namespace ekshume::volume::gpt {
namespace {

using image::testing::MakeTextImage;
using testing::GptOptions;
using testing::MakeEntry;
using testing::MakeGptDisk;
using testing::Put;
using enum DiagnosticCode;

constexpr size_t kSector = 512;

std::vector<Entry> TwoEntries() {
  return {MakeEntry(40, 59, u"Linux"), MakeEntry(60, 79, u"d\u00e4ta \U0001F600")};
}

// What ReadPartitionTable makes of a disk.
struct Outcome {
  PartitionTable table;
  std::vector<DiagnosticCode> codes;
};
Outcome ReadDisk(const std::string& disk) {
  const auto image = MakeTextImage(disk, "disk");
  DiagnosticSink diagnostics;
  auto table = ReadPartitionTable(*image, diagnostics);
  EXPECT_TRUE(table.has_value()) << table.error().message;
  Outcome read;
  if (table) read.table = *std::move(table);
  for (const Diagnostic& diagnostic : diagnostics.Sorted()) read.codes.push_back(diagnostic.code);
  return read;
}
using Codes = std::vector<DiagnosticCode>;

TEST(GptTest, ReadsAWholeTable) {
  const Outcome read = ReadDisk(MakeGptDisk(TwoEntries()));
  EXPECT_EQ(read.codes, Codes{});
  EXPECT_EQ(read.table.kind, "gpt");
  EXPECT_EQ(read.table.sector_bytes, 512U);
  EXPECT_EQ(read.table.disk_uuid, "0fc63daf-8483-4772-8e79-3d69d8477de4");
  ASSERT_EQ(read.table.partitions.size(), 2U);
  const Partition& first = read.table.partitions[0];
  EXPECT_EQ(first.number, 1);
  EXPECT_EQ(first.offset_bytes, 40 * kSector);
  EXPECT_EQ(first.size_bytes, 20 * kSector);
  EXPECT_EQ(first.type, "0fc63daf-8483-4772-8e79-3d69d8477de4");
  EXPECT_EQ(first.type_name, "Linux filesystem");
  EXPECT_EQ(first.label, "Linux");
  EXPECT_EQ(first.uuid, "00000028-8483-4772-8e79-3d69d8477de4");
  EXPECT_EQ(read.table.partitions[1].label, "däta 😀");
}

TEST(GptTest, ReadsSectorsOf4096BytesAndLargerEntries) {
  const Outcome read =
      ReadDisk(MakeGptDisk(TwoEntries(), {.sector_bytes = 4096, .entry_bytes = 256}));
  EXPECT_EQ(read.codes, Codes{});
  EXPECT_EQ(read.table.sector_bytes, 4096U);
  ASSERT_EQ(read.table.partitions.size(), 2U);
  EXPECT_EQ(read.table.partitions[1].offset_bytes, 60U * 4096);
}

TEST(GptTest, NumbersArePlacesInTheTable) {
  std::vector<Entry> entries(15);
  entries[0] = MakeEntry(40, 49, u"first");
  entries[14] = MakeEntry(50, 59, u"last");
  const Outcome read = ReadDisk(MakeGptDisk(entries));
  ASSERT_EQ(read.table.partitions.size(), 2U);
  EXPECT_EQ(read.table.partitions[1].number, 15);
}

TEST(GptTest, EitherCopyIsEnough) {
  const std::string whole = MakeGptDisk(TwoEntries());
  const size_t primary = kSector;
  const size_t backup = 127 * kSector;
  const size_t primary_table = 2 * kSector;
  const size_t backup_table = (127 - 4) * kSector;
  for (const auto& [offset, code] : {std::pair{primary, kGptPrimaryDamaged},
                                     {primary + 56, kGptPrimaryDamaged},
                                     {primary_table + 5, kGptPrimaryDamaged},
                                     {backup, kGptBackupDamaged},
                                     {backup + 72, kGptBackupDamaged},
                                     {backup_table + 5, kGptBackupDamaged}}) {
    std::string disk = whole;
    disk[offset] = static_cast<char>(disk[offset] ^ 1);
    const Outcome read = ReadDisk(disk);
    EXPECT_EQ(read.codes, Codes{code}) << offset;
    EXPECT_EQ(read.table.partitions.size(), 2U) << offset;
    EXPECT_EQ(read.table.partitions[0].uuid, "00000028-8483-4772-8e79-3d69d8477de4") << offset;
  }
}

TEST(GptTest, WithoutAProtectiveMbrItIsAGptAllTheSame) {
  std::string disk = MakeGptDisk(TwoEntries());
  disk.replace(0, kSector, kSector, '\0');
  EXPECT_EQ(ReadDisk(disk).table.kind, "gpt");
}

TEST(GptTest, AnMbrOfItsOwnMakesTheGptStale) {
  std::string disk = MakeGptDisk(TwoEntries());
  Put(disk, 0, testing::MakeBootRecord({testing::MakeRecord(0x83, 8, 100)}));
  const Outcome read = ReadDisk(disk);
  EXPECT_EQ(read.table.kind, "mbr");
  EXPECT_EQ(read.table.partitions.size(), 1U);
}

TEST(GptTest, AHybridMbrIsAGpt) {
  std::string disk = MakeGptDisk(TwoEntries());
  Put(disk, 0,
      testing::MakeBootRecord(
          {testing::MakeRecord(0x83, 40, 20), testing::MakeRecord(kProtectiveMbrType, 1, 39)}));
  EXPECT_EQ(ReadDisk(disk).table.kind, "gpt");
}

TEST(GptTest, BothCopiesDamagedIsStillAListAndLoss) {
  std::string disk = MakeGptDisk(TwoEntries());
  disk[2 * kSector + 56] = 'X';          // a name in the primary table
  disk[(127 - 4) * kSector + 56] = 'Y';  // and in the backup
  const Outcome read = ReadDisk(disk);
  EXPECT_EQ(read.codes, Codes{kPartitionTableDamaged});
  ASSERT_EQ(read.table.partitions.size(), 2U);
  EXPECT_EQ(read.table.partitions[0].label, "Xinux");
}

TEST(GptTest, DifferentCopiesAreNoted) {
  const std::string one = MakeGptDisk(TwoEntries());
  std::string disk = MakeGptDisk({MakeEntry(40, 59, u"Linux")});
  // The primary of one disk and the backup of another, both whole.
  disk.replace(0, 34 * kSector, one, 0, 34 * kSector);
  const Outcome read = ReadDisk(disk);
  EXPECT_EQ(read.codes, Codes{kGptHeadersDiffer});
  EXPECT_EQ(read.table.partitions.size(), 2U);
}

TEST(GptTest, ATruncatedImageSaysSo) {
  const std::string disk = MakeGptDisk(TwoEntries()).substr(0, 70 * kSector);
  const Outcome read = ReadDisk(disk);
  EXPECT_EQ(read.codes, (Codes{kImageTruncated, kGptBackupDamaged, kPartitionOutOfRange}));
  ASSERT_EQ(read.table.partitions.size(), 2U);
  EXPECT_EQ(read.table.partitions[1].size_bytes, 20 * kSector);
}

TEST(GptTest, AGrownDiskIsWhole) {
  // A volume that was enlarged: the backup is where the primary says, not at the end.
  EXPECT_EQ(ReadDisk(MakeGptDisk(TwoEntries()) + std::string(64 * kSector, '\0')).codes, Codes{});
}

TEST(GptTest, EntriesThatMakeNoSenseAreReported) {
  const Outcome backwards =
      ReadDisk(MakeGptDisk({MakeEntry(59, 40, u"x"), MakeEntry(60, 79, u"y")}));
  EXPECT_EQ(backwards.codes, Codes{kPartitionOutOfRange});
  EXPECT_EQ(backwards.table.partitions.size(), 1U);
  const Outcome huge = ReadDisk(MakeGptDisk({MakeEntry(40, UINT64_MAX, u"x")}));
  EXPECT_EQ(huge.codes, Codes{kPartitionOutOfRange});
  const Outcome outside = ReadDisk(MakeGptDisk({MakeEntry(100, uint64_t{1} << 50, u"x")}));
  EXPECT_EQ(outside.codes, Codes{kPartitionOutOfRange});
  ASSERT_EQ(outside.table.partitions.size(), 1U);
  EXPECT_EQ(outside.table.partitions[0].offset_bytes, 100 * kSector);
}

TEST(GptTest, TableSizeIsBounded) {
  std::string disk = MakeGptDisk(TwoEntries());
  for (const size_t lba : {size_t{1}, size_t{127}}) {
    // A table that would be larger than the limit, with a header CRC that matches.
    auto header = *ByteView::Of(disk).Read<Header>(lba * kSector);
    header.number_of_partition_entries = le32::Of(0xFFFFFFFF);
    header.header_crc32 = {};
    header.header_crc32 = le32::Of(Crc32(AsBytes(header)));
    Put(disk, lba * kSector, header);
  }
  const auto image = MakeTextImage(disk);
  DiagnosticSink diagnostics;
  const auto table = Read(*image, diagnostics);
  ASSERT_FALSE(table.has_value());
  EXPECT_NE(table.error().message.find("kMaxGptTableBytes"), std::string::npos);
}

TEST(GptTest, PartitionCountIsBounded) {
  std::vector<Entry> entries(limits::kMaxPartitions + 1, MakeEntry(600, 601, u"x"));
  const auto count = static_cast<uint32_t>(entries.size());
  const Outcome read = ReadDisk(MakeGptDisk(entries, {.sectors = 2048, .entry_count = count}));
  EXPECT_EQ(read.codes, Codes{kPartitionTableDamaged});
  EXPECT_EQ(read.table.partitions.size(), limits::kMaxPartitions);
}

TEST(GptTest, NamesWithLoneSurrogatesStayUtf8) {
  std::array<le16, 36> name{};
  name[0] = le16::Of(0xD800);
  name[1] = le16::Of('a');
  name[2] = le16::Of(0xDC00);
  EXPECT_EQ(NameText(name),
            "\xEF\xBF\xBD"
            "a"
            "\xEF\xBF\xBD");
  name.fill(le16::Of(0xD83D));
  EXPECT_EQ(NameText(name).size(), 36U * 3);
}

TEST(GptTest, KnowsBottlerocketsTypes) {
  EXPECT_EQ(TypeName("626f7474-6c65-6474-6861-726d61726b73"), "Bottlerocket data");
  EXPECT_EQ(TypeName("440408bb-eb0b-4328-a6e5-a29038fad706"), "Bottlerocket private");
  EXPECT_EQ(TypeName("00000000-0000-0000-0000-000000000001"), "");
}

TEST(GptTest, EveryTruncationAndByteFlipEnds) {
  const std::string whole = MakeGptDisk(TwoEntries(), {.sectors = 90, .entry_count = 4});
  for (size_t length = 1; length < whole.size(); length += length < 3 * kSector ? 1 : 509) {
    ReadDisk(whole.substr(0, length));
  }
  std::vector<size_t> places;
  for (size_t i = 446; i < 3 * kSector; ++i) places.push_back(i);
  for (size_t i = 88 * kSector; i < whole.size(); ++i) places.push_back(i);
  for (const size_t place : places) {
    for (const char flip : {'\x01', '\x80', '\xff'}) {
      std::string disk = whole;
      disk[place] = static_cast<char>(disk[place] ^ flip);
      const Outcome read = ReadDisk(disk);
      // One damaged byte never costs a partition: the other copy has it.
      EXPECT_TRUE(read.table.kind == "mbr" || read.table.partitions.size() == 2U) << place;
    }
  }
}

}  // namespace
}  // namespace ekshume::volume::gpt
