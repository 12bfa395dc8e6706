// SPDX-License-Identifier: Apache-2.0
#include "fs/archive/tar.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "base/checked.h"
#include "base/text.h"
#include "fs/archive/format.h"
#include "fs/archive/member_tree.h"
#include "fs/archive/tar_fields.h"

namespace ekshume::fs::archive {
namespace {

// Extended headers and the maps of sparse files are small.
constexpr uint64_t kMaxExtendedBytes = uint64_t{16} << 20;
// A damaged archive is searched this far for the next header, block by block.
constexpr uint64_t kMaxResyncBytes = uint64_t{64} << 20;
constexpr size_t kResyncPiece = size_t{64} << 10;

// A number field: octal text, or base 256.
template <size_t N>
std::optional<int64_t> Number(const std::array<char, N>& field) {
  const auto first = static_cast<unsigned char>(field[0]);
  if ((first & 0x80U) != 0) {
    // Two's complement without the mark; more than 63 bits make no size or time.
    const bool negative = (first & 0x40U) != 0;
    int64_t value = negative ? -1 : 0;
    for (size_t i = 0; i < N; ++i) {
      unsigned char byte = static_cast<unsigned char>(field[i]);
      if (i == 0) byte = negative ? (byte | 0x80U) : (byte & 0x3fU);
      if (value > (INT64_MAX >> 8) || value < (INT64_MIN >> 8)) return std::nullopt;
      value = value * 256 + byte;
    }
    return value;
  }
  std::string_view text = TarText(field);
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  if (text.empty()) return 0;
  int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value, 8);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

bool ChecksumFits(const TarHeader& header) {
  const auto stated = Number(header.chksum);
  if (!stated) return false;
  // The field itself counts as blanks. Some old programs summed signed characters.
  int64_t sum = 0;
  int64_t signed_sum = 0;
  const std::string_view bytes = AsBytes(header).AsText();
  for (size_t i = 0; i < bytes.size(); ++i) {
    const size_t at = offsetof(TarHeader, chksum);
    const char c = i >= at && i < at + header.chksum.size() ? ' ' : bytes[i];
    sum += static_cast<unsigned char>(c);
    signed_sum += static_cast<signed char>(c);
  }
  return *stated == sum || *stated == signed_sum;
}

std::string NameOf(const TarHeader& header) {
  const bool is_posix = std::string_view(header.magic.data(), 6) == std::string_view("ustar\0", 6);
  const std::string_view prefix = is_posix ? TarText(header.prefix) : std::string_view();
  std::string name(prefix);
  if (!prefix.empty()) name.push_back('/');
  name += TarText(header.name);
  return name;
}

using PaxRecords = std::map<std::string, std::string, std::less<>>;

// What comes before a member's own header.
struct Before {
  std::optional<std::string> name;
  std::optional<std::string> link;
  PaxRecords pax;

  const std::string* Find(std::string_view key) const {
    const auto found = pax.find(key);
    return found == pax.end() ? nullptr : &found->second;
  }
};

class TarReader {
 public:
  TarReader(const image::Image& image, const std::string& name, DiagnosticSink& diagnostics,
            const TarOptions& options)
      : image_(image),
        name_(name),
        diagnostics_(diagnostics),
        options_(options),
        tree_(std::make_unique<MemberTree>(image, "tar", options.most_members)) {}

  Result<std::unique_ptr<Filesystem>> Run() {
    const uint64_t size = image_.size_bytes();
    while (at_ < size) {
      if (size - at_ < kTarBlockBytes) {
        Damage(at_, "the last block is cut off");
        break;
      }
      const Result<TarHeader> header = image::ReadStruct<TarHeader>(image_, at_);
      if (!header) {
        Damage(at_, header.error().message);
        break;
      }
      if (IsZeroBlock(*header)) break;  // the end: two blocks of zeros, of which one is enough
      if (!ChecksumFits(*header)) {
        Damage(at_, "a header's checksum is wrong");
        before_ = {};
        if (!FindNextHeader()) break;
        continue;
      }
      if (const Result<void> read = ReadMember(*header); !read) {
        if (read.error().code == ErrorCode::kLimit) {
          diagnostics_.Report(DiagnosticCode::kCollectionLimit, name_, read.error().message, at_);
          break;
        }
        Damage(at_, read.error().message);
      }
      if (!step_) break;
      at_ = *step_;
    }
    return std::unique_ptr<Filesystem>(std::move(tree_));
  }

