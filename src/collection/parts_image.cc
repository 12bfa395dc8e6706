// SPDX-License-Identifier: Apache-2.0
#include "collection/parts_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/checked.h"
#include "collection/writer.h"
#include "fs/archive/member_tree.h"

namespace ekshume::collection {

Result<std::unique_ptr<PartsImage>> PartsImage::Open(
    std::vector<std::unique_ptr<image::Image>> parts, std::string name,
    DiagnosticSink& diagnostics) {
  std::unique_ptr<PartsImage> image(new PartsImage(std::move(name)));
  image->parts_ = std::move(parts);
  std::vector<const image::Image*> views;
  for (const auto& part : image->parts_) views.push_back(part.get());
  image->reader_ = EKSHUME_TRY(Reader::Open(views, diagnostics));
  image->begins_.push_back(0);
  for (size_t i = 0; i < image->reader_->part_count(); ++i) {
    const auto end = CheckedAdd(image->begins_.back(), image->reader_->part(i).tar_bytes());
    if (!end) return Fail(ErrorCode::kCorrupt, image->name_ + ": its parts are too large");
    image->begins_.push_back(*end);
  }
  return image;
}

Result<void> PartsImage::ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const {
  if (!RangeFits(offset_bytes, uint64_t{out.size()}, size_bytes())) {
    return Fail(ErrorCode::kOutOfRange, name_ + ": a read past its end");
  }
  while (!out.empty()) {
    const auto after = std::ranges::upper_bound(begins_, offset_bytes);
    const auto part = static_cast<size_t>(after - begins_.begin()) - 1;
    const auto count = static_cast<size_t>(std::min<uint64_t>(out.size(), *after - offset_bytes));
    EKSHUME_TRY(reader_->part(part).ReadAt(offset_bytes - begins_[part], out.first(count)));
    out = out.subspan(count);
    offset_bytes += count;
  }
  return {};
}

std::unique_ptr<fs::Filesystem> PartsImage::Tree(DiagnosticSink& diagnostics) const {
  auto tree = std::make_unique<fs::archive::MemberTree>(*this, "collection");
  const auto add = [&](const Member& member, std::string path, uint64_t length) {
    Result<void> added;
    if (member.header.is_hard_link) {
      added = tree->AddHardLink(path, member.header.link_target);
    } else {
      fs::archive::Member file{.path = std::move(path),
                               .stat = member.header.stat,
                               .link_target = member.header.link_target,
                               .xattrs = member.header.xattrs,
                               .segments = {}};
      file.stat.size_bytes = member.is_file() ? length : member.header.stat.size_bytes;
      if (member.is_file() && length > 0) {
        file.segments.push_back({0, length, begins_[member.part] + member.data_offset});
      }
      added = tree->Add(std::move(file));
    }
    if (!added) {
      const bool full = added.error().code == ErrorCode::kLimit;
      diagnostics.Report(
          full ? DiagnosticCode::kCollectionLimit : DiagnosticCode::kCollectionDamaged, name_,
          added.error().message);
    }
  };
  std::set<std::string, std::less<>> tables;
  for (const Member* member : reader_->Counting()) {
    std::string table = Reader::TableOf(member->path());
    if (table.empty()) {
      add(*member, member->path(), member->size_bytes);
    } else if (tables.insert(table).second) {
      int piece = 0;
      for (const Member* part : reader_->TablePieces(table)) {
        add(*part, TablePieceName(table, ++piece), reader_->WholeBytes(*part));
      }
    }
  }
  return tree;
}

}  // namespace ekshume::collection
