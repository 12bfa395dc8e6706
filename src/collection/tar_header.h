// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fs/archive/format.h"
#include "fs/filesystem.h"

// Headers of tar archives as POSIX.1-2001 (pax) defines them, section "pax Interchange Format",
// with GNU tar's sparse format 1.0 (its manual, "Storing Sparse Files"): what GNU tar, bsdtar,
// Python and Docker read.
namespace ekshume::collection {

using fs::archive::kTarBlockBytes;
using fs::archive::TarHeader;

// Where data lies in a sparse file; starts and lengths are multiples of kTarBlockBytes, except for
// the end of the last one.
struct TarSegment {
  uint64_t offset_bytes;
  uint64_t length_bytes;
};

// One member.
struct TarMember {
  std::string path;  // bytes, no leading slash; directories without their final slash
  fs::Stat stat;
  std::string link_target;  // of a symbolic link, or the earlier member that a hard link names
  bool is_hard_link = false;
  std::vector<fs::Xattr> xattrs;
  bool is_sparse = false;
  std::vector<TarSegment> segments;  // when is_sparse
  bool with_all_times = false;       // access and change times too, in pax records
};

// The member's header blocks: a pax extended header where ustar cannot say everything (long names,
// nanoseconds, large numbers, attributes, sparse maps), then ustar's own. Ends on a block. Owners
// are numbers only. What follows is the data: nothing but for regular files; of a sparse one its
// segments.
std::string EncodeTarMember(const TarMember& member);

// Bytes of data that follow the header, before padding to a block.
uint64_t TarDataBytes(const TarMember& member);

// A name that a pax record can hold: attribute names may not contain '='.
inline bool IsTarXattrName(std::string_view name) { return !name.contains('='); }

}  // namespace ekshume::collection
