// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "fs/ext4/ext4.h"
#include "fs/format.h"
#include "fs/identify.h"
#include "fs/xfs/xfs.h"

namespace ekshume::fs {

std::span<const Format> Formats() {
  static const std::array<Format, 2> formats = {
      xfs::kXfsFormat,
      ext4::kExt4Format,
  };
  return formats;
}

const Format* Sniff(const image::Image& device) {
  for (const Format& format : Formats()) {
    if (format.sniff(device)) return &format;
  }
  return nullptr;
}

Result<std::unique_ptr<Filesystem>> Open(const image::Image& device, const OpenOptions& options) {
  if (const Format* format = Sniff(device)) return format->open(device, options);
  const std::string_view other = IdentifyOther(device);
  return Fail(ErrorCode::kUnsupported,
              other.empty()
                  ? fmt::format("{}: no filesystem that ekshume knows", device.name())
                  : fmt::format("{}: holds {}, which ekshume does not read", device.name(), other));
}

}  // namespace ekshume::fs
