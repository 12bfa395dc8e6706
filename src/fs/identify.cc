// SPDX-License-Identifier: Apache-2.0
#include "fs/identify.h"

#include <algorithm>
#include <array>

namespace ekshume::fs {
namespace {

struct Magic {
  uint64_t offset_bytes;
  std::string_view bytes;
  std::string_view what;
};

using namespace std::string_view_literals;

// Offsets and magics as util-linux's libblkid documents them.
constexpr std::array kMagics = {
    Magic{0, "LUKS\xba\xbe"sv, "a LUKS encrypted volume"},
    Magic{3, "-FVE-FS-"sv, "a BitLocker encrypted volume"},
    Magic{3, "NTFS    "sv, "an NTFS filesystem"},
    Magic{3, "EXFAT   "sv, "an exFAT filesystem"},
    Magic{54, "FAT"sv, "a FAT filesystem"},
    Magic{82, "FAT32   "sv, "a FAT filesystem"},
    Magic{0, "hsqs"sv, "a squashfs filesystem"},
    Magic{1024, "\xe2\xe1\xf5\xe0"sv, "an EROFS filesystem"},
    Magic{1024, "\x10\x20\xf5\xf2"sv, "an F2FS filesystem"},
    Magic{0x10040, "_BHRfS_M"sv, "a Btrfs filesystem"},
    Magic{32769, "CD001"sv, "an ISO 9660 filesystem"},
    Magic{512, "LABELONE"sv, "an LVM physical volume"},
    Magic{0, "LABELONE"sv, "an LVM physical volume"},
    Magic{1024, "LABELONE"sv, "an LVM physical volume"},
    Magic{1536, "LABELONE"sv, "an LVM physical volume"},
    Magic{4096, "\xfc\x4e\x2b\xa9"sv, "a member of a Linux software RAID"},
    Magic{0, "\xfc\x4e\x2b\xa9"sv, "a member of a Linux software RAID"},
    Magic{0, "verity\0\0"sv, "a dm-verity hash tree"},
    Magic{4086, "SWAPSPACE2"sv, "a swap area"},
    Magic{4086, "SWAP-SPACE"sv, "a swap area"},
    Magic{65526, "SWAPSPACE2"sv, "a swap area"},
};

constexpr size_t kLongestMagic = 16;
constexpr size_t kZeroProbeBytes = 65536;

}  // namespace

std::string_view IdentifyOther(const image::Image& device) {
  std::array<std::byte, kLongestMagic> buffer;
  for (const Magic& magic : kMagics) {
    const auto head = std::span(buffer).first(magic.bytes.size());
    if (device.ReadAt(magic.offset_bytes, head) && ByteView(head).AsText() == magic.bytes) {
      return magic.what;
    }
  }
  std::vector<std::byte> start(std::min<uint64_t>(kZeroProbeBytes, device.size_bytes()));
  if (!start.empty() && device.ReadAt(0, start) &&
      std::ranges::all_of(start, [](std::byte b) { return b == std::byte{0}; })) {
    return "nothing but zeros at its start";
  }
  return {};
}

}  // namespace ekshume::fs
