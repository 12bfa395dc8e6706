// SPDX-License-Identifier: Apache-2.0
#include "fs/archive/zip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "base/text.h"
#include "fs/archive/member_tree.h"
#include "fs/archive/zip_format.h"
#include "image/temporary_file.h"

namespace ekshume::fs::archive {
namespace {

constexpr size_t kPieceBytes = size_t{64} << 10;
// The end record and the comment behind it.
constexpr size_t kMostEndBytes = sizeof(ZipEnd) + 65535;

struct Entry {
  std::string name;
  uint16_t flags = 0;
  uint16_t method = 0;
  uint32_t crc = 0;
  uint64_t packed_bytes = 0;
  uint64_t size_bytes = 0;
  uint64_t header_offset = 0;
  uint32_t mode = 0;  // Unix; 0 unknown
  Timestamp modified;
};

// The contents of all members, one after the other, as an image that a MemberTree reads.
class ZipImage final : public image::Image {
 public:
  ZipImage(const image::Image& zip, std::string name, uint64_t most_unpacked)
      : zip_(zip), name_(std::move(name)), most_unpacked_(most_unpacked) {}

  // Where the content of the entry is; nothing when that is past any image.
  std::optional<uint64_t> Append(Entry entry) {
    const auto end = CheckedAdd(size_, entry.size_bytes);
    if (!end) return std::nullopt;
    const uint64_t begin = size_;
    if (entry.size_bytes > 0) {
      entries_.push_back(std::move(entry));
      begins_.push_back(begin);
      size_ = *end;
    }
    return begin;
  }

  uint64_t size_bytes() const override { return size_; }
  const std::string& name() const override { return name_; }
  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    if (!RangeFits(offset_bytes, uint64_t{out.size()}, size_)) {
      return Fail(ErrorCode::kOutOfRange, name_ + ": a read past its end");
    }
    while (!out.empty()) {
      const auto after = std::ranges::upper_bound(begins_, offset_bytes);
      const auto index = static_cast<size_t>(after - begins_.begin()) - 1;
      const uint64_t inside = offset_bytes - begins_[index];
      const auto count =
          static_cast<size_t>(std::min<uint64_t>(out.size(), entries_[index].size_bytes - inside));
      EKSHUME_TRY(ReadEntry(index, inside, out.first(count)));
      out = out.subspan(count);
      offset_bytes += count;
    }
    return {};
  }

 private:
  Error Bad(const Entry& entry, std::string_view what, ErrorCode code = ErrorCode::kCorrupt) const {
    return Fail(code, fmt::format("{}!{}: {}", name_, EscapeForTerminal(entry.name), what));
  }

  Result<uint64_t> DataOffset(const Entry& entry) const {
    const auto header = EKSHUME_TRY(image::ReadStruct<ZipLocalHeader>(zip_, entry.header_offset));
    if (header.signature.value() != kZipLocalSignature) return Bad(entry, "it has no local header");
    return entry.header_offset + sizeof(ZipLocalHeader) + header.file_name_length.value() +
           header.extra_field_length.value();
  }

  Result<void> ReadEntry(size_t index, uint64_t offset, std::span<std::byte> out) const {
    const Entry& entry = entries_[index];
    if ((entry.flags & kZipEncrypted) != 0) {
      return Bad(entry, "it is encrypted", ErrorCode::kUnsupported);
    }
    if (entry.method == kZipStored) {
      if (entry.size_bytes != entry.packed_bytes) return Bad(entry, "its sizes differ");
      return zip_.ReadAt(EKSHUME_TRY(DataOffset(entry)) + offset, out);
    }
    if (entry.method != kZipDeflated) {
      return Bad(entry, fmt::format("it is packed with method {}", entry.method),
                 ErrorCode::kUnsupported);
    }
    const std::lock_guard lock(mutex_);
    auto known = unpacked_.find(index);
    if (known == unpacked_.end()) {
      known = unpacked_.emplace(index, Unpack(entry)).first;
    }
    if (!known->second) return known->second.error();
    return image::ReadFully(file_->number(), *known->second + offset, out, name_);
  }

