// SPDX-License-Identifier: Apache-2.0
#include "artifact/packages/rpm_header.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/byte_view.h"

namespace ekshume::artifact::packages {
namespace {

// rpmtag.h
enum Tag : uint32_t {
  kName = 1000,
  kVersion = 1001,
  kRelease = 1002,
  kEpoch = 1003,
  kInstallTime = 1008,
  kVendor = 1011,
  kArchitecture = 1022,
  kDirIndexes = 1116,
  kBaseNames = 1117,
  kDirNames = 1118,
};
enum Type : uint32_t { kInt32 = 4, kString = 6, kStringArray = 8, kI18nString = 9 };
constexpr uint32_t kMaxIndexEntries = 65536;  // rpm's own limit (hdrchkTags)

Result<std::string> ReadString(ByteView data, const RpmIndexEntry& entry) {
  const ByteView rest = data.From(entry.offset.value());
  const size_t end = rest.AsText().find('\0');
  if (end == std::string_view::npos) {
    return Fail(ErrorCode::kCorrupt, fmt::format("rpm: tag {} does not end", entry.tag.value()));
  }
  return std::string(rest.AsText().substr(0, end));
}

// A string array: `count` strings that end with a NUL, one after the other.
Result<std::vector<std::string_view>> ReadStrings(ByteView data, const RpmIndexEntry& entry) {
  std::vector<std::string_view> strings;
  std::string_view rest = data.From(entry.offset.value()).AsText();
  for (uint32_t i = 0; i < entry.count.value(); ++i) {
    const size_t end = rest.find('\0');
    if (end == std::string_view::npos) {
      return Fail(ErrorCode::kCorrupt, fmt::format("rpm: tag {} does not end", entry.tag.value()));
    }
    strings.push_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return strings;
}

struct Header {
  ByteView bytes;
  ByteView data;
  size_t entry_count = 0;

  Result<RpmIndexEntry> Entry(size_t index) const {
    return bytes.Read<RpmIndexEntry>(sizeof(RpmHeaderIntro) + index * sizeof(RpmIndexEntry));
  }
};

Result<Header> OpenHeader(std::string_view blob) {
  Header header;
  header.bytes = ByteView::Of(blob);
  const auto intro = EKSHUME_TRY(header.bytes.Read<RpmHeaderIntro>(0));
  if (intro.il.value() > kMaxIndexEntries) {
    return Fail(ErrorCode::kCorrupt, fmt::format("rpm: {} index entries, at most {} expected",
                                                 intro.il.value(), kMaxIndexEntries));
  }
  header.entry_count = intro.il.value();
  const size_t index_bytes = header.entry_count * sizeof(RpmIndexEntry);
  header.data = EKSHUME_TRY(header.bytes.Sub(sizeof(intro) + index_bytes, intro.dl.value()));
  return header;
}

}  // namespace

Result<RpmPackage> ParseRpmHeader(std::string_view blob) {
  const Header header = EKSHUME_TRY(OpenHeader(blob));
  const ByteView data = header.data;
  RpmPackage package;
  for (size_t i = 0; i < header.entry_count; ++i) {
    const auto entry = EKSHUME_TRY(header.Entry(i));
    const uint32_t tag = entry.tag.value();
    const uint32_t type = entry.type.value();
    if (type == kString || type == kI18nString) {
      std::string* text = tag == kName           ? &package.name
                          : tag == kVersion      ? &package.version
                          : tag == kRelease      ? &package.release
                          : tag == kVendor       ? &package.vendor
                          : tag == kArchitecture ? &package.architecture
                                                 : nullptr;
      if (text != nullptr) *text = EKSHUME_TRY(ReadString(data, entry));
    } else if (type == kInt32 && (tag == kEpoch || tag == kInstallTime)) {
      const uint32_t value = EKSHUME_TRY(data.Read<be32>(entry.offset.value())).value();
      if (tag == kEpoch) package.epoch = value;
      if (tag == kInstallTime) package.installed = Timestamp{value, 0};
    }
  }
  if (package.name.empty()) return Fail(ErrorCode::kCorrupt, "rpm: a package without name");
  return package;
}

Result<void> VisitRpmFiles(
    std::string_view blob,
    const std::function<void(std::string_view folder, std::string_view name)>& visit) {
  const Header header = EKSHUME_TRY(OpenHeader(blob));
  std::vector<std::string_view> folders;
  std::vector<std::string_view> names;
  std::optional<RpmIndexEntry> indexes;
  for (size_t i = 0; i < header.entry_count; ++i) {
    const auto entry = EKSHUME_TRY(header.Entry(i));
    const uint32_t type = entry.type.value();
    switch (entry.tag.value()) {
      case kDirNames:
        if (type == kStringArray) folders = EKSHUME_TRY(ReadStrings(header.data, entry));
        break;
      case kBaseNames:
        if (type == kStringArray) names = EKSHUME_TRY(ReadStrings(header.data, entry));
        break;
      case kDirIndexes:
        if (type == kInt32) indexes = entry;
        break;
      default: break;
    }
  }
  if (!indexes) return {};
  for (size_t i = 0; i < names.size() && i < indexes->count.value(); ++i) {
    const size_t offset = size_t{indexes->offset.value()} + i * sizeof(be32);
    const uint32_t folder = EKSHUME_TRY(header.data.Read<be32>(offset)).value();
    if (folder >= folders.size()) {
      return Fail(ErrorCode::kCorrupt, fmt::format("rpm: folder {} of {}", folder, folders.size()));
    }
    visit(folders[folder], names[i]);
  }
  return {};
}

std::string FullName(const RpmPackage& package) {
  return fmt::format("{}-{}{}-{}.{}", package.name,
                     package.epoch ? fmt::format("{}:", *package.epoch) : "", package.version,
                     package.release, package.architecture.empty() ? "?" : package.architecture);
}

}  // namespace ekshume::artifact::packages
