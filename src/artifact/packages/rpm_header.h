// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/endian.h"
#include "base/result.h"
#include "base/time.h"

namespace ekshume::artifact::packages {

// A header as rpm keeps it in its database: rpm's "RPM v4 header format", without the lead of a
// package file: two counts, the index, the data.
struct RpmHeaderIntro {
  be32 il;  // entries of the index
  be32 dl;  // bytes of data
};
static_assert(sizeof(RpmHeaderIntro) == 8);
static_assert(offsetof(RpmHeaderIntro, dl) == 4);

struct RpmIndexEntry {
  be32 tag;
  be32 type;
  be32 offset;  // into the data
  be32 count;
};
static_assert(sizeof(RpmIndexEntry) == 16);
static_assert(offsetof(RpmIndexEntry, count) == 12);

struct RpmPackage {
  std::string name;
  std::string version;
  std::string release;
  std::optional<uint32_t> epoch;
  std::string architecture;
  std::string vendor;
  std::optional<Timestamp> installed;
};
Result<RpmPackage> ParseRpmHeader(std::string_view blob);

// Calls `visit` for each file of the package, with its folder as rpm writes it ("/usr/bin/") and
// its name. kCorrupt where the header is damaged; files before that were visited.
Result<void> VisitRpmFiles(
    std::string_view blob,
    const std::function<void(std::string_view folder, std::string_view name)>& visit);

// "curl-1:8.5.0-1.x86_64"
std::string FullName(const RpmPackage& package);

}  // namespace ekshume::artifact::packages
