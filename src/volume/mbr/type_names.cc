// SPDX-License-Identifier: Apache-2.0
#include "volume/mbr/reader.h"

namespace ekshume::volume::mbr {

std::string_view TypeName(unsigned char os_type) {
  switch (os_type) {
    case 0x01: return "FAT12";
    case 0x04:
    case 0x06:
    case 0x0E: return "FAT16";
    case kTypeExtendedChs:
    case kTypeExtendedLba: return "Extended";
    case kTypeExtendedLinux: return "Linux extended";
    case 0x07: return "NTFS or exFAT";
    case 0x0B:
    case 0x0C: return "FAT32";
    case 0x27: return "Windows recovery environment";
    case 0x42: return "Microsoft LDM";
    case 0x82: return "Linux swap";
    case 0x83: return "Linux";
    case 0x8E: return "Linux LVM";
    case 0xA5: return "FreeBSD";
    case 0xA6: return "OpenBSD";
    case 0xA9: return "NetBSD";
    case 0xAF: return "Apple HFS+";
    case kTypeGptProtective: return "GPT protective";
    case 0xEF: return "EFI system";
    case 0xFD: return "Linux RAID";
    default: return {};
  }
}

}  // namespace ekshume::volume::mbr
