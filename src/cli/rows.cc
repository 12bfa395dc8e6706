// SPDX-License-Identifier: Apache-2.0
#include "cli/rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/text.h"

namespace ekshume::cli {
namespace {

// A table's columns get their widths from this many rows; then rows stream.
constexpr size_t kRowsMeasured = 500;
constexpr size_t kWidestColumn = 60;
// Room for the rows of one batch.
constexpr size_t kTextBytes = size_t{64} << 10;

// Columns on a terminal: code points, which is right for nearly all names.
size_t DisplayWidth(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
}

}  // namespace

void RowFormatter::Begin() {
  // Below malloc's threshold for mapping memory anew, which would cost a page fault per 4 KiB.
  if (text_.empty()) text_.Reserve(kTextBytes);
  row_start_ = text_.size();
  first_in_row_ = true;
}

inline void RowFormatter::BeginValue(const RowKey& key, Quotes quotes) {
  if (!json_ || key.other != nullptr) return BeginOther(key.name(), quotes);
  text_.Append(key.json, quotes == Quotes::kJson ? 0 : 1);
}

void RowFormatter::BeginOther(std::string_view name, Quotes quotes) {
  if (!json_) return BeginCell(name);
  text_.Append("," + JsonString(name) + ":");
  if (quotes == Quotes::kJson) text_.Append('"');
}

inline void RowFormatter::EndValue(Quotes quotes) {
  if (json_) {
    if (quotes == Quotes::kJson) text_.Append('"');
  } else if (format_ == OutputFormat::kTable) {
    text_.Append(kCellEnd);
  }
}

void RowFormatter::BeginCell(std::string_view name) {
  if (first_row_) keys_.emplace_back(name);
  if (format_ == OutputFormat::kCsv && !first_in_row_) text_.Append(',');
  first_in_row_ = false;
}

void RowFormatter::Cell(std::string_view name, std::string_view value) {
  BeginCell(name);
  text_.Append(format_ == OutputFormat::kTable ? EscapeForTerminal(value) : CsvField(value));
  EndValue(Quotes::kNone);
}

void RowFormatter::Text(const RowKey& key, std::string_view value) {
  if (!json_) return Cell(key.name(), value);
  BeginValue(key, Quotes::kJson);
  text_.AppendJsonEscaped(value);
  EndValue(Quotes::kJson);
}

void RowFormatter::Bytes(const RowKey& key, std::string_view value) {
  if (!json_) return Cell(key.name(), value);
  BeginValue(key, Quotes::kJson);
  const bool is_utf8 = text_.AppendJsonEscaped(value);
  EndValue(Quotes::kJson);
  if (!is_utf8) Text(fmt::format("{}_hex", key.name()), ToHex(ByteView::Of(value)));
}

void RowFormatter::Plain(const RowKey& key, std::string_view value) {
  BeginValue(key, Quotes::kJson);
  text_.Append(value);
  EndValue(Quotes::kJson);
}

void RowFormatter::Integer(const RowKey& key, int64_t value) {
  BeginValue(key, Quotes::kNone);
  text_.AppendDecimal(value);
  EndValue(Quotes::kNone);
}

void RowFormatter::Unsigned(const RowKey& key, uint64_t value) {
  BeginValue(key, Quotes::kNone);
  text_.AppendDecimal(value);
  EndValue(Quotes::kNone);
}

void RowFormatter::Boolean(const RowKey& key, bool value) {
  BeginValue(key, Quotes::kNone);
  text_.Append(std::string_view(value ? "true" : "false"));
  EndValue(Quotes::kNone);
}

void RowFormatter::Time(const RowKey& key, const std::optional<Timestamp>& value) {
  if (!value) return Null(key);
  BeginValue(key, Quotes::kJson);
  text_.AppendTimestamp(*value);
  EndValue(Quotes::kJson);
}

void RowFormatter::Null(const RowKey& key) {
  BeginValue(key, Quotes::kNone);
  if (json_) text_.Append(std::string_view("null"));
  EndValue(Quotes::kNone);
}

void RowFormatter::Json(const RowKey& key, std::string_view json) {
  if (!json_) return Cell(key.name(), json);
  BeginValue(key, Quotes::kNone);
  text_.Append(json);
}

void RowFormatter::End() {
  switch (format_) {
    case OutputFormat::kJson:
    case OutputFormat::kJsonLines:
      // Every key comes with a comma before it; the first one opens the row.
      text_.Replace(row_start_, '{');
      text_.Append(std::string_view("}\n"));
      break;
    case OutputFormat::kCsv: text_.Append(std::string_view("\r\n")); break;
    case OutputFormat::kTable: text_.Append(kRowEnd); break;
  }
  first_row_ = false;
}

void RowWriter::Write(const TextBuffer& text, const std::vector<std::string>& keys) {
  std::string_view rows = text.view();
  if (rows.empty()) return;
  switch (format_) {
    case OutputFormat::kJsonLines: output_.Write(rows); break;
    case OutputFormat::kJson: {
      // Every row ends with "}\n", and no other newline is in it: escaping sees to that.
      while (!rows.empty()) {
        const size_t end = rows.find('\n');
        output_.Write(any_ ? ",\n" : "[\n");
        any_ = true;
        output_.Write(rows.substr(0, end));
        rows.remove_prefix(end + 1);
      }
      break;
    }
    case OutputFormat::kCsv:
      if (!any_) output_.Write(fmt::format("{}\r\n", fmt::join(keys, ",")));
      output_.Write(rows);
      break;
    case OutputFormat::kTable: {
      if (!any_) keys_ = keys;
      while (!rows.empty()) {
        const size_t end = rows.find(RowFormatter::kRowEnd);
        std::vector<std::string> cells;
        std::string_view row = rows.substr(0, end);
        while (!row.empty()) {
          const size_t cell_end = row.find(RowFormatter::kCellEnd);
          cells.emplace_back(row.substr(0, cell_end));
          row.remove_prefix(cell_end + 1);
        }
        pending_.push_back(std::move(cells));
        rows.remove_prefix(end + 1);
      }
      if (pending_.size() >= kRowsMeasured) WriteTableRows();
      break;
    }
  }
  any_ = true;
}

void RowWriter::WriteTableRows() {
  if (widths_.empty()) {
    for (const std::string& key : keys_) widths_.push_back(key.size());
    for (const auto& row : pending_) {
      for (size_t i = 0; i < row.size() && i < widths_.size(); ++i) {
        widths_[i] = std::max(widths_[i], std::min(DisplayWidth(row[i]), kWidestColumn));
      }
    }
    std::vector<std::string> header;
    for (const std::string& key : keys_) {
      std::string title = key;
      std::ranges::transform(title, title.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      });
      header.push_back(std::move(title));
    }
    pending_.insert(pending_.begin(), std::move(header));
  }
  for (const auto& row : pending_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 == row.size()) break;
      const size_t width = DisplayWidth(row[i]);
      if (i < widths_.size() && width < widths_[i]) line.append(widths_[i] - width, ' ');
      line += "  ";
    }
    while (line.ends_with(' ')) line.pop_back();
    output_.Write(line + "\n");
  }
  pending_.clear();
}

void RowWriter::Finish() {
  if (format_ == OutputFormat::kJson) output_.Write(any_ ? "\n]\n" : "[]\n");
  if (format_ == OutputFormat::kTable && any_) WriteTableRows();
}

}  // namespace ekshume::cli
