// SPDX-License-Identifier: Apache-2.0
#include "process/json_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/byte_view.h"
#include "base/hex.h"
#include "base/limits.h"
#include "collection/line_cutter.h"
#include "fs/path.h"

namespace ekshume::process {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;
// A table has no more pieces than that, whatever it is of.
constexpr int kMaxPieces = 1000000;

}  // namespace

bool VisitLines(const Source& source, const std::string& path, DiagnosticSink& diagnostics,
                const std::function<void(std::string_view line)>& visit) {
  const auto node = fs::ResolvePath(source.tree, path);
  if (!node) return false;
  const auto file = source.tree.OpenFile(*node);
  if (!file) {
    diagnostics.Report(DiagnosticCode::kCollectionDamaged, source.name,
                       fmt::format("{}: {}", path, file.error().message));
    return true;
  }
  const auto limited = [&](std::string_view what) {
    diagnostics.Report(DiagnosticCode::kCollectionLimit, source.name,
                       fmt::format("{}: {}", path, what));
  };
  collection::LineCutter cutter(limits::kMaxRecordBytes);
  std::string text(kReadBytes, '\0');
  uint64_t offset = 0;
  while (true) {
    if (offset >= limits::kMaxCollectionTableBytes) {
      limited("its rest (kMaxCollectionTableBytes)");
      break;
    }
    const auto count = (*file)->ReadAt(offset, AsWritableBytes(text));
    if (!count) {
      diagnostics.Report(DiagnosticCode::kCollectionDamaged, source.name,
                         fmt::format("{}: {}", path, count.error().message), offset);
    }
    if (!count || *count == 0) {
      cutter.Finish(visit);
      break;
    }
    offset += *count;
    cutter.Feed(std::string_view(text).substr(0, *count), visit);
  }
  if (cutter.left_out() > 0) {
    limited(fmt::format("{} lines (kMaxRecordBytes)", cutter.left_out()));
  }
  return true;
}

bool VisitTable(const Source& source, const std::string& path, DiagnosticSink& diagnostics,
                const std::function<void(const Json& row)>& visit) {
  bool any = false;
  const size_t dot = path.rfind('.');
  for (int piece = 1; piece <= kMaxPieces; ++piece) {
    const std::string name =
        piece == 1 ? path : fmt::format("{}.{}{}", path.substr(0, dot), piece, path.substr(dot));
    uint64_t number = 0;
    const bool there = VisitLines(source, name, diagnostics, [&](std::string_view line) {
      ++number;
      if (line.empty()) return;
      const Result<Json> row = runtime::ParseJson(line);
      if (row && row->is_object()) {
        visit(*row);
        return;
      }
      diagnostics.Report(DiagnosticCode::kCollectionDamaged, source.name,
                         fmt::format("{}: line {} is no JSON object", name, number));
    });
    // Of a continued collection the first pieces may be in another part.
    if (!there && piece > 1) return any;
    any |= there;
  }
  return any;
}

std::string BytesOf(const Json& row, std::string_view key) {
  const std::string hex = runtime::Text(runtime::Member(row, fmt::format("{}_hex", key)));
  if (!hex.empty()) {
    if (auto bytes = FromHex(hex)) return *std::move(bytes);
  }
  return runtime::Text(runtime::Member(row, key));
}

std::vector<std::string> BytesList(const Json& row, std::string_view key) {
  std::vector<std::string> texts;
  const Json& list = runtime::Member(row, key);
  if (!list.is_array()) return texts;
  const Json& hex = runtime::Member(row, fmt::format("{}_hex", key));
  for (size_t i = 0; i < list.size() && i < limits::kMaxArguments; ++i) {
    std::string text = runtime::Text(list[i]);
    if (hex.is_array() && i < hex.size() && hex[i].is_string()) {
      if (auto bytes = FromHex(runtime::Text(hex[i]))) text = *std::move(bytes);
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

std::optional<uint64_t> Hexadecimal(std::string_view text) {
  uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

uint64_t Unsigned(const Json& value) {
  return value.is_number_unsigned() ? value.get<uint64_t>() : 0;
}

}  // namespace ekshume::process
