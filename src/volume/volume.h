// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "image/image.h"

namespace ekshume::volume {

// One partition, or the whole image when there is no table.
struct Partition {
  int number = 0;             // as the kernel numbers it; 0 for a whole-disk filesystem
  uint64_t offset_bytes = 0;  // in the image
  uint64_t size_bytes = 0;    // as the table declares it, even when the image is shorter
  std::string type;           // GPT type GUID in lower case, MBR type "0x83", "" for a whole disk
  std::string type_name;  // "Linux filesystem", "BIOS boot", "Bottlerocket data", "" when unknown
  std::string label;      // GPT name, UTF-8
  std::string uuid;       // GPT unique GUID in lower case, or ""
};

struct PartitionTable {
  std::string_view kind;  // "gpt", "mbr", "none"
  uint32_t sector_bytes = 512;
  std::string disk_uuid;              // GPT disk GUID or MBR signature, or ""
  std::vector<Partition> partitions;  // ascending by number
};

// Reads the partition table of `image`: GPT by either header, MBR with extended partitions, or one
// Partition 0 over the whole image when there is no table. Damage is reported to `diagnostics`;
// fails only when the image cannot be read at all.
Result<PartitionTable> ReadPartitionTable(const image::Image& image, DiagnosticSink& diagnostics);

}  // namespace ekshume::volume
