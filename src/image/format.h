// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "image/image.h"

namespace ekshume::image {

// A place for what a reader must keep beside the evidence: the index of a compressed image. Given
// by casefile or cli, as nothing below them may create a file. One thread at a time.
class Scratch {
 public:
  virtual ~Scratch() = default;
  // Opens (creating if need be) a file of this name for reading and writing and returns its
  // descriptor, owned by the caller. Names are plain file names chosen by ekshume, never by
  // evidence. `existed` tells whether it held anything before.
  virtual Result<int> Open(std::string_view file_name, bool& existed) = 0;
};

struct OpenOptions {
  DiagnosticSink* diagnostics = nullptr;  // required
  Scratch* scratch = nullptr;             // null: anonymous temporary files are used
  Progress* progress = nullptr;           // may be null
};

// An opened evidence file.
struct OpenedImage {
  std::string_view format;  // the Format's name
  // The evidence files it consists of, in order (split raw: all segments that are there).
  std::vector<std::string> files;
  uint64_t stored_bytes = 0;  // their size together
  std::unique_ptr<Image> image;
};

// One image format: what a registry entry is.
struct Format {
  std::string_view name;         // "raw", "gzip"
  std::string_view description;  // one line for `ekshume image formats` and the docs
  int priority;                  // higher is asked first; raw, which fits everything, is 0
  // Whether the file's first bytes (at least 512 when the file has them) are of this format. Looks
  // at content only.
  bool (*sniff)(ByteView head, std::string_view path);
  // Opens it; `options` and what it points to must outlive the image.
  Result<OpenedImage> (*open)(const std::string& path, const OpenOptions& options);
};

// All formats, highest priority first: image/registry.cc.
std::span<const Format> Formats();

// Opens the evidence at `path` by content. kNotFound, kIo, kUnsupported (a directory, a device we
// refuse, standard input).
Result<OpenedImage> Open(const std::string& path, const OpenOptions& options);

}  // namespace ekshume::image
