// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "base/byte_view.h"
#include "base/endian.h"
#include "fs/walk.h"
#include "fs/xfs/xfs.h"

namespace {

using namespace ekshume;

constexpr size_t kSectorBytes = 512;
constexpr uint64_t kDeviceBytes = uint64_t{32} << 20;
constexpr size_t kMostNames = 5000;

// A device of which the input holds only the sectors that are not zero: its number (le32) before
// each. Filesystems are mostly empty, and the fuzzer should not have to guess where they are not.
class SectorImage final : public image::Image {
 public:
  explicit SectorImage(ByteView input) {
    for (size_t at = 0; input.Contains(at, sizeof(le32) + kSectorBytes);
         at += sizeof(le32) + kSectorBytes) {
      const uint32_t number = input.Read<le32>(at)->value() % (kDeviceBytes / kSectorBytes);
      sectors_[number] = *input.Sub(at + sizeof(le32), kSectorBytes);
    }
  }

  uint64_t size_bytes() const override { return kDeviceBytes; }
  const std::string& name() const override { return name_; }
  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    if (!RangeFits(offset_bytes, uint64_t{out.size()}, kDeviceBytes)) {
      return Fail(ErrorCode::kOutOfRange, "past the end");
    }
    std::fill(out.begin(), out.end(), std::byte{0});
    const uint64_t end = offset_bytes + out.size();
    for (auto found = sectors_.lower_bound(offset_bytes / kSectorBytes);
         found != sectors_.end() && found->first * kSectorBytes < end; ++found) {
      const uint64_t start = found->first * kSectorBytes;
      const uint64_t from = std::max(start, offset_bytes);
      const uint64_t count = std::min(start + kSectorBytes, end) - from;
      CopyBytes(out.subspan(from - offset_bytes, count), *found->second.Sub(from - start, count));
    }
    return {};
  }
  uint64_t NextData(uint64_t offset_bytes) const override {
    const auto found = sectors_.lower_bound(offset_bytes / kSectorBytes);
    if (found == sectors_.end()) return kDeviceBytes;
    return std::max(offset_bytes, found->first * kSectorBytes);
  }

 private:
  std::map<uint64_t, ByteView> sectors_;
  std::string name_ = "fuzz";
};

void ReadNode(const fs::Filesystem& filesystem, fs::NodeId node, fs::NodeType type) {
  (void)filesystem.ReadXattrs(node);
  if (type == fs::NodeType::kSymlink) (void)filesystem.ReadSymlink(node);
  if (type != fs::NodeType::kRegular) return;
  const auto file = filesystem.OpenFile(node);
  if (!file) return;
  std::array<std::byte, 4096> start{};
  (void)(*file)->ReadAt(0, start);
}

}  // namespace

// The first byte chooses whether the log is replayed; the rest is the device's sectors.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteView input(std::as_bytes(std::span(data, size)));
  const SectorImage image(input.From(1));
  DiagnosticSink diagnostics;
  const bool raw = (data[0] & 1) != 0;
  const auto filesystem = fs::xfs::kXfsFormat.open(
      image, {.diagnostics = &diagnostics, .raw = raw, .force = (data[0] & 2) != 0});
  if (!filesystem) return 0;
  size_t names = 0;
  (void)fs::Walk(**filesystem, (*filesystem)->root(), diagnostics, [&](const fs::WalkItem& item) {
    ReadNode(**filesystem, item.node, item.stat.type);
    return ++names < kMostNames ? fs::WalkStep::kContinue : fs::WalkStep::kStop;
  });
  for (const fs::DeletedNode& deleted : (*filesystem)->Deleted()) {
    const auto stat = (*filesystem)->GetStat(deleted.node);
    if (stat && ++names < kMostNames) ReadNode(**filesystem, deleted.node, stat->type);
  }
  return 0;
}
