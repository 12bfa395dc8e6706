// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_buffer.h"
#include "base/time.h"
#include "cli/output.h"

namespace ekshume::cli {

// The name of a column. Written "path"_key it is a constant of the program that holds what JSON has
// before a value, `,"path":"`; one made on the stack for each value would cost more than to turn
// the value into text. A name known only at run time is taken as a string.
struct RowKey {
  template <size_t kSize>
  consteval RowKey(const char (&name)[kSize]) {  // NOLINT(google-explicit-constructor)
    json.Append(kBefore);
    json.Append({name, kSize - 1});
    json.Append(kAfter);
  }
  // `name` must outlive the key.
  RowKey(const std::string& name) : other(&name) {}  // NOLINT(google-explicit-constructor)

  std::string_view name() const {
    if (other != nullptr) return *other;
    const std::string_view text = json.view().substr(kBefore.size());
    return text.substr(0, text.size() - kAfter.size());
  }

  static constexpr std::string_view kBefore = ",\"";
  static constexpr std::string_view kAfter = "\":\"";

  ShortText json;  // with the quote that opens a text; empty when there is `other`
  const std::string* other = nullptr;
};

template <RowKey kKey>
consteval const RowKey& operator""_key() {
  return kKey;
}

// Formats rows of named values as JSON lines, a JSON array, CSV or a table for people. Every row of
// one listing has the same keys in the same order. RowFormatter turns values into text and may run
// on any thread, one thread per object; RowWriter puts the pieces in order into an Output.
//
//   formatter.Begin(); formatter.Text("path"_key, path); formatter.Integer("size"_key, 12);
//   formatter.End();
class RowFormatter {
 public:
  explicit RowFormatter(OutputFormat format)
      : format_(format),
        json_(format == OutputFormat::kJson || format == OutputFormat::kJsonLines) {}

  void Begin();
  void Text(const RowKey& key, std::string_view value);
  // Text that no format needs to escape: letters and digits.
  void Plain(const RowKey& key, std::string_view value);
  // A name from evidence: like Text, and when it is not UTF-8 JSON gets "<key>_hex" beside it.
  void Bytes(const RowKey& key, std::string_view value);
  void Integer(const RowKey& key, int64_t value);
  void Unsigned(const RowKey& key, uint64_t value);
  void Boolean(const RowKey& key, bool value);
  void Time(const RowKey& key, const std::optional<Timestamp>& value);
  void Null(const RowKey& key);
  // `json` is a valid JSON text (an array, an object); CSV and tables show it as it is.
  void Json(const RowKey& key, std::string_view json);
  void End();

  // The rows formatted since the last call.
  TextBuffer Take() { return std::move(text_); }
  // CSV and table: the keys of the first row. Empty for JSON.
  const std::vector<std::string>& keys() const { return keys_; }

 private:
  enum class Quotes : uint8_t { kNone, kJson };
  // What stands before and after each value.
  void BeginValue(const RowKey& key, Quotes quotes);
  void BeginOther(std::string_view name, Quotes quotes);
  void EndValue(Quotes quotes);
  void BeginCell(std::string_view name);
  // A whole value that CSV and tables may have to escape.
  void Cell(std::string_view name, std::string_view value);

  // Cells of one table row lie between these; escaped cells hold neither.
  static constexpr char kCellEnd = '\x1f';
  static constexpr char kRowEnd = '\x1e';
  friend class RowWriter;

  const OutputFormat format_;
  const bool json_;  // one of the two JSON formats
  TextBuffer text_;
  std::vector<std::string> keys_;
  size_t row_start_ = 0;
  bool first_in_row_ = true;  // CSV and table
  bool first_row_ = true;
};

// Writes formatted rows to an Output with what must stand around and between them.
class RowWriter {
 public:
  RowWriter(OutputFormat format, Output& output) : format_(format), output_(output) {}

  // Rows as RowFormatter::Take() gave them.
  void Write(const TextBuffer& rows, const std::vector<std::string>& keys);
  // Ends the listing (closing bracket, the last lines of a table). Once.
  void Finish();

 private:
  void WriteTableRows();

  const OutputFormat format_;
  Output& output_;
  bool any_ = false;
  std::vector<std::string> keys_;
  // Tables: cells of the rows that wait until column widths are known (the first
  // kRowsMeasured); later rows use those widths.
  std::vector<std::vector<std::string>> pending_;
  std::vector<size_t> widths_;
};

}  // namespace ekshume::cli
