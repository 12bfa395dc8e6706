// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "base/result.h"
#include "collection/tar_header.h"

namespace ekshume::collection {

// One member as its headers describe it.
struct DecodedMember {
  TarMember member;          // `is_sparse` is never set: the collector writes no sparse members
  uint64_t data_offset = 0;  // in the tar stream
  uint64_t data_bytes = 0;
  uint64_t next_offset = 0;  // of what follows
};

using TarRead = std::function<Result<void>(uint64_t offset, std::span<std::byte> out)>;

// Reads the headers of the member at `offset` (a multiple of kTarBlockBytes): pax extended headers
// and ustar, as EncodeTarMember() writes them and POSIX.1-2001 describes them. Nothing at the end
// of the archive (a block of zeros). kCorrupt for what is no header; kLimit for an extended header
// of more than limits::kMaxXattrBytesPerNode.
Result<std::optional<DecodedMember>> DecodeTarMember(const TarRead& read, uint64_t offset);

}  // namespace ekshume::collection