 private:
  void Damage(uint64_t offset, std::string what) {
    diagnostics_.Report(DiagnosticCode::kCollectionDamaged, name_, std::move(what), offset);
  }

  // Leaves at_ at the next block that is a header. False when there is none near.
  bool FindNextHeader() {
    const uint64_t size = image_.size_bytes();
    const uint64_t end = std::min(size, at_ + kMaxResyncBytes);
    for (uint64_t piece = at_ + kTarBlockBytes; piece + kTarBlockBytes <= end;) {
      const size_t length = static_cast<size_t>(std::min<uint64_t>(kResyncPiece, end - piece));
      const auto bytes = image::ReadBytes(image_, piece, length);
      if (!bytes) return false;
      const ByteView view(*bytes);
      for (size_t i = 0; view.Contains(i, kTarBlockBytes); i += kTarBlockBytes) {
        const Result<TarHeader> header = view.Read<TarHeader>(i);
        if (header && !IsZeroBlock(*header) &&
            std::string_view(header->magic.data(), kTarMagic.size()) == kTarMagic &&
            ChecksumFits(*header)) {
          at_ = piece + i;
          return true;
        }
      }
      piece += length / kTarBlockBytes * kTarBlockBytes;
      if (length < kTarBlockBytes) break;
    }
    return false;
  }

  Result<std::string> ReadExtended(uint64_t offset, uint64_t size) const {
    if (size > kMaxExtendedBytes) {
      return Fail(ErrorCode::kCorrupt, fmt::format("an extended header of {} bytes", size));
    }
    const auto bytes = EKSHUME_TRY(image::ReadBytes(image_, offset, static_cast<size_t>(size)));
    return std::string(ByteView(bytes).AsText());
  }

  // Reads the member whose header is at at_. step_ is then where the next one is; nothing when
  // that cannot be told.
  Result<void> ReadMember(const TarHeader& header) {
    step_.reset();
    const uint64_t data = at_ + kTarBlockBytes;
    const auto raw_size = Number(header.size);
    if (!raw_size || *raw_size < 0) return Fail(ErrorCode::kCorrupt, "a size is no number");
    uint64_t size = static_cast<uint64_t>(*raw_size);
    const char type = header.typeflag;
    const bool is_extension = type == kTarPaxHeader || type == kTarPaxGlobalHeader ||
                              type == kTarGnuLongName || type == kTarGnuLongLink;
    if (!is_extension) {
      if (const std::string* text = before_.Find("size")) {
        const auto value = ParseDecimal<uint64_t>(*text);
        if (!value) return Fail(ErrorCode::kCorrupt, "a size is no number");
        size = *value;
      }
      // A link has no data whatever its size says.
      if (type == kTarHardLink || type == kTarSymlink || type == kTarDirectory) size = 0;
    }
    const uint64_t image_size = image_.size_bytes();
    const bool is_cut = !RangeFits(data, size, image_size);
    if (!is_cut) step_ = std::min(image_size, data + PaddedToTarBlock(size));
    if (is_cut && type != kTarRegular && type != kTarRegularOld) {
      return Fail(ErrorCode::kCorrupt, "the archive ends inside a member");
    }
    switch (type) {
      case kTarPaxHeader: {
        const std::string text = EKSHUME_TRY(ReadExtended(data, size));
        const auto take = [this](std::string_view key, std::string_view value) {
          before_.pax[std::string(key)] = std::string(value);
        };
        if (!ReadPaxRecords(text, take)) {
          return Fail(ErrorCode::kCorrupt, "an extended header makes no sense");
        }
        return {};
      }
      case kTarPaxGlobalHeader: return {};  // comments and defaults that say nothing of a member
      case kTarGnuLongName:
      case kTarGnuLongLink: {
        std::string text = EKSHUME_TRY(ReadExtended(data, size));
        text.resize(std::min(text.size(), text.find('\0')));
        (type == kTarGnuLongName ? before_.name : before_.link) = std::move(text);
        return {};
      }
      default: break;
    }
    const Before before = std::exchange(before_, {});
    return AddMember(header, before, data, is_cut ? image_size - std::min(data, image_size) : size,
                     is_cut ? std::optional(size) : std::nullopt);
  }

