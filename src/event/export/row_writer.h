// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "event/event.h"

// Events, or any rows of a statement, as text for other programs. docs/export.md is the
// specification. Nothing here touches a file or a database.
namespace ekshume::event {

enum class ExportFormat : uint8_t {
  kJsonLines,            // one JSON object a line
  kCsv,                  // RFC 4180
  kTimesketchJsonLines,  // what Timesketch imports
  kTimesketchCsv,
  kCef,  // ArcSight's Common Event Format, revision 25
};

struct ExportColumn {
  std::string name;
  ColumnType type = ColumnType::kText;
};

// The values of a row in the order of the columns, null for none. Numbers are decimal digits, times
// RFC 3339 as FormatTimestamp() writes them, texts any bytes.
using ExportRow = std::span<const std::optional<std::string_view>>;

// Writes rows of the same columns. One thread at a time.
class RowWriter {
 public:
  virtual ~RowWriter() = default;
  // What stands before the first row: a line with names, or nothing.
  virtual void AppendHeader(std::string& out) const = 0;
  // One row with its line end. `row` has a value for each column.
  virtual void AppendRow(ExportRow row, std::string& out) const = 0;
};

std::unique_ptr<RowWriter> MakeRowWriter(ExportFormat format, std::vector<ExportColumn> columns);

// "jsonl", "csv", "timesketch", "timesketch-csv", "cef"; nothing for others.
std::optional<ExportFormat> ParseExportFormat(std::string_view name);
// Every such name, in alphabetical order.
std::span<const std::string_view> ExportFormatNames();

}  // namespace ekshume::event
