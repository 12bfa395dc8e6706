// SPDX-License-Identifier: Apache-2.0
#include "volume/gpt/header.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/checked.h"
#include "base/hash.h"
#include "base/limits.h"

namespace ekshume::volume::gpt {
namespace {

std::string_view SignatureOf(const Header& header) {
  return {header.signature.data(), header.signature.size()};
}

// 5.3.2: the CRC covers header_size bytes with its own field taken as zero.
Result<uint32_t> ComputeHeaderCrc(const image::Image& image, uint64_t offset_bytes,
                                  uint32_t header_size) {
  std::vector<std::byte> bytes = EKSHUME_TRY(image::ReadBytes(image, offset_bytes, header_size));
  std::fill_n(bytes.begin() + offsetof(Header, header_crc32), sizeof(le32), std::byte{0});
  return Crc32(ByteView(bytes));
}

// The size of the table in bytes, or nothing when the header's numbers are out of bounds.
std::optional<uint64_t> TableBytes(const Header& header) {
  const uint32_t entry_size = header.size_of_partition_entry.value();
  if (entry_size < kMinEntrySize || entry_size > kMaxEntrySize || !std::has_single_bit(entry_size))
    return std::nullopt;
  const uint64_t bytes = uint64_t{header.number_of_partition_entries.value()} * entry_size;
  if (bytes > limits::kMaxGptTableBytes) return std::nullopt;
  return bytes;
}

// Notes the first thing that is wrong.
void Blame(Copy& copy, std::string why) {
  if (copy.why.empty()) copy.why = std::move(why);
}

void CheckHeader(Copy& copy, const image::Image& image, uint64_t offset_bytes) {
  const uint32_t header_size = copy.header.header_size.value();
  if (header_size < kMinHeaderSize || header_size > copy.sector_bytes) {
    return Blame(copy, fmt::format("header size {} at {:#x}, expected {} to {}", header_size,
                                   offset_bytes, kMinHeaderSize, copy.sector_bytes));
  }
  const auto crc = ComputeHeaderCrc(image, offset_bytes, header_size);
  if (!crc) return Blame(copy, crc.error().message);
  if (*crc != copy.header.header_crc32.value()) {
    return Blame(copy, fmt::format("header CRC at {:#x}: {:#010x}, computed {:#010x}", offset_bytes,
                                   copy.header.header_crc32.value(), *crc));
  }
  if (copy.header.my_lba.value() != copy.lba) {
    Blame(copy, fmt::format("header at LBA {} says that it is at LBA {}", copy.lba,
                            copy.header.my_lba.value()));
  }
}

void ReadTable(Copy& copy, const image::Image& image) {
  const auto bytes = TableBytes(copy.header);
  if (!bytes) {
    return Blame(
        copy, fmt::format("table of {} entries of {} bytes (kMaxGptTableBytes is {})",
                          copy.header.number_of_partition_entries.value(),
                          copy.header.size_of_partition_entry.value(), limits::kMaxGptTableBytes));
  }
  const auto offset_bytes =
      CheckedMultiply<uint64_t>(copy.header.partition_entry_lba.value(), copy.sector_bytes);
  if (!offset_bytes) {
    return Blame(copy, fmt::format("table at LBA {}", copy.header.partition_entry_lba.value()));
  }
  auto table = image::ReadBytes(image, *offset_bytes, *bytes);
  if (!table) return Blame(copy, table.error().message);
  copy.table = std::move(*table);
  copy.usable = true;
  const uint32_t crc = Crc32(ByteView(copy.table));
  if (crc != copy.header.partition_entry_array_crc32.value()) {
    Blame(copy, fmt::format("table CRC at {:#x}: {:#010x}, computed {:#010x}", *offset_bytes,
                            copy.header.partition_entry_array_crc32.value(), crc));
  }
}

}  // namespace

bool HasSignature(const image::Image& image, uint32_t sector_bytes, uint64_t lba) {
  const auto offset_bytes = CheckedMultiply<uint64_t>(lba, sector_bytes);
  if (!offset_bytes) return false;
  const auto header = image::ReadStruct<Header>(image, *offset_bytes);
  return header && SignatureOf(*header) == kSignature;
}

Copy ReadCopy(const image::Image& image, uint32_t sector_bytes, uint64_t lba) {
  Copy copy;
  copy.sector_bytes = sector_bytes;
  copy.lba = lba;
  const auto offset_bytes = CheckedMultiply<uint64_t>(lba, sector_bytes);
  if (!offset_bytes || *offset_bytes >= image.size_bytes()) {
    copy.why = fmt::format("LBA {} lies beyond the end of the image", lba);
    return copy;
  }
  const auto header = image::ReadStruct<Header>(image, *offset_bytes);
  if (!header) {
    copy.why = header.error().message;
    return copy;
  }
  copy.header = *header;
  if (SignatureOf(copy.header) != kSignature) {
    copy.why = fmt::format("no header at {:#x} (LBA {})", *offset_bytes, lba);
    return copy;
  }
  copy.found = true;
  CheckHeader(copy, image, *offset_bytes);
  ReadTable(copy, image);
  copy.good = copy.why.empty();
  return copy;
}

int BothCopies::Rank() const {
  if (primary.good) return 3;
  if (backup.good) return 2;
  return primary.usable || backup.usable ? 1 : 0;
}

BothCopies ReadBothCopies(const image::Image& image, uint32_t sector_bytes) {
  BothCopies copies;
  copies.primary = ReadCopy(image, sector_bytes, 1);
  const uint64_t sectors = image.size_bytes() / sector_bytes;
  const uint64_t last_lba = sectors == 0 ? 0 : sectors - 1;
  const bool says_where = copies.primary.found && copies.primary.header.alternate_lba.value() > 1;
  const uint64_t alternate = says_where ? copies.primary.header.alternate_lba.value() : last_lba;
  copies.backup = ReadCopy(image, sector_bytes, alternate);
  if (!copies.backup.good && alternate != last_lba && last_lba > 1) {
    Copy at_end = ReadCopy(image, sector_bytes, last_lba);
    if (at_end.good || (at_end.usable && !copies.backup.usable)) copies.backup = std::move(at_end);
  }
  return copies;
}

}  // namespace ekshume::volume::gpt
