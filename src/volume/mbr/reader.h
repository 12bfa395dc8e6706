// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "volume/format.h"
#include "volume/mbr/format.h"

namespace ekshume::volume::mbr {

// True when sector 0 is a boot record with at least one partition in the image: all four boot
// indicators are legal, and it is not the boot sector of a filesystem (FAT, NTFS and exFAT end in
// 55 AA too, with code or text where the table would be).
bool Sniff(const image::Image& image);

// Sniff, and no entry is the protective one of a GPT: the kernel then ignores a GPT.
bool IsTableOfItsOwn(const image::Image& image);

// Primary partitions 1 to 4 and logical ones from 5 in the order of the chain, as the kernel
// numbers them. At most limits::kMaxExtendedChain extended boot records are followed; a loop, a
// broken record and what leads outside the image are reported, and the rest is listed.
Result<PartitionTable> Read(const image::Image& image, DiagnosticSink& diagnostics);

// "Linux", "Extended"; "" when unknown.
std::string_view TypeName(unsigned char os_type);

extern const Format kFormat;

}  // namespace ekshume::volume::mbr
