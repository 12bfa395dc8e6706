// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/content.h"

#include <algorithm>

#include "base/limits.h"
#include "fs/ext4/block_map.h"
#include "fs/ext4/xattr.h"

namespace ekshume::fs::ext4 {
namespace {

class RunFile final : public File {
 public:
  RunFile(const image::Image& image, uint64_t size_bytes, std::vector<Run> runs)
      : image_(image), size_(size_bytes), runs_(std::move(runs)) {}

  uint64_t size_bytes() const override { return size_; }
  std::span<const Run> runs() const override { return runs_; }

  Result<size_t> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    if (offset_bytes >= size_) return 0;
    out = out.first(std::min<uint64_t>(out.size(), size_ - offset_bytes));
    auto run = std::upper_bound(
        runs_.begin(), runs_.end(), offset_bytes,
        [](uint64_t offset, const Run& each) { return offset < each.file_offset_bytes; });
    if (run != runs_.begin()) --run;
    size_t done = 0;
    for (; done < out.size() && run != runs_.end(); ++run) {
      const uint64_t within = offset_bytes + done - run->file_offset_bytes;
      if (within >= run->length_bytes) break;
      const auto piece =
          out.subspan(done, std::min<uint64_t>(out.size() - done, run->length_bytes - within));
      if (run->kind == Run::Kind::kData) {
        auto read = image_.ReadAt(run->device_offset_bytes + within, piece);
        // What came before the damage is given first; the next call meets it at its start.
        if (!read && done != 0) return done;
        if (!read) return std::move(read).error();
      } else {
        std::fill(piece.begin(), piece.end(), std::byte{0});
      }
      done += piece.size();
    }
    // A size past the last run (2^63 and more) reads as a hole.
    std::fill(out.begin() + static_cast<ptrdiff_t>(done), out.end(), std::byte{0});
    return out.size();
  }

 private:
  const image::Image& image_;
  const uint64_t size_;
  const std::vector<Run> runs_;
};

// A file inside its inode. Bytes past those that are there (damage) read as zeros.
class InlineFile final : public File {
 public:
  InlineFile(uint64_t size_bytes, std::vector<std::byte> bytes)
      : size_(size_bytes), bytes_(std::move(bytes)), run_{0, size_bytes, Run::Kind::kInline, 0} {}

  uint64_t size_bytes() const override { return size_; }
  std::span<const Run> runs() const override { return {&run_, size_ == 0 ? size_t{0} : size_t{1}}; }

  Result<size_t> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    if (offset_bytes >= size_) return 0;
    out = out.first(std::min<uint64_t>(out.size(), size_ - offset_bytes));
    const ByteView there = ByteView(bytes_).From(offset_bytes).First(out.size());
    CopyBytes(out, there);
    std::fill(out.begin() + static_cast<ptrdiff_t>(there.size()), out.end(), std::byte{0});
    return out.size();
  }

 private:
  const uint64_t size_;
  const std::vector<std::byte> bytes_;
  const Run run_;
};

}  // namespace

std::unique_ptr<File> MakeRunFile(const image::Image& image, uint64_t size_bytes,
                                  std::vector<Run> runs) {
  return std::make_unique<RunFile>(image, size_bytes, std::move(runs));
}

Result<std::unique_ptr<File>> OpenContent(const Volume& volume, InodeNumber number) {
  const InodeBytes bytes = EKSHUME_TRY(volume.ReadInodeBytes(number));
  const Inode inode = EKSHUME_TRY(volume.CheckInode(number, bytes.view()));
  return OpenContent(volume, inode, bytes.view());
}

Result<std::unique_ptr<File>> OpenContent(const Volume& volume, const Inode& inode, ByteView raw) {
  if (!inode.Has(kInodeInlineData)) {
    return MakeRunFile(volume.image(), inode.size_bytes, MapInode(volume, inode));
  }
  std::vector<std::byte> bytes = InlineBytes(volume, inode, raw);
  // mke2fs -d makes a file that is one hole inline whatever its size; only what has content can
  // have lost some.
  const auto has_content = [](std::byte byte) { return byte != std::byte{0}; };
  if (inode.size_bytes > bytes.size() && std::any_of(bytes.begin(), bytes.end(), has_content)) {
    volume.ReportInode(DiagnosticCode::kExt4BadExtent, inode.number,
                       "inline data ends before the size; the rest reads as zeros");
  }
  return std::make_unique<InlineFile>(inode.size_bytes, std::move(bytes));
}

}  // namespace ekshume::fs::ext4
