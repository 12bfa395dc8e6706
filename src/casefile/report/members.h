// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "casefile/json.h"
#include "casefile/report/document.h"

// The members of report.json as a report for people shows them. What is not there, or is something
// else than it should be, is empty.
namespace ekshume::casefile::report {

constexpr size_t kMaxNamed = 60;  // pods, secrets, names, addresses; report.json has all

// A member of that path as text. Numbers and booleans as JSON has them.
std::string Text(const Json& object, std::string_view path);
const Json& Part(const Json& object, const char* key);
const Json& List(const Json& object, const char* key);
std::vector<std::string> Strings(const Json& object, const char* key, size_t most = SIZE_MAX);

// The first bytes of a long text: what one cell holds.
std::string Cut(std::string text);
std::string Joined(const std::vector<std::string>& parts, std::string_view separator = ", ");
std::string Capital(std::string text);  // with a capital letter

// Says how many of a list were not shown, if any.
void More(Document& document, size_t all, size_t shown, const char* what);

}  // namespace ekshume::casefile::report