  // Appends the entry's content to the temporary file; returns where it begins. mutex_ is held.
  Result<uint64_t> Unpack(const Entry& entry) const {
    if (entry.size_bytes > most_unpacked_ &&
        entry.size_bytes / limits::kMaxUnpackRatio > entry.packed_bytes) {
      return Bad(entry, "it unpacks to too much (kMaxUnpackRatio)", ErrorCode::kLimit);
    }
    if (!file_) file_ = EKSHUME_TRY(image::OpenTemporaryFile());
    const uint64_t begin = file_bytes_;
    uint64_t at = EKSHUME_TRY(DataOffset(entry));
    uint64_t left = entry.packed_bytes;
    uint64_t made = 0;
    uLong crc = crc32(0, nullptr, 0);
    std::vector<std::byte> in(kPieceBytes);
    std::vector<std::byte> out(kPieceBytes);
    z_stream stream{};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return Bad(entry, "zlib cannot begin");
    const std::unique_ptr<z_stream, int (*)(z_stream*)> ender(&stream, inflateEnd);
    int status = Z_OK;
    while (status != Z_STREAM_END) {
      if (stream.avail_in == 0) {
        const auto count = static_cast<size_t>(std::min<uint64_t>(in.size(), left));
        if (count == 0) return Bad(entry, "it ends early");
        EKSHUME_TRY(zip_.ReadAt(at, std::span(in).first(count)));
        at += count;
        left -= count;
        stream.next_in = AsUnsignedChars(std::span(in));
        stream.avail_in = static_cast<uInt>(count);
      }
      stream.next_out = AsUnsignedChars(std::span(out));
      stream.avail_out = static_cast<uInt>(out.size());
      status = inflate(&stream, Z_NO_FLUSH);
      if (status != Z_OK && status != Z_STREAM_END) return Bad(entry, "its data are damaged");
      const size_t count = out.size() - stream.avail_out;
      if (count > entry.size_bytes - made) return Bad(entry, "it is longer than it says");
      const ByteView piece = ByteView(out).First(count);
      crc = crc32(crc, AsUnsignedChars(piece), static_cast<uInt>(count));
      EKSHUME_TRY(image::WriteFully(file_->number(), begin + made, piece, name_));
      made += count;
    }
    if (made != entry.size_bytes) return Bad(entry, "it is shorter than it says");
    if (crc != entry.crc) return Bad(entry, "its CRC-32 is not that of the directory");
    file_bytes_ = begin + made;
    return begin;
  }

  const image::Image& zip_;
  const std::string name_;
  const uint64_t most_unpacked_;
  std::vector<Entry> entries_;  // those with bytes
  std::vector<uint64_t> begins_;
  uint64_t size_ = 0;
  mutable std::mutex mutex_;
  mutable std::optional<image::FileDescriptor> file_;
  mutable uint64_t file_bytes_ = 0;
  mutable std::map<size_t, Result<uint64_t>> unpacked_;
};

struct Directory {
  uint64_t offset = 0;
  uint64_t size_bytes = 0;
  uint64_t entries = 0;
};

Result<Directory> FindDirectory(const image::Image& zip, const std::string& name) {
  const uint64_t size = zip.size_bytes();
  const auto length = static_cast<size_t>(std::min<uint64_t>(size, kMostEndBytes));
  const auto tail = EKSHUME_TRY(image::ReadBytes(zip, size - length, length));
  const ByteView view(tail);
  for (size_t back = sizeof(ZipEnd); back <= length; ++back) {
    const size_t at = length - back;
    const auto end = view.Read<ZipEnd>(at);
    if (!end || end->signature.value() != kZipEndSignature) continue;
    Directory directory{end->central_directory_offset.value(), end->central_directory_size.value(),
                        end->entries.value()};
    const uint64_t end_offset = size - length + at;
    if (end_offset < sizeof(Zip64Locator)) return directory;
    const auto locator = image::ReadStruct<Zip64Locator>(zip, end_offset - sizeof(Zip64Locator));
    if (!locator || locator->signature.value() != kZip64LocatorSignature) return directory;
    const auto end64 =
        EKSHUME_TRY(image::ReadStruct<Zip64End>(zip, locator->zip64_end_offset.value()));
    if (end64.signature.value() != kZip64EndSignature) {
      return Fail(ErrorCode::kCorrupt, name + ": its zip64 end record is damaged");
    }
    return Directory{end64.central_directory_offset.value(), end64.central_directory_size.value(),
                     end64.entries.value()};
  }
  return Fail(ErrorCode::kUnsupported, name + ": a zip archive without its directory; it is cut");
}

// MS-DOS's, without a zone; taken as UTC.
Timestamp DosTime(uint16_t date, uint16_t time) {
  using namespace std::chrono;
  const year_month_day day{year(1980 + (date >> 9)), month((date >> 5) & 15U),
                           std::chrono::day(date & 31U)};
  if (!day.ok()) return {};
  const auto moment =
      sys_days(day) + hours(time >> 11) + minutes((time >> 5) & 63) + seconds((time & 31) * 2);
  return {duration_cast<seconds>(moment.time_since_epoch()).count(), 0};
}

// Extra fields: sizes that do not fit in 32 bits, and times.
void ApplyExtra(ByteView extra, const ZipCentralHeader& header, Entry& entry) {
  for (size_t at = 0; extra.Contains(at, 4);) {
    const uint16_t id = extra.Read<le16>(at)->value();
    const uint16_t length = extra.Read<le16>(at + 2)->value();
    at += 4;
    if (!extra.Contains(at, length)) return;
    const ByteView field = extra.From(at).First(length);
    at += length;
    if (id == kZipTimeExtra && field.Contains(0, 5) && (field.Read<uint8_t>(0).value() & 1) != 0) {
      entry.modified = {static_cast<int32_t>(field.Read<le32>(1)->value()), 0};
    }
    if (id != kZip64Extra) continue;
    size_t next = 0;
    const auto take = [&](uint32_t small, uint64_t& value) {
      if (small != 0xFFFFFFFF || !field.Contains(next, 8)) return;
      value = field.Read<le64>(next)->value();
      next += 8;
    };
    take(header.uncompressed_size.value(), entry.size_bytes);
    take(header.compressed_size.value(), entry.packed_bytes);
    take(header.relative_offset_of_local_header.value(), entry.header_offset);
  }
}

}  // namespace

