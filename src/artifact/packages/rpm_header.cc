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
};
enum Type : uint32_t { kInt32 = 4, kString = 6, kI18nString = 9 };
constexpr uint32_t kMaxIndexEntries = 65536;  // rpm's own limit (hdrchkTags)

Result<std::string> ReadString(ByteView data, const RpmIndexEntry& entry) {
  const ByteView rest = data.From(entry.offset.value());
  const size_t end = rest.AsText().find('\0');
  if (end == std::string_view::npos) {
    return Fail(ErrorCode::kCorrupt, fmt::format("rpm: tag {} does not end", entry.tag.value()));
  }
  return std::string(rest.AsText().substr(0, end));
}

}  // namespace

Result<RpmPackage> ParseRpmHeader(std::string_view blob) {
  const ByteView bytes = ByteView::Of(blob);
  const auto intro = EKSHUME_TRY(bytes.Read<RpmHeaderIntro>(0));
  if (intro.il.value() > kMaxIndexEntries) {
    return Fail(ErrorCode::kCorrupt, fmt::format("rpm: {} index entries, at most {} expected",
                                                 intro.il.value(), kMaxIndexEntries));
  }
  const size_t index_bytes = intro.il.value() * sizeof(RpmIndexEntry);
  const ByteView data = EKSHUME_TRY(bytes.Sub(sizeof(intro) + index_bytes, intro.dl.value()));
  RpmPackage package;
  for (size_t i = 0; i < intro.il.value(); ++i) {
    const auto entry =
        EKSHUME_TRY(bytes.Read<RpmIndexEntry>(sizeof(intro) + i * sizeof(RpmIndexEntry)));
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

std::string FullName(const RpmPackage& package) {
  return fmt::format("{}-{}{}-{}.{}", package.name,
                     package.epoch ? fmt::format("{}:", *package.epoch) : "", package.version,
                     package.release, package.architecture.empty() ? "?" : package.architecture);
}

}  // namespace ekshume::artifact::packages
