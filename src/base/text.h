// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ekshume {

// Names in evidence are bytes, chosen by an attacker. These make them safe to show.

// True when `bytes` is well-formed UTF-8 (no surrogates, no overlong forms).
bool IsUtf8(std::string_view bytes);

// For terminals: control characters, bidirectional overrides, the backslash and bytes that are not
// UTF-8 become \xNN (or \u{NNNN}); everything else stays. Reversible.
std::string EscapeForTerminal(std::string_view bytes);

// Appends the inside of a JSON string: valid UTF-8 always comes out. A byte that is not UTF-8
// becomes U+FFFD; callers that must keep such bytes add a "..._hex" member beside it.
void AppendJsonEscaped(std::string& out, std::string_view bytes);
// A whole JSON string with its quotes.
std::string JsonString(std::string_view bytes);

// One CSV field (RFC 4180), quoted when needed; a field that a spreadsheet would run as a formula
// (=, +, -, @, tab, carriage return first) gets a leading apostrophe.
std::string CsvField(std::string_view bytes);

// Parts of `text` between `separator`, without empty ones.
std::vector<std::string_view> SplitNonEmpty(std::string_view text, char separator);

// "1.5 GiB", "312 B".
std::string HumanBytes(unsigned long long bytes);

}  // namespace ekshume
