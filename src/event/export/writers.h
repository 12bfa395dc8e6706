// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "event/export/row_writer.h"

// The parts of which row_writer.h's formats are made.
namespace ekshume::event {

std::unique_ptr<RowWriter> MakeJsonLinesWriter(std::vector<ExportColumn> columns);
std::unique_ptr<RowWriter> MakeCsvWriter(std::vector<ExportColumn> columns);
std::unique_ptr<RowWriter> MakeTimesketchWriter(std::vector<ExportColumn> columns, bool as_csv);
std::unique_ptr<RowWriter> MakeCefWriter(std::vector<ExportColumn> columns);

// True for the digits of a whole number, as JSON takes them: "-5", "0"; not "007", "1e3".
bool IsWholeNumber(std::string_view text);

// `,"name":` and the value: whole numbers of number columns as numbers, everything else as a
// string.
void AppendJsonMember(const ExportColumn& column, std::string_view value, std::string& out);

// A field without a separator: control characters as \xNN, bytes that are not UTF-8 as U+FFFD, no
// text that a spreadsheet would run. Numbers keep their sign.
void AppendCsvField(ColumnType type, std::string_view value, std::string& out);

// The place of the column of that name; nothing when there is none.
std::optional<size_t> FindExportColumn(const std::vector<ExportColumn>& columns,
                                       std::string_view name);

}  // namespace ekshume::event
