// SPDX-License-Identifier: Apache-2.0
#include "collection/tar_decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "base/byte_view.h"
#include "base/limits.h"
#include "fs/archive/tar_fields.h"

namespace ekshume::collection {
namespace {

using fs::archive::ParseDecimal;
using fs::archive::ParsePaxTime;
using fs::archive::TarText;

// Octal digits between spaces and NULs; nothing for other text.
template <size_t N>
std::optional<uint64_t> Octal(const std::array<char, N>& field) {
  uint64_t value = 0;
  bool digits = false;
  for (const char c : field) {
    if (c == ' ' && !digits) continue;
    if (c == '\0' || c == ' ') break;
    if (c < '0' || c > '7' || value >> 60 != 0) return std::nullopt;
    value = value << 3 | static_cast<uint64_t>(c - '0');
    digits = true;
  }
  return value;
}

bool ChecksumFits(const TarHeader& header) {
  uint64_t sum = 0;
  for (const std::byte byte : AsBytes(header).AsSpan()) sum += static_cast<uint64_t>(byte);
  for (const char c : header.chksum) sum -= static_cast<unsigned char>(c);
  sum += uint64_t{' '} * header.chksum.size();
  return Octal(header.chksum) == sum;
}

// What extended headers said of the member after them.
struct Extended {
  std::optional<std::string> path;
  std::optional<std::string> link;
  std::optional<uint64_t> size;
  std::optional<uint32_t> uid;
  std::optional<uint32_t> gid;
  std::optional<Timestamp> modified;
  std::optional<Timestamp> accessed;
  std::optional<Timestamp> changed;
  std::vector<fs::Xattr> xattrs;
};

Result<void> ApplyRecord(std::string_view key, std::string_view value, Extended& out) {
  constexpr std::string_view kXattr = "SCHILY.xattr.";
  bool good = true;
  if (key == "path") {
    out.path = value;
  } else if (key == "linkpath") {
    out.link = value;
  } else if (key == "size") {
    good = (out.size = ParseDecimal<uint64_t>(value)).has_value();
  } else if (key == "uid") {
    good = (out.uid = ParseDecimal<uint32_t>(value)).has_value();
  } else if (key == "gid") {
    good = (out.gid = ParseDecimal<uint32_t>(value)).has_value();
  } else if (key == "mtime") {
    good = (out.modified = ParsePaxTime(value)).has_value();
  } else if (key == "atime") {
    good = (out.accessed = ParsePaxTime(value)).has_value();
  } else if (key == "ctime") {
    good = (out.changed = ParsePaxTime(value)).has_value();
  } else if (key.starts_with(kXattr) && out.xattrs.size() < limits::kMaxXattrsPerNode) {
    out.xattrs.push_back({std::string(key.substr(kXattr.size())), std::string(value)});
  }
  if (good) return {};
  return Fail(ErrorCode::kCorrupt, fmt::format("tar: an extended header with a bad {}", key));
}

Result<void> ReadRecords(std::string_view text, Extended& out) {
  Result<void> applied;
  const auto read =
      fs::archive::ReadPaxRecords(text, [&](std::string_view key, std::string_view value) {
        if (applied) applied = ApplyRecord(key, value, out);
      });
  // The collector pads no header with NULs.
  if (read != text.size()) return Fail(ErrorCode::kCorrupt, "tar: a damaged extended header");
  return applied;
}

std::optional<fs::NodeType> TypeOf(char typeflag) {
  switch (typeflag) {
    case '0':
    case '\0':
    case '1': return fs::NodeType::kRegular;
    case '2': return fs::NodeType::kSymlink;
    case '3': return fs::NodeType::kCharDevice;
    case '4': return fs::NodeType::kBlockDevice;
    case '5': return fs::NodeType::kDirectory;
    case '6': return fs::NodeType::kFifo;
    default: return std::nullopt;
  }
}

std::string NameOf(const TarHeader& header) {
  std::string name(TarText(header.prefix));
  if (!name.empty()) name.push_back('/');
  name.append(TarText(header.name));
  return name;
}

Result<DecodedMember> Combine(const TarHeader& header, Extended extended) {
  DecodedMember decoded;
  TarMember& member = decoded.member;
  const auto type = TypeOf(header.typeflag);
  const auto mode = Octal(header.mode);
  const auto uid = Octal(header.uid);
  const auto gid = Octal(header.gid);
  const auto size = Octal(header.size);
  const auto time = Octal(header.mtime);
  const auto major = Octal(header.devmajor);
  const auto minor = Octal(header.devminor);
  if (!type || !mode || !uid || !gid || !size || !time || !major || !minor) {
    return Fail(ErrorCode::kCorrupt, fmt::format("tar: a header of type {:#x} with bad numbers",
                                                 static_cast<unsigned char>(header.typeflag)));
  }
  member.path = extended.path.value_or(NameOf(header));
  while (member.path.ends_with('/')) member.path.pop_back();
  member.link_target = extended.link.value_or(std::string(TarText(header.linkname)));
  member.is_hard_link = header.typeflag == '1';
  member.xattrs = std::move(extended.xattrs);
  member.with_all_times = extended.accessed.has_value();
  fs::Stat& stat = member.stat;
  stat.type = *type;
  stat.permissions = static_cast<uint16_t>(*mode & 07777);
  stat.uid = extended.uid.value_or(static_cast<uint32_t>(*uid));
  stat.gid = extended.gid.value_or(static_cast<uint32_t>(*gid));
  stat.modified = extended.modified.value_or(Timestamp{.seconds = static_cast<int64_t>(*time)});
  stat.accessed = extended.accessed.value_or(Timestamp{});
  stat.changed = extended.changed.value_or(Timestamp{});
  stat.device_major = static_cast<uint32_t>(*major);
  stat.device_minor = static_cast<uint32_t>(*minor);
  const bool has_data = *type == fs::NodeType::kRegular && !member.is_hard_link;
  decoded.data_bytes = has_data ? extended.size.value_or(*size) : 0;
  stat.size_bytes = decoded.data_bytes;
  return decoded;
}

}  // namespace

Result<std::optional<DecodedMember>> DecodeTarMember(const TarRead& read, uint64_t offset) {
  Extended extended;
  while (true) {
    std::array<std::byte, kTarBlockBytes> block{};
    EKSHUME_TRY(read(offset, block));
    const TarHeader header = EKSHUME_TRY(ByteView(block).Read<TarHeader>(0));
    if (fs::archive::IsZeroBlock(header)) return std::optional<DecodedMember>();
    if (!ChecksumFits(header) || TarText(header.magic) != "ustar") {
      return Fail(ErrorCode::kCorrupt, fmt::format("tar: no header at {:#x}", offset));
    }
    offset += kTarBlockBytes;
    if (header.typeflag != 'x') {
      DecodedMember decoded = EKSHUME_TRY(Combine(header, std::move(extended)));
      decoded.data_offset = offset;
      const uint64_t padding =
          (kTarBlockBytes - decoded.data_bytes % kTarBlockBytes) % kTarBlockBytes;
      if (decoded.data_bytes > UINT64_MAX - padding - offset) {
        return Fail(ErrorCode::kCorrupt,
                    fmt::format("tar: a member of {} bytes at {:#x}", decoded.data_bytes, offset));
      }
      decoded.next_offset = offset + decoded.data_bytes + padding;
      return decoded;
    }
    const uint64_t size = Octal(header.size).value_or(UINT64_MAX);
    if (size > limits::kMaxXattrBytesPerNode) {
      return Fail(ErrorCode::kLimit, fmt::format("tar: an extended header of {} bytes at {:#x} "
                                                 "(kMaxXattrBytesPerNode)",
                                                 size, offset));
    }
    std::string records(size, '\0');
    EKSHUME_TRY(read(offset, AsWritableBytes(records)));
    EKSHUME_TRY(ReadRecords(records, extended));
    offset += fs::archive::PaddedToTarBlock(size);
  }
}

}  // namespace ekshume::collection
