// SPDX-License-Identifier: Apache-2.0
#include "event/export/row_writer.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "event/export/writers.h"

namespace ekshume::event {
namespace {

constexpr std::array<std::string_view, 5> kNames = {"cef", "csv", "jsonl", "timesketch",
                                                    "timesketch-csv"};
constexpr std::array<ExportFormat, 5> kFormats = {
    ExportFormat::kCef, ExportFormat::kCsv, ExportFormat::kJsonLines,
    ExportFormat::kTimesketchJsonLines, ExportFormat::kTimesketchCsv};

}  // namespace

std::unique_ptr<RowWriter> MakeRowWriter(ExportFormat format, std::vector<ExportColumn> columns) {
  switch (format) {
    case ExportFormat::kJsonLines: return MakeJsonLinesWriter(std::move(columns));
    case ExportFormat::kCsv: return MakeCsvWriter(std::move(columns));
    case ExportFormat::kTimesketchJsonLines: return MakeTimesketchWriter(std::move(columns), false);
    case ExportFormat::kTimesketchCsv: return MakeTimesketchWriter(std::move(columns), true);
    case ExportFormat::kCef: return MakeCefWriter(std::move(columns));
  }
  EKSHUME_CHECK(!"no such format");
  return nullptr;
}

std::optional<ExportFormat> ParseExportFormat(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return kFormats.at(static_cast<size_t>(found - kNames.begin()));
}

std::span<const std::string_view> ExportFormatNames() { return kNames; }

std::optional<size_t> FindExportColumn(const std::vector<ExportColumn>& columns,
                                       std::string_view name) {
  const auto found = std::ranges::find(columns, name, &ExportColumn::name);
  if (found == columns.end()) return std::nullopt;
  return static_cast<size_t>(found - columns.begin());
}

bool IsWholeNumber(std::string_view text) {
  std::string_view digits = text;
  if (digits.starts_with('-')) digits.remove_prefix(1);
  if (digits.empty() || (digits.size() > 1 && digits.front() == '0')) return false;
  return std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace ekshume::event
