// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

// JSON as services answer it: members may be missing or of another kind than documented.
namespace ekshume::live::wire {

using Json = nlohmann::json;

// kCorrupt when the text is no JSON object; `what` names the call.
Result<Json> ParseJson(std::string_view text, std::string_view what);
// JSON text on one line; bytes that are not UTF-8 become U+FFFD.
std::string DumpJson(const Json& json);

// A member as text, or ""; numbers as they are written.
std::string TextOf(const Json& object, const char* name);
// A member as a whole number, also one written as a string; `otherwise` when there is none.
int64_t IntegerOf(const Json& object, const char* name, int64_t otherwise = 0);
// A member that is an array, or an empty one.
const Json& ArrayOf(const Json& object, const char* name);
// A member that is an object, or an empty one.
const Json& ObjectOf(const Json& object, const char* name);

}  // namespace ekshume::live::wire
