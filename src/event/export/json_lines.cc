// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "event/export/writers.h"

namespace ekshume::event {
namespace {

class JsonLinesWriter final : public RowWriter {
 public:
  explicit JsonLinesWriter(std::vector<ExportColumn> columns) : columns_(std::move(columns)) {}

  void AppendHeader(std::string&) const override {}

  void AppendRow(ExportRow row, std::string& out) const override {
    const size_t begin = out.size();
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (row[i]) AppendJsonMember(columns_[i], *row[i], out);
    }
    // The first member's comma becomes the brace.
    if (out.size() == begin) out += '{';
    out[begin] = '{';
    out += "}\n";
  }

 private:
  const std::vector<ExportColumn> columns_;
};

}  // namespace

void AppendJsonMember(const ExportColumn& column, std::string_view value, std::string& out) {
  out += ",\"";
  AppendJsonEscaped(out, column.name);
  out += "\":";
  if (column.type == ColumnType::kNumber && IsWholeNumber(value)) {
    out += value;
    return;
  }
  out += '"';
  AppendJsonEscaped(out, value);
  out += '"';
}

std::unique_ptr<RowWriter> MakeJsonLinesWriter(std::vector<ExportColumn> columns) {
  return std::make_unique<JsonLinesWriter>(std::move(columns));
}

}  // namespace ekshume::event
