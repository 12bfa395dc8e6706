// SPDX-License-Identifier: Apache-2.0
#include "volume/gpt/type_names.h"

#include <array>
#include <utility>

namespace ekshume::volume::gpt {
namespace {

// UEFI 2.10 table 5-7, the Discoverable Partitions Specification, and Bottlerocket's own.
constexpr std::array<std::pair<std::string_view, std::string_view>, 35> kNames = {{
    {"0fc63daf-8483-4772-8e79-3d69d8477de4", "Linux filesystem"},
    {"4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "Linux root (x86-64)"},
    {"b921b045-1df0-41c3-af44-4c6f280d3fae", "Linux root (arm64)"},
    {"44479540-f297-41b2-9af7-d131d5f0458a", "Linux root (x86)"},
    {"69dad710-2ce4-4e3c-b16c-21a1d49abed3", "Linux root (arm)"},
    {"2c7357ed-ebd2-46d9-aec1-23d437ec2bf5", "Linux root verity (x86-64)"},
    {"df3300ce-d69f-4c92-978c-9bfb0f38d820", "Linux root verity (arm64)"},
    {"8484680c-9521-48c6-9c11-b0720656f69e", "Linux usr (x86-64)"},
    {"b0e01050-ee5f-4390-949a-9101b17104e9", "Linux usr (arm64)"},
    {"933ac7e1-2eb4-4f13-b844-0e14e2aef915", "Linux home"},
    {"3b8f8425-20e0-4f3b-907f-1a25a76f98e8", "Linux server data"},
    {"4d21b016-b534-45c2-a9fb-5c16e091fd2d", "Linux variable data"},
    {"bc13c2ff-59e6-4262-a352-b275fd6f7172", "Linux extended boot"},
    {"0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "Linux swap"},
    {"e6d6d379-f507-44c2-a23c-238f2a3df928", "Linux LVM"},
    {"a19d880f-05fc-4d3b-a006-743f0f84911e", "Linux RAID"},
    {"8da63339-0007-60c0-c436-083ac8230908", "Linux reserved"},
    {"ca7d7ccb-63ed-4c53-861c-1742536059cc", "Linux LUKS"},
    {"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "EFI system"},
    {"21686148-6449-6e6f-744e-656564454649", "BIOS boot"},
    {"9e1a2d38-c612-4316-aa26-8b49521e5a8b", "PowerPC PReP boot"},
    {"024dee41-33e7-11d3-9d69-0008c781f39f", "MBR partition scheme"},
    {"ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", "Microsoft basic data"},
    {"e3c9e316-0b5c-4db8-817d-f92df00215ae", "Microsoft reserved"},
    {"de94bba4-06d1-4d40-a16a-bfd50179d6ac", "Windows recovery environment"},
    {"5808c8aa-7e8f-42e0-85d2-e1e90434cfb3", "Microsoft LDM metadata"},
    {"af9b60a0-1431-4f62-bc68-3311714a69ad", "Microsoft LDM data"},
    {"48465300-0000-11aa-aa11-00306543ecac", "Apple HFS+"},
    {"7c3457ef-0000-11aa-aa11-00306543ecac", "Apple APFS"},
    {"6b636168-7420-6568-2070-6c616e657421", "Bottlerocket boot"},
    {"5526016a-1a97-4ea4-b39a-b7c8c6ca4502", "Bottlerocket root"},
    {"598f10af-c955-4456-6a99-7720068a6cea", "Bottlerocket hash"},
    {"0c5d99a5-d331-4147-baef-08e2b855bdc9", "Bottlerocket reserved"},
    {"440408bb-eb0b-4328-a6e5-a29038fad706", "Bottlerocket private"},
    {"626f7474-6c65-6474-6861-726d61726b73", "Bottlerocket data"},
}};

}  // namespace

std::string_view TypeName(std::string_view guid) {
  for (const auto& [known, name] : kNames) {
    if (guid == known) return name;
  }
  return {};
}

}  // namespace ekshume::volume::gpt
