// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "base/time.h"
#include "cli/output.h"

namespace ekshume::cli {

// Formats rows of named values as JSON lines, a JSON array, CSV or a table for people. Every row of
// one listing has the same keys in the same order. RowFormatter turns values into text and may run
// on any thread, one thread per object; RowWriter puts the pieces in order into an Output.
//
//   formatter.Begin(); formatter.Text("path", path); formatter.Integer("size", 12);
//   formatter.End();
class RowFormatter {
 public:
  explicit RowFormatter(OutputFormat format) : format_(format) {}

  void Begin();
  void Text(std::string_view key, std::string_view value);
  // A name from evidence: like Text, and when it is not UTF-8 JSON gets "<key>_hex" beside it.
  void Bytes(std::string_view key, std::string_view value);
  void Integer(std::string_view key, int64_t value);
  void Unsigned(std::string_view key, uint64_t value);
  void Boolean(std::string_view key, bool value);
  void Time(std::string_view key, const std::optional<Timestamp>& value);
  void Null(std::string_view key);
  // `json` is a valid JSON text (an array, an object); CSV and tables show it as it is.
  void Json(std::string_view key, std::string_view json);
  void End();

  // The rows formatted since the last call.
  std::string Take() { return std::exchange(text_, {}); }
  // CSV and table: the keys of the first row. Empty for JSON.
  const std::vector<std::string>& keys() const { return keys_; }

 private:
  void Key(std::string_view key);
  void Cell(std::string_view plain);

  const OutputFormat format_;
  std::string text_;
  std::vector<std::string> keys_;
  bool first_in_row_ = true;
  bool first_row_ = true;
};

// Writes formatted rows to an Output with what must stand around and between them.
class RowWriter {
 public:
  RowWriter(OutputFormat format, Output& output) : format_(format), output_(output) {}

  // Rows as RowFormatter::Take() gave them.
  void Write(std::string_view rows, const std::vector<std::string>& keys);
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
