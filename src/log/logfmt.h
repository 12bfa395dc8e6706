// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

// Lines of key=value as Go's loggers write them (logrus TextFormatter, log/slog TextHandler):
// values that need it in double quotes with Go's escapes (strconv.Quote), empty ones bare.
namespace ekshume::log {

// Takes the next field off `line`. False at the end of the line, and with `broken` set where no
// field begins or a quote is not closed; `line` then begins at what was not taken. A word without
// '=' is a key with an empty value. `value` points into `line`, or into `buffer` when it had
// escapes: valid until the next call.
bool TakeField(std::string_view& line, std::string_view& key, std::string_view& value,
               std::string& buffer, bool& broken);

// Calls `visit(key, value)` for each field. False when the line is broken; what was visited before
// stays visited.
template <typename Visit>
bool ForEachField(std::string_view line, Visit visit) {
  std::string_view key;
  std::string_view value;
  std::string buffer;
  bool broken = false;
  while (TakeField(line, key, value, buffer, broken)) visit(key, value);
  return !broken;
}

// Takes a Go string in double quotes off `text`; false when none begins there or it does not end.
// `value` as above.
bool TakeGoString(std::string_view& text, std::string_view& value, std::string& buffer);

}  // namespace ekshume::log
