// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "volume/gpt/format.h"
#include "volume/mbr/format.h"

// Disks made for tests, byte by byte from the on-disk structs; used by tests only.
namespace ekshume::volume::testing {

template <typename T>
void Put(std::string& disk, size_t offset, const T& value) {
  const std::string_view bytes = AsBytes(value).AsText();
  disk.replace(offset, bytes.size(), bytes);
}

inline mbr::PartitionRecord MakeRecord(unsigned char type, uint32_t start, uint32_t size) {
  mbr::PartitionRecord record{};
  record.os_type = type;
  record.starting_lba = le32::Of(start);
  record.size_in_lba = le32::Of(size);
  return record;
}

inline mbr::BootRecord MakeBootRecord(const std::vector<mbr::PartitionRecord>& records) {
  mbr::BootRecord boot{};
  boot.unique_mbr_disk_signature = le32::Of(0x1234abcd);
  std::ranges::copy(records, boot.partition_record.begin());
  boot.signature = le16::Of(mbr::kSignature);
  return boot;
}

// 0fc63daf-8483-4772-8e79-3d69d8477de4.
inline constexpr gpt::Guid kLinuxGuid = {le32{{0xaf, 0x3d, 0xc6, 0x0f}},
                                         le16{{0x83, 0x84}},
                                         le16{{0x72, 0x47}},
                                         {0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4}};

inline gpt::Entry MakeEntry(uint64_t first, uint64_t last, std::u16string_view name) {
  gpt::Entry entry{};
  entry.partition_type_guid = kLinuxGuid;
  entry.unique_partition_guid = kLinuxGuid;
  entry.unique_partition_guid.time_low = le32::Of(static_cast<uint32_t>(first));
  entry.starting_lba = le64::Of(first);
  entry.ending_lba = le64::Of(last);
  for (size_t i = 0; i < std::min(name.size(), entry.partition_name.size()); ++i) {
    entry.partition_name[i] = le16::Of(name[i]);
  }
  return entry;
}

struct GptOptions {
  uint32_t sector_bytes = 512;
  uint64_t sectors = 128;
  uint32_t entry_count = 16;
  uint32_t entry_bytes = 128;
};

// Both copies of a GPT with `entries`, the first of them being partition 1, and a protective MBR.
inline std::string MakeGptDisk(const std::vector<gpt::Entry>& entries, GptOptions options = {}) {
  const size_t sector = options.sector_bytes;
  std::string disk(options.sectors * sector, '\0');
  Put(disk, 0,
      MakeBootRecord(
          {MakeRecord(gpt::kProtectiveMbrType, 1, static_cast<uint32_t>(options.sectors - 1))}));
  std::string table(size_t{options.entry_count} * options.entry_bytes, '\0');
  for (size_t i = 0; i < entries.size(); ++i) Put(table, i * options.entry_bytes, entries[i]);
  const uint64_t table_sectors = (table.size() + sector - 1) / sector;
  const uint64_t last = options.sectors - 1;
  const auto put_copy = [&](uint64_t lba, uint64_t other, uint64_t table_lba) {
    gpt::Header header{};
    std::ranges::copy(gpt::kSignature, header.signature.begin());
    header.revision = le32::Of(0x10000);
    header.header_size = le32::Of(sizeof(gpt::Header));
    header.my_lba = le64::Of(lba);
    header.alternate_lba = le64::Of(other);
    header.first_usable_lba = le64::Of(2 + table_sectors);
    header.last_usable_lba = le64::Of(last - table_sectors - 1);
    header.disk_guid = kLinuxGuid;
    header.partition_entry_lba = le64::Of(table_lba);
    header.number_of_partition_entries = le32::Of(options.entry_count);
    header.size_of_partition_entry = le32::Of(options.entry_bytes);
    header.partition_entry_array_crc32 = le32::Of(Crc32(ByteView::Of(table)));
    header.header_crc32 = le32::Of(Crc32(AsBytes(header)));
    Put(disk, lba * sector, header);
    disk.replace(table_lba * sector, table.size(), table);
  };
  put_copy(1, last, 2);
  put_copy(last, 1, last - table_sectors);
  return disk;
}

}  // namespace ekshume::volume::testing
