// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace ekshume::collect {

// One JSON object on one line, put together key by key: docs/formats/collection.md, "JSON". Bytes
// that are not UTF-8 get a KEY_hex beside the text. Keys are literals without anything to escape.
class JsonLine {
 public:
  void Text(std::string_view key, std::string_view bytes);
  // null when there is none.
  void TextIfKnown(std::string_view key, const std::optional<std::string>& bytes);
  // null when it is empty.
  void TextOrNull(std::string_view key, std::string_view bytes);
  void List(std::string_view key, const std::vector<std::string>& elements);
  template <std::integral T>
  void Number(std::string_view key, T value) {
    Raw(key, std::to_string(value));
  }
  template <std::integral T>
  void Numbers(std::string_view key, const std::vector<T>& values) {
    std::string list = "[";
    for (const T value : values) {
      if (list.size() > 1) list.push_back(',');
      list.append(std::to_string(value));
    }
    list.push_back(']');
    Raw(key, list);
  }
  void Bool(std::string_view key, bool value) { Raw(key, value ? "true" : "false"); }
  void Null(std::string_view key) { Raw(key, "null"); }
  void Time(std::string_view key, Timestamp time);
  // `json` is JSON already.
  void Raw(std::string_view key, std::string_view json);

  // The object; nothing may be added afterwards.
  std::string Take();

 private:
  std::string text_ = "{";
};

}  // namespace ekshume::collect
