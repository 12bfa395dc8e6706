// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "fs/xfs/checksum.h"
#include "fs/xfs/superblock.h"

namespace ekshume::fs::xfs {
namespace {

// A superblock as found at `offset_bytes`, with what speaks against it.
struct Copy {
  Dsb dsb;
  bool checksum_matches = true;
};

Result<Copy> ReadCopy(const image::Image& device, uint64_t offset_bytes) {
  Copy copy{EKSHUME_TRY(image::ReadStruct<Dsb>(device, offset_bytes))};
  const bool is_v5 = (copy.dsb.sb_versionnum.value() & kSbVersionNumBits) == 5;
  const uint32_t sector = copy.dsb.sb_sectsize.value();
  // A checksum of zero is accepted as the kernel does: growfs once wrote such secondary copies.
  if (copy.dsb.sb_magicnum.value() == kSbMagic && is_v5 && copy.dsb.sb_crc.value() != 0 &&
      sector >= 512 && sector <= 32768) {
    const auto bytes = EKSHUME_TRY(image::ReadBytes(device, offset_bytes, sector));
    copy.checksum_matches = ChecksumMatches(ByteView(bytes), offsetof(Dsb, sb_crc));
  }
  return copy;
}

// A secondary superblock that lies where it says the groups begin.
std::optional<Superblock> TrySecondary(const image::Image& device, uint64_t offset_bytes,
                                       bool force) {
  const auto copy = ReadCopy(device, offset_bytes);
  if (!copy || copy->dsb.sb_magicnum.value() != kSbMagic || !copy->checksum_matches) return {};
  auto sb = ParseSuperblock(copy->dsb, force);
  if (!sb) return {};
  const uint64_t group_bytes = uint64_t{sb->ag_blocks} << sb->block_log;
  if (offset_bytes == 0 || offset_bytes % group_bytes != 0) return {};
  if (offset_bytes / group_bytes >= sb->ag_count) return {};
  return *std::move(sb);
}

// Looks for XFSB in every sector of a stretch.
std::optional<Superblock> ScanChunk(const image::Image& device, uint64_t start, ByteView bytes,
                                    bool force) {
  for (size_t offset = 0; bytes.Contains(offset, sizeof(be32)); offset += kBasicBlockBytes) {
    if (bytes.Read<be32>(offset)->value() != kSbMagic) continue;
    if (auto sb = TrySecondary(device, start + offset, force)) return sb;
  }
  return {};
}

// mkfs.xfs makes four groups by default; where they begin follows from the size of the device.
// Grown filesystems keep the first groups' size: those lie early and are found by a scan.
std::optional<Superblock> FindSecondary(const image::Image& device, bool force) {
  constexpr uint64_t kAlign = 65536;
  for (const uint64_t groups : {4, 2, 1, 8, 16, 32}) {
    const uint64_t guess = device.size_bytes() / groups;
    const uint64_t begin = guess - std::min(guess, kAlign);
    const auto bytes =
        image::ReadBytes(device, begin, std::min(kAlign * 2, device.size_bytes() - begin));
    if (!bytes) continue;
    // Group sizes are whole blocks, so the guess may be a few blocks off.
    const uint64_t misalignment = begin % kBasicBlockBytes;
    const uint64_t skip = misalignment == 0 ? 0 : kBasicBlockBytes - misalignment;
    if (auto sb = ScanChunk(device, begin + skip, ByteView(*bytes).From(skip), force)) return sb;
  }
  constexpr uint64_t kChunk = uint64_t{1} << 20;
  const uint64_t end = std::min(device.size_bytes(), limits::kMaxSuperblockScanBytes);
  for (uint64_t at = 0; at < end; at += kChunk) {
    at = std::max(at, device.NextData(at) / kChunk * kChunk);
    if (at >= end) break;
    const auto bytes = image::ReadBytes(device, at, std::min(kChunk, device.size_bytes() - at));
    if (!bytes) continue;
    if (auto sb = ScanChunk(device, at, ByteView(*bytes), force)) return sb;
  }
  return {};
}

}  // namespace

Result<Superblock> ReadSuperblock(const image::Image& device, bool force,
                                  DiagnosticSink& diagnostics) {
  auto copy = ReadCopy(device, 0);
  Result<Superblock> primary = Fail(ErrorCode::kCorrupt, "");
  if (copy) {
    primary = ParseSuperblock(copy->dsb, force);
  } else {
    primary = copy.error();
  }
  // A feature that is not known is not damage: no other copy would say otherwise.
  const bool trusted = copy && copy->checksum_matches;
  if (trusted && (primary || primary.error().code == ErrorCode::kUnsupported)) return primary;
  if (auto secondary = FindSecondary(device, force)) {
    diagnostics.Report(DiagnosticCode::kXfsSecondarySuperblock, device.name(),
                       primary ? "the primary's checksum is wrong" : primary.error().message, 0);
    return *std::move(secondary);
  }
  if (primary) {
    diagnostics.Report(DiagnosticCode::kXfsBadChecksum, device.name(), "primary superblock", 0);
    return primary;
  }
  if (device.size_bytes() <= limits::kMaxSuperblockScanBytes) return primary;
  return Fail(
      primary.error().code,
      fmt::format("{}; no other superblock is in the first {} bytes of the device, which "
                  "has {} (kMaxSuperblockScanBytes)",
                  primary.error().message, limits::kMaxSuperblockScanBytes, device.size_bytes()));
}

bool SniffSuperblock(const image::Image& device) {
  const auto magic_at = [&](uint64_t offset_bytes) {
    const auto magic = image::ReadStruct<be32>(device, offset_bytes);
    return magic ? magic->value() : 0;
  };
  if (magic_at(0) == kSbMagic) return true;
  // The primary superblock is gone but its group's other headers stand beside it.
  for (uint64_t sector = 512; sector <= 32768; sector *= 2) {
    if (magic_at(sector) == kAgfMagic && magic_at(2 * sector) == kAgiMagic) return true;
  }
  return false;
}

}  // namespace ekshume::fs::xfs
