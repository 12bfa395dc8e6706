// SPDX-License-Identifier: Apache-2.0
#include "volume/gpt/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/checked.h"
#include "base/limits.h"
#include "volume/gpt/header.h"
#include "volume/gpt/type_names.h"

namespace ekshume::volume::gpt {
namespace {

constexpr std::array<uint32_t, 2> kSectorSizes = {512, 4096};

bool IsUnused(const Entry& entry) {
  return std::ranges::all_of(AsBytes(entry.partition_type_guid).AsSpan(),
                             [](std::byte b) { return b == std::byte{0}; });
}

// The partition of an entry; nothing, with a diagnostic, when its sectors make no sense.
std::optional<Partition> ToPartition(const Entry& entry, int number, uint32_t sector_bytes,
                                     const std::string& evidence, DiagnosticSink& diagnostics) {
  const uint64_t first = entry.starting_lba.value();
  const uint64_t last = entry.ending_lba.value();
  const auto offset_bytes = CheckedMultiply<uint64_t>(first, sector_bytes);
  const auto end_bytes = CheckedMultiply<uint64_t>(last, sector_bytes);
  if (last < first || !offset_bytes || !end_bytes) {
    diagnostics.Report(DiagnosticCode::kPartitionOutOfRange, evidence,
                       fmt::format("partition {} goes from sector {} to {}", number, first, last));
    return std::nullopt;
  }
  Partition partition;
  partition.number = number;
  partition.offset_bytes = *offset_bytes;
  partition.size_bytes = *end_bytes - *offset_bytes + sector_bytes;
  partition.type = GuidText(entry.partition_type_guid);
  partition.type_name = TypeName(partition.type);
  partition.label = NameText(entry.partition_name);
  partition.uuid = GuidText(entry.unique_partition_guid);
  return partition;
}

Result<PartitionTable> ToTable(const Copy& copy, const std::string& evidence,
                               DiagnosticSink& diagnostics) {
  PartitionTable table;
  table.kind = kFormat.name;
  table.sector_bytes = copy.sector_bytes;
  table.disk_uuid = GuidText(copy.header.disk_guid);
  const size_t entry_size = copy.header.size_of_partition_entry.value();
  const size_t count = copy.header.number_of_partition_entries.value();
  for (size_t i = 0; i < count; ++i) {
    const Entry entry = EKSHUME_TRY(ByteView(copy.table).Read<Entry>(i * entry_size));
    if (IsUnused(entry)) continue;
    if (table.partitions.size() >= limits::kMaxPartitions) {
      diagnostics.Report(
          DiagnosticCode::kPartitionTableDamaged, evidence,
          fmt::format("kMaxPartitions: only the first {} are listed", limits::kMaxPartitions));
      break;
    }
    auto partition =
        ToPartition(entry, static_cast<int>(i) + 1, copy.sector_bytes, evidence, diagnostics);
    if (partition) table.partitions.push_back(*std::move(partition));
  }
  return table;
}

// An image that is shorter than the disk its GPT was made for.
void CheckDiskSize(const Copy& used, const image::Image& image, DiagnosticSink& diagnostics) {
  const uint64_t last_lba =
      std::max({used.header.alternate_lba.value(), used.header.last_usable_lba.value(), used.lba});
  const auto end_bytes = CheckedMultiply<uint64_t>(last_lba, used.sector_bytes);
  if (end_bytes && *end_bytes < image.size_bytes() &&
      image.size_bytes() - *end_bytes >= used.sector_bytes) {
    return;
  }
  diagnostics.Report(
      DiagnosticCode::kImageTruncated, image.name(),
      fmt::format("the GPT is of a disk of {} sectors of {} bytes, the image has {} bytes",
                  last_lba == UINT64_MAX ? last_lba : last_lba + 1, used.sector_bytes,
                  image.size_bytes()),
      image.size_bytes());
}

void ReportDamage(const BothCopies& copies, const std::string& evidence,
                  DiagnosticSink& diagnostics) {
  const Copy& primary = copies.primary;
  const Copy& backup = copies.backup;
  if (!primary.good && !backup.good) {
    diagnostics.Report(DiagnosticCode::kPartitionTableDamaged, evidence,
                       fmt::format("both copies of the GPT: {}; {}", primary.why, backup.why));
    return;
  }
  if (!primary.good) {
    diagnostics.Report(DiagnosticCode::kGptPrimaryDamaged, evidence, primary.why,
                       uint64_t{primary.sector_bytes});
  } else if (!backup.good) {
    diagnostics.Report(DiagnosticCode::kGptBackupDamaged, evidence, backup.why,
                       CheckedMultiply<uint64_t>(backup.lba, backup.sector_bytes));
  } else if (primary.table != backup.table ||
             GuidText(primary.header.disk_guid) != GuidText(backup.header.disk_guid)) {
    diagnostics.Report(DiagnosticCode::kGptHeadersDiffer, evidence,
                       fmt::format("the copies at LBA 1 and LBA {}", backup.lba));
  }
}

}  // namespace

bool Sniff(const image::Image& image) {
  return std::ranges::any_of(kSectorSizes, [&image](uint32_t sector_bytes) {
    const uint64_t sectors = image.size_bytes() / sector_bytes;
    return HasSignature(image, sector_bytes, 1) ||
           (sectors > 1 && HasSignature(image, sector_bytes, sectors - 1));
  });
}

Result<PartitionTable> Read(const image::Image& image, DiagnosticSink& diagnostics) {
  BothCopies copies = ReadBothCopies(image, kSectorSizes[0]);
  if (copies.Rank() < 3) {
    BothCopies other = ReadBothCopies(image, kSectorSizes[1]);
    if (other.Rank() > copies.Rank()) copies = std::move(other);
  }
  if (copies.Rank() == 0) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("{}: neither copy of the GPT can be used: {}; {}", image.name(),
                            copies.primary.why, copies.backup.why));
  }
  ReportDamage(copies, image.name(), diagnostics);
  const bool use_primary = copies.primary.good || (!copies.backup.good && copies.primary.usable);
  const Copy& used = use_primary ? copies.primary : copies.backup;
  if (used.good) CheckDiskSize(used, image, diagnostics);
  return ToTable(used, image.name(), diagnostics);
}

const Format kFormat = {
    .name = "gpt",
    .description = "GUID partition table",
    .priority = 20,
    .sniff = Sniff,
    .read = Read,
};

}  // namespace ekshume::volume::gpt
