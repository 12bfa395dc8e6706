// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "casefile/json.h"
#include "cli/program.h"

namespace ekshume::cli {

// A column of the table for people: a title and what of the object stands in it.
struct Column {
  std::string_view title;
  std::function<std::string(const casefile::Json& object)> text;
};

// Prints objects of one kind. JSON forms print them whole; CSV prints every key; the table prints
// `columns` only.
Result<void> PrintObjects(Program& program, const std::vector<casefile::Json>& objects,
                          const std::vector<Column>& columns);

// Prints one object: JSON forms whole, the table as "key  value" lines without absent values.
Result<void> PrintObject(Program& program, const casefile::Json& object);

// The text of a member for a table: strings as they are, null as "", others as JSON. `path` may go
// into nested objects: "pod.name".
std::string Member(const casefile::Json& object, std::string_view path);

// The same with control characters escaped: what a terminal may be shown.
std::string Safe(const casefile::Json& object, std::string_view path);

// A column that shows a member as it is, or its first `limit` bytes.
Column MemberColumn(std::string_view title, std::string path, size_t limit = std::string::npos);

}  // namespace ekshume::cli
