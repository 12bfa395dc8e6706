// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/checked.h"
#include "volume/format.h"
#include "volume/gpt/reader.h"
#include "volume/mbr/reader.h"

namespace ekshume::volume {
namespace {

// UEFI 2.10, 5.2.3, and the kernel: beside an MBR that is a table of its own, without a protective
// entry, a GPT is left over from before.
bool IsStaleGpt(const image::Image& image) { return mbr::IsTableOfItsOwn(image); }

PartitionTable WholeDisk(const image::Image& image) {
  PartitionTable table;
  table.kind = "none";
  table.partitions.push_back({.number = 0, .offset_bytes = 0, .size_bytes = image.size_bytes()});
  return table;
}

}  // namespace

std::span<const Format> Formats() {
  static const std::array formats = {gpt::kFormat, mbr::kFormat};
  return formats;
}

void CheckRange(const Partition& partition, const image::Image& image,
                DiagnosticSink& diagnostics) {
  if (RangeFits(partition.offset_bytes, partition.size_bytes, image.size_bytes())) return;
  diagnostics.Report(
      DiagnosticCode::kPartitionOutOfRange, image.name(),
      fmt::format("partition {} has {} bytes at {:#x}, the image {} bytes", partition.number,
                  partition.size_bytes, partition.offset_bytes, image.size_bytes()),
      partition.offset_bytes);
}

Result<PartitionTable> ReadPartitionTable(const image::Image& image, DiagnosticSink& diagnostics) {
  // Its first byte is what no table and no filesystem can do without.
  std::array<std::byte, 1> probe;
  EKSHUME_TRY(image.ReadAt(0, probe));
  for (const Format& format : Formats()) {
    if (!format.sniff(image) || (format.name == gpt::kFormat.name && IsStaleGpt(image))) continue;
    auto read = format.read(image, diagnostics);
    if (!read) {
      // What lies behind a table that is lost may still be found as the next format sees it.
      diagnostics.Report(DiagnosticCode::kPartitionTableDamaged, image.name(),
                         read.error().message);
      continue;
    }
    PartitionTable table = *std::move(read);
    std::ranges::sort(table.partitions, {}, &Partition::number);
    for (const Partition& partition : table.partitions) CheckRange(partition, image, diagnostics);
    return table;
  }
  return WholeDisk(image);
}

}  // namespace ekshume::volume