bool IsZip(ByteView head) {
  const auto signature = head.Read<le32>(0);
  return signature &&
         (signature->value() == kZipLocalSignature || signature->value() == kZipEndSignature);
}

Result<std::unique_ptr<Filesystem>> OpenZip(const image::Image& image, const std::string& name,
                                            DiagnosticSink& diagnostics,
                                            const ZipOptions& options) {
  const Directory directory = EKSHUME_TRY(FindDirectory(image, name));
  auto content = std::make_unique<ZipImage>(image, name, options.most_unpacked_bytes);
  std::vector<Member> members;
  const auto damage = [&](uint64_t at, std::string what) {
    diagnostics.Report(DiagnosticCode::kCollectionDamaged, name, std::move(what), at);
  };
  uint64_t at = directory.offset;
  for (uint64_t i = 0; i < directory.entries; ++i) {
    if (members.size() >= options.most_members) {
      diagnostics.Report(
          DiagnosticCode::kCollectionLimit, name,
          fmt::format("more than {} members (kMaxCollectionMembers)", options.most_members));
      break;
    }
    const auto header = image::ReadStruct<ZipCentralHeader>(image, at);
    if (!header || header->signature.value() != kZipCentralSignature) {
      damage(at,
             fmt::format("of {} members in its directory {} can be read", directory.entries, i));
      break;
    }
    const size_t name_bytes = header->file_name_length.value();
    const size_t extra_bytes = header->extra_field_length.value();
    const auto names =
        image::ReadBytes(image, at + sizeof(ZipCentralHeader), name_bytes + extra_bytes);
    if (!names) {
      damage(at, names.error().message);
      break;
    }
    at += sizeof(ZipCentralHeader) + name_bytes + extra_bytes + header->file_comment_length.value();
    Entry entry;
    entry.name = ByteView(*names).First(name_bytes).AsText();
    entry.flags = header->flags.value();
    entry.method = header->compression_method.value();
    entry.crc = header->crc_32.value();
    entry.packed_bytes = header->compressed_size.value();
    entry.size_bytes = header->uncompressed_size.value();
    entry.header_offset = header->relative_offset_of_local_header.value();
    entry.modified = DosTime(header->last_mod_date.value(), header->last_mod_time.value());
    if (header->version_made_by.value() >> 8 == kZipMadeByUnix) {
      entry.mode = header->external_file_attributes.value() >> 16;
    }
    ApplyExtra(ByteView(*names).From(name_bytes), *header, entry);
    Member member;
    member.path = entry.name;
    member.stat.type = entry.name.ends_with('/') ? NodeType::kDirectory : NodeType::kRegular;
    // Links and devices are kept as files: their targets are unpacked like any content.
    member.stat.permissions = static_cast<uint16_t>(entry.mode & 07777U);
    member.stat.modified = entry.modified;
    if (member.stat.type == NodeType::kRegular) {
      const uint64_t size = entry.size_bytes;
      member.stat.size_bytes = size;
      const auto begin = content->Append(std::move(entry));
      if (!begin) {
        damage(at, "its members are larger than any file");
        break;
      }
      if (size > 0) member.segments.push_back({0, size, *begin});
    }
    members.push_back(std::move(member));
  }
  auto tree = std::make_unique<MemberTree>(std::move(content), "zip", options.most_members);
  for (Member& member : members) {
    const Result<void> added = tree->Add(std::move(member));
    if (added) continue;
    const bool full = added.error().code == ErrorCode::kLimit;
    diagnostics.Report(full ? DiagnosticCode::kCollectionLimit : DiagnosticCode::kCollectionDamaged,
                       name, added.error().message);
    if (full) break;
  }
  return std::unique_ptr<Filesystem>(std::move(tree));
}

}  // namespace ekshume::fs::archive
