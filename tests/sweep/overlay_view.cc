// SPDX-License-Identifier: Apache-2.0
// Prints the union of layer directories for tests/sweep/overlay_sweep.py, one tab-separated line a
// name. Bytes that come from the layers are in hexadecimal.
#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <vector>

#include "base/hash.h"
#include "fs/folder/folder.h"
#include "fs/overlay/diff.h"
#include "fs/overlay/diff_style.h"
#include "fs/overlay/overlay.h"
#include "fs/walk.h"

namespace {

using namespace ekshume;  // NOLINT(google-build-using-namespace)
using fs::overlay::OverlayFilesystem;

std::string Hex(std::string_view text) { return ToHex(ByteView::Of(text)); }

std::string HashOf(const fs::Filesystem& filesystem, fs::NodeId node) {
  const auto file = filesystem.OpenFile(node);
  if (!file) return "unreadable";
  Sha256 hash;
  std::vector<std::byte> buffer(size_t{1} << 16);
  uint64_t offset = 0;
  while (true) {
    const auto count = (*file)->ReadAt(offset, buffer);
    if (!count) return "unreadable";
    if (*count == 0) break;
    hash.Update(ByteView(buffer).First(*count));
    offset += *count;
  }
  return ToHex(hash.Finish());
}

void PrintNode(const OverlayFilesystem& overlay, const fs::WalkItem& item, bool with_hash) {
  const fs::Stat& stat = item.stat;
  std::string target;
  if (stat.type == fs::NodeType::kSymlink) target = overlay.ReadSymlink(item.node).value_or("?");
  std::string xattrs;
  const auto found = overlay.ReadXattrs(item.node);
  for (const auto& xattr : found.value_or(std::vector<fs::Xattr>())) {
    xattrs += Hex(xattr.name) + "=" + Hex(xattr.value) + ",";
  }
  std::string origins;
  const auto from = overlay.Origins(item.node);
  for (const auto& origin : from.value_or(std::vector<fs::overlay::Origin>())) {
    origins += fmt::format("{}:{},", origin.layer, Hex(origin.path));
  }
  const bool hashed = with_hash && stat.type == fs::NodeType::kRegular;
  fmt::print("{}\t{}\t{:o}\t{}\t{}\t{}\t{}.{:09}\t{}\t{}\t{}:{}\t{}\t{}\t{}\n", Hex(item.path),
             fs::NodeTypeLetter(stat.type), stat.permissions, stat.uid, stat.gid, stat.size_bytes,
             stat.modified.seconds, stat.modified.nanoseconds, stat.links, Hex(target),
             stat.device_major, stat.device_minor, xattrs, hashed ? HashOf(overlay, item.node) : "",
             origins);
}

void PrintEntry(const fs::overlay::DiffEntry& entry) {
  std::string differs;
  for (const auto what : entry.differs) differs += std::string(what) + ",";
  fmt::print("{}\t{}\t{}\t{}\t{}{}{}{}{}\t{}\t{}\t{}\t{}\t{}\n", Hex(entry.path),
             fs::overlay::ChangeName(entry.change), fs::NodeTypeLetter(entry.stat.type), differs,
             entry.executable ? "x" : "", entry.setuid ? "u" : "", entry.setgid ? "g" : "",
             entry.replaced ? "r" : "", entry.with_parent ? "p" : "",
             fs::overlay::ContentKindName(entry.kind),
             entry.from ? fmt::format("{}:{}", entry.from->layer, Hex(entry.from->path)) : "",
             Hex(entry.renamed_from), Hex(entry.renamed_to), entry.stat.size_bytes);
}

int Run(const std::string& what, const OverlayFilesystem& overlay, size_t boundary, bool with_hash,
        DiagnosticSink& diagnostics) {
  using Lines = Result<std::vector<std::string>>;
  if (what == "diff") {
    const auto entries = DiffLayers(overlay, boundary, diagnostics);
    if (!entries) return 3;
    for (const auto& entry : *entries) PrintEntry(entry);
  } else if (what == "docker" || what == "containerd") {
    const Lines lines = what == "docker" ? DockerDiff(overlay, boundary, diagnostics)
                                         : ContainerdDiff(overlay, boundary, diagnostics);
    if (!lines) return 3;
    for (const std::string& line : *lines) fmt::print("{}\n", Hex(line));
  } else {
    const auto walked = fs::Walk(overlay, overlay.root(), diagnostics, [&](const auto& item) {
      PrintNode(overlay, item, with_hash);
      return fs::WalkStep::kContinue;
    });
    if (!walked) return 3;
  }
  for (const auto& diagnostic : diagnostics.Sorted()) {
    fmt::print(stderr, "{}\t{}\t{}\n", DiagnosticCodeName(diagnostic.code), diagnostic.evidence,
               diagnostic.detail);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  DiagnosticSink diagnostics;
  std::vector<std::unique_ptr<fs::Filesystem>> folders;
  fs::overlay::OverlayOptions options;
  options.diagnostics = &diagnostics;
  std::string what = "view";
  size_t boundary = 1;
  bool with_hash = true;
  bool data_only = false;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  for (const std::string& argument : arguments) {
    if (argument == "--userxattr") {
      options.user_xattrs = true;
    } else if (argument == "--upper") {
      options.has_upper = true;
    } else if (argument == "--no-hash") {
      with_hash = false;
    } else if (argument == "--data") {
      data_only = true;  // what follows
    } else if (argument.starts_with("--boundary=")) {
      boundary = std::stoul(argument.substr(11));
    } else if (argument == "view" || argument == "diff" || argument == "docker" ||
               argument == "containerd") {
      what = argument;
    } else {
      auto folder = fs::OpenFolder(argument, diagnostics);
      fs::overlay::Layer layer{nullptr, {}, argument};
      if (folder) {
        layer.filesystem = folder->get();
        layer.root = (*folder)->root();
        folders.push_back(*std::move(folder));
      }
      (data_only ? options.data_only : options.layers).push_back(std::move(layer));
    }
  }
  const auto overlay = OverlayFilesystem::Open(std::move(options));
  if (!overlay) {
    fmt::print(stderr, "{}\n", overlay.error().message);
    return 3;
  }
  return Run(what, **overlay, boundary, with_hash, diagnostics);
}