  Result<void> AddMember(const TarHeader& header, const Before& before, uint64_t data,
                         uint64_t stored, std::optional<uint64_t> whole_size) {
    Member member;
    const std::string* pax_path = before.Find("path");
    const std::string* sparse_name = before.Find("GNU.sparse.name");
    member.path = sparse_name != nullptr ? *sparse_name
                  : pax_path != nullptr  ? *pax_path
                  : before.name          ? *before.name
                                         : NameOf(header);
    FillStat(header, before, member.stat);
    const std::string* pax_link = before.Find("linkpath");
    std::string link = pax_link != nullptr ? *pax_link
                       : before.link       ? *before.link
                                           : std::string(TarText(header.linkname));
    if (options_.is_layer && AddedWhiteout(member.path)) return {};
    for (const auto& [key, value] : before.pax) {
      constexpr std::string_view kXattr = "SCHILY.xattr.";
      if (!key.starts_with(kXattr) || member.xattrs.size() >= limits::kMaxXattrsPerNode) continue;
      member.xattrs.push_back({key.substr(kXattr.size()), value});
    }
    switch (header.typeflag) {
      case kTarHardLink: return tree_->AddHardLink(member.path, link);
      case kTarSymlink:
        member.stat.type = NodeType::kSymlink;
        if (link.size() > limits::kMaxSymlinkTargetBytes) {
          return Fail(ErrorCode::kCorrupt, "a symbolic link is too long");
        }
        member.stat.size_bytes = link.size();
        member.link_target = std::move(link);
        break;
      case kTarCharDevice: member.stat.type = NodeType::kCharDevice; break;
      case kTarBlockDevice: member.stat.type = NodeType::kBlockDevice; break;
      case kTarDirectory: member.stat.type = NodeType::kDirectory; break;
      case kTarFifo: member.stat.type = NodeType::kFifo; break;
      case kTarGnuSparse:
        return Fail(ErrorCode::kUnsupported,
                    "GNU tar's old sparse format: " + EscapeForTerminal(member.path));
      case kTarRegular:
      case kTarRegularOld:
      case kTarContiguous:
      default:  // "readers treat unknown types as regular files"
        // Before POSIX a directory was a file whose name ends with a slash.
        member.stat.type = header.typeflag == kTarRegularOld && member.path.ends_with('/')
                               ? NodeType::kDirectory
                               : NodeType::kRegular;
        if (member.stat.type != NodeType::kRegular) break;
        EKSHUME_TRY(FillContent(before, data, stored, member));
        break;
    }
    const std::string path = member.path;
    EKSHUME_TRY(tree_->Add(std::move(member)));
    if (whole_size) {
      Damage(at_, fmt::format("the archive ends inside {}: {} of {} bytes are there",
                              EscapeForTerminal(path), stored, *whole_size));
    }
    return {};
  }

  static void FillStat(const TarHeader& header, const Before& before, Stat& stat) {
    const auto number = [&](std::string_view key, auto&& field) -> int64_t {
      if (const std::string* text = before.Find(key)) {
        if (const auto value = ParseDecimal<uint64_t>(*text)) return static_cast<int64_t>(*value);
      }
      return Number(field).value_or(0);
    };
    stat.permissions = static_cast<uint16_t>(Number(header.mode).value_or(0)) & 07777U;
    stat.uid = static_cast<uint32_t>(number("uid", header.uid));
    stat.gid = static_cast<uint32_t>(number("gid", header.gid));
    stat.device_major = static_cast<uint32_t>(Number(header.devmajor).value_or(0));
    stat.device_minor = static_cast<uint32_t>(Number(header.devminor).value_or(0));
    stat.modified = {Number(header.mtime).value_or(0), 0};
    const auto time = [&](std::string_view key) -> std::optional<Timestamp> {
      const std::string* text = before.Find(key);
      return text == nullptr ? std::nullopt : ParsePaxTime(*text);
    };
    if (const auto value = time("mtime")) stat.modified = *value;
    // An archive that keeps only one time has no others.
    stat.changed = time("ctime").value_or(stat.modified);
    stat.accessed = time("atime").value_or(stat.modified);
    for (const std::string_view key : {"LIBARCHIVE.creationtime", "EKSHUME.crtime"}) {
      if (const auto value = time(key)) stat.created = value;
    }
  }

  Result<void> FillContent(const Before& before, uint64_t data, uint64_t stored,
                           Member& member) const {
    const std::string* major = before.Find("GNU.sparse.major");
    const std::string* real_size = before.Find("GNU.sparse.realsize");
    if (major == nullptr) {
      member.stat.size_bytes = stored;
      if (stored > 0) member.segments.push_back({0, stored, data});
      member.stat.allocated_bytes = PaddedToTarBlock(stored);
      return {};
    }
    const auto size = real_size == nullptr ? std::nullopt : ParseDecimal<uint64_t>(*real_size);
    if (*major != "1" || !size) {
      return Fail(ErrorCode::kUnsupported, "a sparse file of an unknown format");
    }
    member.stat.size_bytes = *size;
    return ReadSparseMap(data, stored, member);
  }

