// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "event/export/writers.h"

namespace ekshume::event {
namespace {

// Line ends and tabs are data; other control characters would act on the terminal that shows the
// file, and a NUL ends it for many programs.
bool IsControl(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7F;
}

// What is safe to write, as UTF-8.
std::string Cleaned(std::string_view value) {
  std::string out;
  for (size_t i = 0; i < value.size();) {
    if (IsControl(value[i])) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(value[i]));
      ++i;
      continue;
    }
    size_t length = 1;
    while (length <= 4 && i + length <= value.size() && !IsUtf8(value.substr(i, length))) ++length;
    if (length > 4 || i + length > value.size()) {
      out += "\xEF\xBF\xBD";
      ++i;
    } else {
      out += value.substr(i, length);
      i += length;
    }
  }
  return out;
}

class CsvWriter final : public RowWriter {
 public:
  explicit CsvWriter(std::vector<ExportColumn> columns) : columns_(std::move(columns)) {}

  void AppendHeader(std::string& out) const override {
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) out += ',';
      AppendCsvField(ColumnType::kText, columns_[i].name, out);
    }
    out += "\r\n";
  }

  void AppendRow(ExportRow row, std::string& out) const override {
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) out += ',';
      if (row[i]) AppendCsvField(columns_[i].type, *row[i], out);
    }
    out += "\r\n";
  }

 private:
  const std::vector<ExportColumn> columns_;
};

}  // namespace

void AppendCsvField(ColumnType type, std::string_view value, std::string& out) {
  if (type == ColumnType::kNumber && IsWholeNumber(value)) {
    out += value;
  } else if (IsUtf8(value) && std::ranges::none_of(value, IsControl)) {
    out += CsvField(value);
  } else {
    out += CsvField(Cleaned(value));
  }
}

std::unique_ptr<RowWriter> MakeCsvWriter(std::vector<ExportColumn> columns) {
  return std::make_unique<CsvWriter>(std::move(columns));
}

}  // namespace ekshume::event
