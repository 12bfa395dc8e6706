// SPDX-License-Identifier: Apache-2.0
#include "live/wire/json.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace ekshume::live::wire {

Result<Json> ParseJson(std::string_view text, std::string_view what) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return Fail(ErrorCode::kCorrupt, fmt::format("the answer to {} is no JSON object", what));
  }
  return json;
}

std::string DumpJson(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string TextOf(const Json& object, const char* name) {
  if (!object.is_object()) return "";
  const auto found = object.find(name);
  if (found == object.end()) return "";
  if (found->is_string()) return found->get<std::string>();
  return found->is_number() ? found->dump() : "";
}

int64_t IntegerOf(const Json& object, const char* name, int64_t otherwise) {
  if (!object.is_object()) return otherwise;
  const auto found = object.find(name);
  if (found == object.end()) return otherwise;
  if (found->is_number_integer()) return found->get<int64_t>();
  if (found->is_number_float()) {
    const double value = found->get<double>();
    return std::abs(value) < 9e18 ? static_cast<int64_t>(value) : otherwise;
  }
  if (!found->is_string()) return otherwise;
  const std::string& text = found->get_ref<const std::string&>();
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : otherwise;
}

const Json& ArrayOf(const Json& object, const char* name) {
  static const Json kEmpty = Json::array();
  if (!object.is_object()) return kEmpty;
  const auto found = object.find(name);
  return found != object.end() && found->is_array() ? *found : kEmpty;
}

const Json& ObjectOf(const Json& object, const char* name) {
  static const Json kEmpty = Json::object();
  if (!object.is_object()) return kEmpty;
  const auto found = object.find(name);
  return found != object.end() && found->is_object() ? *found : kEmpty;
}

}  // namespace ekshume::live::wire
