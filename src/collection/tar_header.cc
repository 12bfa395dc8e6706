// SPDX-License-Identifier: Apache-2.0
#include "collection/tar_header.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/byte_view.h"

namespace ekshume::collection {
namespace {

// The largest number that `digits` octal digits hold.
constexpr uint64_t OctalLimit(size_t digits) { return (uint64_t{1} << (3 * digits)) - 1; }

// Octal digits and a final NUL; false when the number does not fit (the field is then 0).
template <size_t N>
bool PutOctal(std::array<char, N>& field, uint64_t value) {
  const bool fits = value <= OctalLimit(N - 1);
  if (!fits) value = 0;
  for (size_t i = N - 1; i-- > 0; value >>= 3) field[i] = static_cast<char>('0' + (value & 7));
  field[N - 1] = '\0';
  return fits;
}

template <size_t N>
void PutText(std::array<char, N>& field, std::string_view text) {
  std::copy_n(text.begin(), std::min(text.size(), N), field.begin());
}

// "LENGTH KEY=VALUE\n", where LENGTH counts itself.
void AppendRecord(std::string& records, std::string_view key, std::string_view value) {
  const size_t rest = key.size() + value.size() + 3;  // the space, '=' and newline
  size_t length = rest + 1;
  while (fmt::formatted_size("{}", length) + rest != length) {
    length = fmt::formatted_size("{}", length) + rest;
  }
  fmt::format_to(std::back_inserter(records), "{} {}=", length, key);
  records.append(value);
  records.push_back('\n');
}

void PadToBlock(std::string& bytes) {
  bytes.resize((bytes.size() + kTarBlockBytes - 1) / kTarBlockBytes * kTarBlockBytes, '\0');
}

char TypeFlag(const TarMember& member) {
  if (member.is_hard_link) return '1';
  switch (member.stat.type) {
    case fs::NodeType::kSymlink: return '2';
    case fs::NodeType::kCharDevice: return '3';
    case fs::NodeType::kBlockDevice: return '4';
    case fs::NodeType::kDirectory: return '5';
    case fs::NodeType::kFifo: return '6';
    default: return '0';
  }
}

// Splits a name between the name and prefix fields; false when it does not fit.
bool PutName(TarHeader& header, std::string_view name) {
  if (name.size() <= header.name.size()) {
    PutText(header.name, name);
    return true;
  }
  if (name.size() > header.name.size() + 1 + header.prefix.size()) return false;
  const size_t slash = name.find('/', name.size() - header.name.size() - 1);
  // Nothing may be left of the name on either side.
  if (slash == std::string_view::npos || slash == 0 || slash > header.prefix.size() ||
      slash + 1 == name.size()) {
    return false;
  }
  PutText(header.prefix, name.substr(0, slash));
  PutText(header.name, name.substr(slash + 1));
  return true;
}

void Finish(TarHeader& header, std::string& out) {
  PutText(header.magic, std::string_view("ustar\0", 6));
  PutText(header.version, "00");
  header.chksum.fill(' ');
  uint32_t sum = 0;
  for (const std::byte byte : AsBytes(header).AsSpan()) sum += static_cast<uint32_t>(byte);
  std::array<char, 7> digits{};
  PutOctal(digits, sum);
  std::copy(digits.begin(), digits.end(), header.chksum.begin());  // six digits, NUL, space
  out.append(AsBytes(header).AsText());
}

// "seconds.nanoseconds" as pax wants it, negative times too.
std::string PaxTime(Timestamp time) {
  if (time.nanoseconds == 0) return fmt::format("{}", time.seconds);
  if (time.seconds >= 0) return fmt::format("{}.{:09}", time.seconds, time.nanoseconds);
  // -1.5 s is kept as -2 s and 500,000,000 ns.
  return fmt::format("-{}.{:09}", -(time.seconds + 1), 1000000000 - time.nanoseconds);
}

std::string SparseMap(const TarMember& member) {
  const uint64_t size = member.stat.size_bytes;
  // A file that ends with a hole has an empty last segment, which says where it ends.
  const bool hole_at_end =
      member.segments.empty() ||
      member.segments.back().offset_bytes + member.segments.back().length_bytes < size;
  std::string map = fmt::format("{}\n", member.segments.size() + (hole_at_end ? 1 : 0));
  for (const TarSegment& segment : member.segments) {
    fmt::format_to(std::back_inserter(map), "{}\n{}\n", segment.offset_bytes, segment.length_bytes);
  }
  if (hole_at_end) fmt::format_to(std::back_inserter(map), "{}\n0\n", size);
  PadToBlock(map);
  return map;
}

}  // namespace

uint64_t TarDataBytes(const TarMember& member) {
  if (member.is_hard_link || member.stat.type != fs::NodeType::kRegular) return 0;
  if (!member.is_sparse) return member.stat.size_bytes;
  uint64_t bytes = 0;
  for (const TarSegment& segment : member.segments) bytes += segment.length_bytes;
  return bytes;
}

std::string EncodeTarMember(const TarMember& member) {
  const fs::Stat& stat = member.stat;
  TarHeader header{};
  std::string records;
  std::string sparse_map;
  std::string name = member.path;
  if (stat.type == fs::NodeType::kDirectory) name.push_back('/');
  if (member.is_sparse) {
    sparse_map = SparseMap(member);
    AppendRecord(records, "GNU.sparse.major", "1");
    AppendRecord(records, "GNU.sparse.minor", "0");
    AppendRecord(records, "GNU.sparse.name", name);
    AppendRecord(records, "GNU.sparse.realsize", fmt::format("{}", stat.size_bytes));
    // What a reader without sparse files makes of it; the record above has the true name.
    const size_t slash = name.rfind('/') + 1;  // npos + 1 is 0
    name.insert(slash, "GNUSparseFile.0/");
  }
  if (!PutName(header, name)) {
    PutText(header.name, std::string_view(name).substr(0, header.name.size()));
    AppendRecord(records, "path", name);
  }
  PutText(header.linkname, member.link_target);
  if (member.link_target.size() > header.linkname.size()) {
    AppendRecord(records, "linkpath", member.link_target);
  }
  PutOctal(header.mode, stat.permissions);
  if (!PutOctal(header.uid, stat.uid)) AppendRecord(records, "uid", fmt::format("{}", stat.uid));
  if (!PutOctal(header.gid, stat.gid)) AppendRecord(records, "gid", fmt::format("{}", stat.gid));
  const uint64_t size = TarDataBytes(member) + sparse_map.size();
  if (!PutOctal(header.size, size)) AppendRecord(records, "size", fmt::format("{}", size));
  const Timestamp modified = stat.modified;
  const bool whole = modified.nanoseconds == 0 && modified.seconds >= 0;
  const bool time_fits =
      PutOctal(header.mtime, modified.seconds < 0 ? 0 : static_cast<uint64_t>(modified.seconds));
  if (!whole || !time_fits) AppendRecord(records, "mtime", PaxTime(modified));
  if (member.with_all_times) {
    AppendRecord(records, "atime", PaxTime(stat.accessed));
    AppendRecord(records, "ctime", PaxTime(stat.changed));
  }
  const bool device =
      stat.type == fs::NodeType::kCharDevice || stat.type == fs::NodeType::kBlockDevice;
  PutOctal(header.devmajor, device ? stat.device_major : 0);
  PutOctal(header.devminor, device ? stat.device_minor : 0);
  for (const fs::Xattr& xattr : member.xattrs) {
    AppendRecord(records, "SCHILY.xattr." + xattr.name, xattr.value);
  }
  header.typeflag = TypeFlag(member);

  std::string out;
  if (!records.empty()) {
    TarHeader extended{};
    PutText(extended.name, "PaxHeaders/" + member.path.substr(member.path.rfind('/') + 1));
    PutOctal(extended.mode, 0644);
    PutOctal(extended.uid, 0);
    PutOctal(extended.gid, 0);
    PutOctal(extended.size, records.size());
    PutOctal(extended.mtime, 0);
    PutOctal(extended.devmajor, 0);
    PutOctal(extended.devminor, 0);
    extended.typeflag = 'x';
    Finish(extended, out);
    out.append(records);
    PadToBlock(out);
  }
  Finish(header, out);
  out.append(sparse_map);
  return out;
}

}  // namespace ekshume::collection
