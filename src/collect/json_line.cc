// SPDX-License-Identifier: Apache-2.0
#include "collect/json_line.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/text.h"

namespace ekshume::collect {
namespace {

std::string HexKey(std::string_view key) {
  std::string name(key);
  name.append("_hex");
  return name;
}

}  // namespace

void JsonLine::Raw(std::string_view key, std::string_view json) {
  if (text_.size() > 1) text_.push_back(',');
  text_.push_back('"');
  text_.append(key);
  text_.append("\":");
  text_.append(json);
}

void JsonLine::Text(std::string_view key, std::string_view bytes) {
  Raw(key, JsonString(bytes));
  if (!IsUtf8(bytes)) Raw(HexKey(key), JsonString(ToHex(ByteView::Of(bytes))));
}

void JsonLine::TextIfKnown(std::string_view key, const std::optional<std::string>& bytes) {
  if (bytes) {
    Text(key, std::string_view(*bytes));
  } else {
    Null(key);
  }
}

void JsonLine::TextOrNull(std::string_view key, std::string_view bytes) {
  if (bytes.empty()) {
    Null(key);
  } else {
    Text(key, bytes);
  }
}

void JsonLine::List(std::string_view key, const std::vector<std::string>& elements) {
  std::string list = "[";
  std::string hex = "[";
  bool all_text = true;
  for (const std::string& element : elements) {
    if (list.size() > 1) {
      list.push_back(',');
      hex.push_back(',');
    }
    list.append(JsonString(element));
    const bool is_text = IsUtf8(element);
    hex.append(is_text ? "null" : JsonString(ToHex(ByteView::Of(element))));
    all_text = all_text && is_text;
  }
  list.push_back(']');
  hex.push_back(']');
  Raw(key, list);
  if (!all_text) Raw(HexKey(key), hex);
}

void JsonLine::Time(std::string_view key, Timestamp time) {
  Raw(key, JsonString(FormatTimestamp(time)));
}

std::string JsonLine::Take() {
  text_.push_back('}');
  return std::move(text_);
}

}  // namespace ekshume::collect
