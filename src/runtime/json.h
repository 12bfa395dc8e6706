// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "runtime/model.h"

// JSON documents from evidence. The library's own accessors throw on a wrong type; these never do:
// what is absent or of another type is null, "", empty or nothing.
namespace ekshume::runtime {

using Json = nlohmann::json;

// Parses one document. kLimit when it is larger than limits::kMaxDocumentBytes or nested deeper
// than limits::kMaxDocumentDepth, kCorrupt when it is not JSON.
Result<Json> ParseJson(std::string_view text);

// The member of an object, or a null that lives for ever.
const Json& Member(const Json& object, std::string_view name);
// The member at the end of a path of names.
template <typename... Names>
const Json& Member(const Json& object, std::string_view name, Names... names) {
  return Member(Member(object, name), names...);
}

std::string Text(const Json& value);
bool IsTrue(const Json& value);
// Also of an unsigned number up to INT64_MAX; nothing for fractions.
std::optional<int64_t> Integer(const Json& value);
// The strings of an array.
std::vector<std::string> Texts(const Json& value);
// The string members of an object.
Labels TextMembers(const Json& value);
// An RFC 3339 string; nothing for Go's zero time (year 1), which stands for "never".
std::optional<Timestamp> Time(const Json& value);

}  // namespace ekshume::runtime
