// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/diagnostic.h"
#include "fs/filesystem.h"
#include "image/image.h"

namespace ekshume::fs {

struct OpenOptions {
  DiagnosticSink* diagnostics = nullptr;  // required; must outlive the Filesystem
  bool raw = false;    // read the disk as it lies, without replaying the log or journal
  bool force = false;  // go on in spite of unknown incompatible features
};

// One on-disk filesystem: what a registry entry is.
struct Format {
  std::string_view name;         // "xfs"
  std::string_view description;  // one line for the docs
  int priority;                  // higher is asked first
  // Whether the device begins as this filesystem does. Looks at content only, reads little.
  bool (*sniff)(const image::Image& device);
  // Opens it. `device` must outlive the Filesystem. kUnsupported names the feature that is unknown.
  Result<std::unique_ptr<Filesystem>> (*open)(const image::Image& device,
                                              const OpenOptions& options);
};

// All formats, highest priority first: fs/registry.cc.
std::span<const Format> Formats();

// The format whose sniff accepts `device`, or null.
const Format* Sniff(const image::Image& device);

// Opens the filesystem on `device` by content. kUnsupported with the name of what it is when it is
// a known thing that ekshume does not read (LUKS, swap, LVM, vfat, EROFS, md member, ...) or when
// nothing is known.
Result<std::unique_ptr<Filesystem>> Open(const image::Image& device, const OpenOptions& options);

}  // namespace ekshume::fs
