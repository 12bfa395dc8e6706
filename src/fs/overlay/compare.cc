// SPDX-License-Identifier: Apache-2.0
#include "fs/overlay/compare.h"

#include <algorithm>

#include "base/text.h"
#include "fs/overlay/diff.h"

namespace ekshume::fs::overlay {
namespace {

constexpr size_t kCompareBytes = size_t{256} << 10;

// Reads until `out` is full or the file ends.
Result<size_t> ReadFully(const File& file, uint64_t offset, std::span<std::byte> out) {
  size_t done = 0;
  while (done < out.size()) {
    const size_t count = EKSHUME_TRY(file.ReadAt(offset + done, out.subspan(done)));
    if (count == 0) break;
    done += count;
  }
  return done;
}

bool SameXattrs(const OverlayFilesystem& now, const OverlayFilesystem& before,
                const ChangePair& pair) {
  const auto a = now.ReadXattrs(*pair.now);
  const auto b = before.ReadXattrs(*pair.before);
  if (!a || !b) return a.has_value() == b.has_value();
  return std::equal(a->begin(), a->end(), b->begin(), b->end(), [](const Xattr& x, const Xattr& y) {
    return x.name == y.name && x.value == y.value;
  });
}

// Whether both read their bytes from the same file of a layer: a metacopy file and what it was
// copied from.
bool SameSource(const OverlayFilesystem& now, NodeId node_now, const OverlayFilesystem& before,
                NodeId node_before) {
  const auto a = now.Origins(node_now);
  const auto b = before.Origins(node_before);
  if (!a || !b || a->size() < 2) return false;  // one origin: the file has its own data
  const size_t below = now.layers().size() - before.layers().size();
  return a->back().node == b->back().node && a->back().layer == b->back().layer + below;
}

}  // namespace

Result<bool> SameContent(const OverlayFilesystem& now, NodeId node_now,
                         const OverlayFilesystem& before, NodeId node_before) {
  if (SameSource(now, node_now, before, node_before)) return true;
  const auto a = EKSHUME_TRY(now.OpenFile(node_now));
  const auto b = EKSHUME_TRY(before.OpenFile(node_before));
  if (a->size_bytes() != b->size_bytes()) return false;
  const size_t buffer_bytes = std::min<uint64_t>(kCompareBytes, a->size_bytes());
  std::vector<std::byte> buffer_a(buffer_bytes);
  std::vector<std::byte> buffer_b(buffer_bytes);
  uint64_t offset = 0;
  while (offset < a->size_bytes()) {
    const size_t count_a = EKSHUME_TRY(ReadFully(*a, offset, buffer_a));
    const size_t count_b = EKSHUME_TRY(ReadFully(*b, offset, buffer_b));
    if (count_a != count_b) return false;
    if (count_a == 0) break;
    if (!std::equal(buffer_a.begin(), buffer_a.begin() + static_cast<ptrdiff_t>(count_a),
                    buffer_b.begin())) {
      return false;
    }
    offset += count_a;
  }
  return true;
}

std::vector<std::string_view> FindDifferences(const OverlayFilesystem& now,
                                              const OverlayFilesystem& before,
                                              const ChangePair& pair, DiagnosticSink& diagnostics) {
  const Stat& a = pair.now_stat;
  const Stat& b = pair.before_stat;
  std::vector<std::string_view> differs;
  const bool same_type = a.type == b.type;
  if (same_type && a.type == NodeType::kRegular) {
    if (a.size_bytes != b.size_bytes) {
      differs.emplace_back("content");
    } else if (a.size_bytes != 0) {
      const auto same = SameContent(now, *pair.now, before, *pair.before);
      if (!same) {
        diagnostics.Report(DiagnosticCode::kFilesystemNodeUnreadable, "/" + pair.path,
                           same.error().message);
      }
      if (!same || !*same) differs.emplace_back("content");
    }
  }
  const bool device = a.type == NodeType::kCharDevice || a.type == NodeType::kBlockDevice;
  if (same_type && device &&
      (a.device_major != b.device_major || a.device_minor != b.device_minor)) {
    differs.emplace_back("device");
  }
  if (a.gid != b.gid) differs.emplace_back("group");
  if (a.permissions != b.permissions) differs.emplace_back("mode");
  if (a.uid != b.uid) differs.emplace_back("owner");
  if (same_type && a.type == NodeType::kSymlink) {
    const auto target = now.ReadSymlink(*pair.now);
    const auto target_before = before.ReadSymlink(*pair.before);
    if (!target || !target_before || *target != *target_before) differs.emplace_back("target");
  }
  // A directory's time changes whenever an entry comes or goes.
  if (a.type != NodeType::kDirectory && a.modified != b.modified) differs.emplace_back("time");
  if (!same_type) differs.emplace_back("type");
  if (!SameXattrs(now, before, pair)) differs.emplace_back("xattrs");
  return differs;
}

Result<std::string> ReadFirstBytes(const Filesystem& filesystem, NodeId node) {
  const auto file = EKSHUME_TRY(filesystem.OpenFile(node));
  std::string first(kContentKindBytes, '\0');
  first.resize(EKSHUME_TRY(ReadFully(*file, 0, AsWritableBytes(first))));
  return first;
}

ContentKind GuessContentKind(std::string_view first) {
  if (first.empty()) return ContentKind::kNone;
  if (first.starts_with("\x7f"
                        "ELF")) {
    return ContentKind::kElf;
  }
  if (first.starts_with("#!")) return ContentKind::kScript;
  const auto binary = [](char byte) {
    const auto value = static_cast<unsigned char>(byte);
    const bool used_in_text = (value >= '\b' && value <= '\r') || value == 0x1b;
    return (value < 0x20 && !used_in_text) || value == 0x7f;
  };
  if (std::any_of(first.begin(), first.end(), binary)) return ContentKind::kData;
  // The cut may have fallen into a character of up to four bytes.
  const size_t may_drop = first.size() >= kContentKindBytes ? 3 : 0;
  for (size_t drop = 0; drop <= may_drop; ++drop) {
    if (IsUtf8(first.substr(0, first.size() - drop))) return ContentKind::kText;
  }
  return ContentKind::kData;
}

std::string_view ContentKindName(ContentKind kind) {
  switch (kind) {
    case ContentKind::kNone: return "";
    case ContentKind::kElf: return "elf";
    case ContentKind::kScript: return "script";
    case ContentKind::kText: return "text";
    case ContentKind::kData: return "data";
  }
  return "";
}

bool PathLess(std::string_view a, std::string_view b) {
  const auto rank = [](char byte) {
    return byte == '/' ? -1 : static_cast<int>(static_cast<unsigned char>(byte));
  };
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [&](char x, char y) { return rank(x) < rank(y); });
}

std::string XattrValue(const Filesystem& filesystem, NodeId node, std::string_view name) {
  auto xattrs = filesystem.ReadXattrs(node);
  if (!xattrs) return {};
  for (Xattr& xattr : *xattrs) {
    if (xattr.name == name) return std::move(xattr.value);
  }
  return {};
}

}  // namespace ekshume::fs::overlay