  // Decimal numbers, one a line: how many stretches, then start and length of each; padded to a
  // block, after which their bytes follow.
  Result<void> ReadSparseMap(uint64_t data, uint64_t stored, Member& member) const {
    const std::string text = EKSHUME_TRY(ReadExtended(data, std::min(stored, kMaxExtendedBytes)));
    size_t at = 0;
    const auto next = [&]() -> std::optional<uint64_t> {
      const size_t end = text.find('\n', at);
      if (end == std::string::npos) return std::nullopt;
      const auto value = ParseDecimal<uint64_t>(std::string_view(text).substr(at, end - at));
      at = end + 1;
      return value;
    };
    const auto count = next();
    if (!count || *count > limits::kMaxExtentsPerFile) {
      return Fail(ErrorCode::kCorrupt, "the map of a sparse file makes no sense");
    }
    std::vector<Segment> segments;
    uint64_t last_end = 0;
    for (uint64_t i = 0; i < *count; ++i) {
      const auto start = next();
      const auto length = next();
      const auto end = start && length ? CheckedAdd(*start, *length) : std::nullopt;
      if (!end || *start < last_end || *end > member.stat.size_bytes) {
        return Fail(ErrorCode::kCorrupt, "the map of a sparse file makes no sense");
      }
      last_end = *end;
      if (*length > 0) segments.push_back({*start, *length, 0});
    }
    uint64_t used = PaddedToTarBlock(at);
    for (Segment& segment : segments) {
      if (!RangeFits(used, segment.length_bytes, stored)) {
        return Fail(ErrorCode::kCorrupt, "a sparse file's bytes end before its map says");
      }
      segment.image_offset_bytes = data + used;
      used += segment.length_bytes;
    }
    member.stat.allocated_bytes = PaddedToTarBlock(used);
    member.segments = std::move(segments);
    return {};
  }

  // Whether the name is a mark of something deleted, which is then in the tree.
  bool AddedWhiteout(const std::string& path) {
    const size_t slash = path.rfind('/');
    const std::string_view name =
        std::string_view(path).substr(slash == std::string::npos ? 0 : slash + 1);
    const std::string_view folder =
        std::string_view(path).substr(0, slash == std::string::npos ? 0 : slash);
    if (!name.starts_with(kWhiteoutPrefix)) return false;
    Result<void> added;
    if (name == kOpaqueWhiteout) {
      added = tree_->SetXattr(folder, {"trusted.overlay.opaque", "y"});
    } else {
      added = tree_->AddWhiteout(fmt::format("{}/{}", folder, name.substr(kWhiteoutPrefix.size())));
    }
    if (!added) Damage(at_, added.error().message);
    return true;
  }

  const image::Image& image_;
  const std::string name_;
  DiagnosticSink& diagnostics_;
  const TarOptions options_;
  std::unique_ptr<MemberTree> tree_;
  uint64_t at_ = 0;
  std::optional<uint64_t> step_;
  Before before_;
};

}  // namespace

bool IsTar(ByteView head) {
  const Result<TarHeader> header = head.Read<TarHeader>(0);
  return header && !IsZeroBlock(*header) &&
         std::string_view(header->magic.data(), kTarMagic.size()) == kTarMagic &&
         ChecksumFits(*header);
}

std::optional<TarGlance> GlanceAtTarHeader(ByteView block) {
  const Result<TarHeader> header = block.Read<TarHeader>(0);
  if (!header || IsZeroBlock(*header) || !ChecksumFits(*header)) return std::nullopt;
  const auto size = Number(header->size);
  if (!size || *size < 0) return std::nullopt;
  return TarGlance{NameOf(*header), static_cast<uint64_t>(*size), header->typeflag};
}

Result<std::unique_ptr<Filesystem>> OpenTar(const image::Image& image, const std::string& name,
                                            DiagnosticSink& diagnostics,
                                            const TarOptions& options) {
  const auto head = EKSHUME_TRY(image::ReadBytes(
      image, 0, static_cast<size_t>(std::min<uint64_t>(image.size_bytes(), kTarBlockBytes))));
  if (!IsTar(ByteView(head))) {
    return Fail(ErrorCode::kUnsupported, name + ": it does not begin like a tar archive");
  }
  return TarReader(image, name, diagnostics, options).Run();
}

}  // namespace ekshume::fs::archive
