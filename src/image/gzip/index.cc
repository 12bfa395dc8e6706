// SPDX-License-Identifier: Apache-2.0
#include "image/gzip/index.h"

#include <algorithm>

#include "base/limits.h"
#include "image/gzip/format.h"
#include "image/gzip/inflater.h"

namespace ekshume::image::gzip {
namespace {

TablePoint ToTable(const Point& point) {
  return {le64::Of(point.content_offset),
          le64::Of(point.file_offset),
          le64::Of(point.window_offset),
          le32::Of(point.window_stored_bytes),
          le32::Of(point.window_crc32c),
          static_cast<unsigned char>(point.bits),
          static_cast<unsigned char>(point.at_member)};
}

// Checked against the one before it: what a point claims decides what is allocated to decode it.
Result<Point> FromTable(const TablePoint& table, const Index& index) {
  Point point;
  point.content_offset = table.content_offset.value();
  point.file_offset = table.file_offset.value();
  point.window_offset = table.window_offset.value();
  point.window_stored_bytes = table.window_stored_bytes.value();
  point.window_crc32c = table.window_crc32c.value();
  point.bits = table.bits;
  point.at_member = table.start != 0;
  const uint64_t least = index.points.empty() ? 0 : index.points.back().content_offset;
  const bool ordered = point.content_offset >= least && point.content_offset <= index.size_bytes &&
                       point.content_offset - least <= limits::kMaxGzipSpanBytes &&
                       (!index.points.empty() || point.content_offset == 0);
  if (!ordered || point.bits > 7 || (point.bits > 0 && point.file_offset == 0) ||
      point.window_stored_bytes > 2 * kWindowBytes) {
    return Fail(ErrorCode::kCorrupt, "gzip: the index contradicts itself");
  }
  return point;
}

}  // namespace

std::string EncodeIndex(const Index& index) {
  std::string table;
  TableHeader header{};
  std::ranges::copy(kTableMagic, header.magic.begin());
  header.size_bytes = le64::Of(index.size_bytes);
  header.point_count = le64::Of(index.points.size());
  header.zero_run_count = le64::Of(index.zero_runs.size());
  header.damage_length = le64::Of(index.damage.size());
  header.damage_offset = le64::Of(index.damage_offset);
  table += AsBytes(header).AsText();
  for (const Point& point : index.points) table += AsBytes(ToTable(point)).AsText();
  for (const ZeroRun& run : index.zero_runs) {
    table += AsBytes(TableZeroRun{le64::Of(run.offset_bytes), le64::Of(run.length)}).AsText();
  }
  table += index.damage;
  return table;
}

Result<Index> DecodeIndex(ByteView table) {
  const auto header = EKSHUME_TRY(table.Read<TableHeader>(0));
  const uint64_t point_count = header.point_count.value();
  const uint64_t zero_run_count = header.zero_run_count.value();
  if (!table.AsText().starts_with(kTableMagic) || point_count > limits::kMaxGzipPoints ||
      point_count == 0 || zero_run_count > limits::kMaxZeroRuns) {
    return Fail(ErrorCode::kCorrupt, "gzip: this is no index");
  }
  Index index;
  index.size_bytes = header.size_bytes.value();
  index.damage_offset = header.damage_offset.value();
  ByteView rest = table.From(sizeof(TableHeader));
  EKSHUME_TRY(rest.Sub(0, point_count * sizeof(TablePoint)));  // before the allocation
  index.points.reserve(point_count);
  for (uint64_t i = 0; i < point_count; ++i) {
    const auto point = EKSHUME_TRY(rest.Read<TablePoint>(i * sizeof(TablePoint)));
    index.points.push_back(EKSHUME_TRY(FromTable(point, index)));
  }
  if (index.size_bytes - index.points.back().content_offset > limits::kMaxGzipSpanBytes) {
    return Fail(ErrorCode::kCorrupt, "gzip: the index contradicts itself");
  }
  rest = rest.From(point_count * sizeof(TablePoint));
  for (uint64_t i = 0; i < zero_run_count; ++i) {
    const auto run = EKSHUME_TRY(rest.Read<TableZeroRun>(i * sizeof(TableZeroRun)));
    index.zero_runs.push_back({run.offset_bytes.value(), run.length.value()});
  }
  rest = rest.From(zero_run_count * sizeof(TableZeroRun));
  index.damage = EKSHUME_TRY(rest.Sub(0, header.damage_length.value())).AsText();
  return index;
}

}  // namespace ekshume::image::gzip
