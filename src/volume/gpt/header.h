// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "image/image.h"
#include "volume/gpt/format.h"

namespace ekshume::volume::gpt {

// One of the two copies of a GPT, as far as it could be read.
struct Copy {
  bool found = false;   // the signature is there
  bool usable = false;  // the fields make sense and the table could be read
  bool good = false;    // usable, and both CRCs match
  std::string why;      // what is wrong, when not good
  uint32_t sector_bytes = 0;
  uint64_t lba = 0;  // where it was looked for
  Header header{};
  std::vector<std::byte> table;  // number_of_partition_entries entries, when usable
};

// Reads and checks the copy whose header is at `lba` (UEFI 2.10, 5.3.2). Never fails: what is wrong
// is in the Copy. At most limits::kMaxGptTableBytes are read for the table.
Copy ReadCopy(const image::Image& image, uint32_t sector_bytes, uint64_t lba);

// Both copies, in that sector size. The backup is looked for where the primary says and at the
// image's last sector.
struct BothCopies {
  Copy primary;
  Copy backup;

  // How much they can be relied on together: 0 when neither is usable.
  int Rank() const;
};
BothCopies ReadBothCopies(const image::Image& image, uint32_t sector_bytes);

// True when the header's signature stands at `lba`.
bool HasSignature(const image::Image& image, uint32_t sector_bytes, uint64_t lba);

}  // namespace ekshume::volume::gpt
