// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "event/event.h"

// What readers of log formats do with the fields of records. All values are evidence: any bytes.
namespace ekshume::log {

// Adds the tag `name=value`; nothing for an empty value. Tags are words between spaces, so blanks
// and control characters of the value become '_', and a long value is cut.
void AddTag(event::Event& event, std::string_view name, std::string_view value);

// Sets what is empty.
inline void SetIfEmpty(std::string& to, std::string_view value) {
  if (to.empty()) to = value;
}

// A whole decimal number and nothing else; none when it does not fit.
std::optional<int64_t> ParseInteger(std::string_view text);

// Seconds since 1970 with or without a fraction ("1644272617", "1668816218.0"); digits past
// nanoseconds are cut. None for anything else.
std::optional<Timestamp> ParseEpochSeconds(std::string_view text);

// The Kubernetes service account "namespace/name" of the user "system:serviceaccount:ns:name";
// empty for other users.
std::string ServiceAccountOf(std::string_view user_name);

// Cuts the first word off `text` (up to a space; the spaces after it go too) and returns it.
std::string_view TakeWord(std::string_view& text);

// What follows the last `separator`; the whole text when there is none.
std::string_view AfterLast(std::string_view text, char separator);

// Appends one argument to a command line, quoted as a POSIX shell would need it.
void AppendArgument(std::string& command_line, std::string_view argument);

}  // namespace ekshume::log
