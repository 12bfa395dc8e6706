// SPDX-License-Identifier: Apache-2.0
#include "volume/mbr/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/limits.h"

namespace ekshume::volume::mbr {
namespace {

constexpr int kFirstLogicalNumber = 5;

bool IsExtended(const PartitionRecord& record) {
  return record.os_type == kTypeExtendedChs || record.os_type == kTypeExtendedLba ||
         record.os_type == kTypeExtendedLinux;
}

bool IsUsed(const PartitionRecord& record) {
  return record.os_type != 0 && record.size_in_lba.value() != 0;
}

bool HasLegalIndicators(const BootRecord& boot) {
  return std::ranges::all_of(boot.partition_record, [](const PartitionRecord& record) {
    return record.boot_indicator == 0 || record.boot_indicator == kActive;
  });
}

// Boot sectors of filesystems, by the names that their specifications put into them.
bool IsFilesystem(const BootRecord& boot) {
  const std::string_view text = AsBytes(boot).AsText();
  return text.starts_with("XFSB") || text.substr(3, 8) == "NTFS    " ||
         text.substr(3, 8) == "EXFAT   " || text.substr(54, 3) == "FAT" ||
         text.substr(82, 5) == "FAT32";
}

bool StartsInside(const PartitionRecord& record, const image::Image& image) {
  const uint64_t start = record.starting_lba.value();
  return IsUsed(record) && start > 0 && start < image.size_bytes() / kSectorBytes;
}

Partition ToPartition(const PartitionRecord& record, uint64_t start_lba, int number,
                      uint32_t disk_signature) {
  Partition partition;
  partition.number = number;
  partition.offset_bytes = start_lba * kSectorBytes;  // a sum of two 32-bit sectors: no overflow
  partition.size_bytes = uint64_t{record.size_in_lba.value()} * kSectorBytes;
  partition.type = fmt::format("{:#04x}", record.os_type);
  partition.type_name = TypeName(record.os_type);
  // As the kernel names it in PARTUUID=.
  partition.uuid = fmt::format("{:08x}-{:02x}", disk_signature, number);
  return partition;
}

// Follows the extended partitions' chain of boot records.
class ExtendedChain {
 public:
  ExtendedChain(const image::Image& image, DiagnosticSink& diagnostics, PartitionTable& table,
                uint32_t disk_signature)
      : image_(image), diagnostics_(diagnostics), table_(table), disk_signature_(disk_signature) {}

  void Follow(uint64_t first_lba) {
    uint64_t record_lba = first_lba;
    while (true) {
      if (!visited_.insert(record_lba).second) {
        return Report(DiagnosticCode::kPartitionTableLoop, record_lba, "the chain comes back");
      }
      if (visited_.size() > limits::kMaxExtendedChain) {
        return Report(DiagnosticCode::kPartitionTableLoop, record_lba,
                      fmt::format("kMaxExtendedChain: {} records", limits::kMaxExtendedChain));
      }
      const auto boot = image::ReadStruct<BootRecord>(image_, record_lba * kSectorBytes);
      if (!boot) {
        return Report(DiagnosticCode::kPartitionTableDamaged, record_lba, boot.error().message);
      }
      if (boot->signature.value() != kSignature) {
        return Report(DiagnosticCode::kPartitionTableDamaged, record_lba,
                      fmt::format("extended boot record with signature {:#06x}, expected {:#06x}",
                                  boot->signature.value(), kSignature));
      }
      ListLogical(*boot, record_lba);
      const auto link = std::ranges::find_if(boot->partition_record, [](const auto& record) {
        return IsUsed(record) && IsExtended(record);
      });
      if (link == boot->partition_record.end()) return;
      record_lba = first_lba + link->starting_lba.value();
    }
  }

 private:
  // Only the first two records of a logical table are defined; the others may hold anything.
  void ListLogical(const BootRecord& boot, uint64_t record_lba) {
    for (const PartitionRecord& record : std::span(boot.partition_record).first(2)) {
      if (!IsUsed(record) || IsExtended(record)) continue;
      table_.partitions.push_back(ToPartition(record, record_lba + record.starting_lba.value(),
                                              next_number_++, disk_signature_));
    }
  }

  void Report(DiagnosticCode code, uint64_t record_lba, std::string detail) {
    diagnostics_.Report(code, image_.name(), std::move(detail), record_lba * kSectorBytes);
  }

  const image::Image& image_;
  DiagnosticSink& diagnostics_;
  PartitionTable& table_;
  const uint32_t disk_signature_;
  int next_number_ = kFirstLogicalNumber;
  std::set<uint64_t> visited_;  // across all extended partitions
};

}  // namespace

bool Sniff(const image::Image& image) {
  const auto boot = image::ReadStruct<BootRecord>(image, 0);
  return boot && boot->signature.value() == kSignature && HasLegalIndicators(*boot) &&
         !IsFilesystem(*boot) &&
         std::ranges::any_of(boot->partition_record, [&image](const PartitionRecord& record) {
           return StartsInside(record, image);
         });
}

bool IsTableOfItsOwn(const image::Image& image) {
  if (!Sniff(image)) return false;
  const auto boot = image::ReadStruct<BootRecord>(image, 0);
  return boot && std::ranges::none_of(boot->partition_record, [](const PartitionRecord& record) {
           return record.os_type == kTypeGptProtective;
         });
}

Result<PartitionTable> Read(const image::Image& image, DiagnosticSink& diagnostics) {
  const BootRecord boot = EKSHUME_TRY(image::ReadStruct<BootRecord>(image, 0));
  const uint32_t disk_signature = boot.unique_mbr_disk_signature.value();
  PartitionTable table;
  table.kind = kFormat.name;
  table.sector_bytes = kSectorBytes;
  table.disk_uuid = fmt::format("{:08x}", disk_signature);
  ExtendedChain chain(image, diagnostics, table, disk_signature);
  for (size_t i = 0; i < boot.partition_record.size(); ++i) {
    const PartitionRecord& record = boot.partition_record[i];
    if (!IsUsed(record)) continue;
    const uint64_t start_lba = record.starting_lba.value();
    table.partitions.push_back(
        ToPartition(record, start_lba, static_cast<int>(i) + 1, disk_signature));
    if (IsExtended(record)) chain.Follow(start_lba);
    if (record.os_type == kTypeGptProtective) {
      diagnostics.Report(DiagnosticCode::kPartitionTableDamaged, image.name(),
                         "the boot record says that there is a GPT, but neither copy was found");
    }
  }
  return table;
}

const Format kFormat = {
    .name = "mbr",
    .description = "master boot record with extended partitions",
    .priority = 10,
    .sniff = Sniff,
    .read = Read,
};

}  // namespace ekshume::volume::mbr
