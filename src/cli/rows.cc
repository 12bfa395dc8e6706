// SPDX-License-Identifier: Apache-2.0
#include "cli/rows.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"

namespace ekshume::cli {
namespace {

// A table's columns get their widths from this many rows; then rows stream.
constexpr size_t kRowsMeasured = 500;
// Cells of one table row lie between these in RowFormatter's text; escaped cells hold neither.
constexpr char kCellEnd = '\x1f';
constexpr char kRowEnd = '\x1e';
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
  if (text_.empty()) text_.reserve(kTextBytes);
  first_in_row_ = true;
  if (format_ == OutputFormat::kJson || format_ == OutputFormat::kJsonLines) text_.push_back('{');
}

void RowFormatter::Key(std::string_view key) {
  const bool json = format_ == OutputFormat::kJson || format_ == OutputFormat::kJsonLines;
  if (json) {
    // One growth instead of three: this is done a dozen times for every row.
    const size_t start = text_.size();
    const size_t comma = first_in_row_ ? 0 : 1;
    text_.resize(start + comma + key.size() + 3, ',');
    text_[start + comma] = '"';
    key.copy(&text_[start + comma + 1], key.size());
    text_[text_.size() - 2] = '"';
    text_[text_.size() - 1] = ':';
  } else {
    if (first_row_) keys_.emplace_back(key);
    if (format_ == OutputFormat::kCsv && !first_in_row_) text_.push_back(',');
  }
  first_in_row_ = false;
}

void RowFormatter::Cell(std::string_view plain) {
  if (format_ == OutputFormat::kTable) {
    text_.append(EscapeForTerminal(plain));
    text_.push_back(kCellEnd);
  } else {
    text_.append(CsvField(plain));
  }
}

void RowFormatter::Text(std::string_view key, std::string_view value) {
  Key(key);
  if (format_ == OutputFormat::kTable || format_ == OutputFormat::kCsv) return Cell(value);
  text_.push_back('"');
  AppendJsonEscaped(text_, value);
  text_.push_back('"');
}

void RowFormatter::Bytes(std::string_view key, std::string_view value) {
  Text(key, value);
  const bool json = format_ == OutputFormat::kJson || format_ == OutputFormat::kJsonLines;
  if (json && !IsUtf8(value)) {
    Text(fmt::format("{}_hex", key), ToHex(ByteView::Of(value)));
  }
}

void RowFormatter::Integer(std::string_view key, int64_t value) {
  Key(key);
  fmt::format_to(std::back_inserter(text_), FMT_COMPILE("{}"), value);
  if (format_ == OutputFormat::kTable) text_.push_back(kCellEnd);
}

void RowFormatter::Unsigned(std::string_view key, uint64_t value) {
  Key(key);
  fmt::format_to(std::back_inserter(text_), FMT_COMPILE("{}"), value);
  if (format_ == OutputFormat::kTable) text_.push_back(kCellEnd);
}

void RowFormatter::Boolean(std::string_view key, bool value) {
  Key(key);
  text_.append(value ? "true" : "false");
  if (format_ == OutputFormat::kTable) text_.push_back(kCellEnd);
}

void RowFormatter::Time(std::string_view key, const std::optional<Timestamp>& value) {
  if (!value) return Null(key);
  Key(key);
  std::array<char, 56> buffer;
  const size_t length = FormatTimestampTo(*value, &buffer[1]);
  const bool json = format_ == OutputFormat::kJson || format_ == OutputFormat::kJsonLines;
  buffer[0] = '"';
  buffer[length + 1] = '"';
  text_.append(&buffer[json ? 0 : 1], length + (json ? 2 : 0));
  if (format_ == OutputFormat::kTable) text_.push_back(kCellEnd);
}

void RowFormatter::Null(std::string_view key) {
  Key(key);
  if (format_ == OutputFormat::kTable) {
    text_.push_back(kCellEnd);
  } else if (format_ != OutputFormat::kCsv) {
    text_.append("null");
  }
}

void RowFormatter::Json(std::string_view key, std::string_view json) {
  Key(key);
  if (format_ == OutputFormat::kTable || format_ == OutputFormat::kCsv) return Cell(json);
  text_.append(json);
}

void RowFormatter::End() {
  switch (format_) {
    case OutputFormat::kJson:
    case OutputFormat::kJsonLines: text_.append("}\n"); break;
    case OutputFormat::kCsv: text_.append("\r\n"); break;
    case OutputFormat::kTable: text_.push_back(kRowEnd); break;
  }
  first_row_ = false;
}

void RowWriter::Write(std::string_view rows, const std::vector<std::string>& keys) {
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
        const size_t end = rows.find(kRowEnd);
        std::vector<std::string> cells;
        std::string_view row = rows.substr(0, end);
        while (!row.empty()) {
          const size_t cell_end = row.find(kCellEnd);
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
