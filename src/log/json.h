// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <simdjson.h>

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/sixteen.h"
#include "log/format.h"

// JSON records, read on demand: members in the order in which they come, each once.
//
//   const bool whole = ForEachMember(record, [&](std::string_view key, JsonValue value) {
//     if (key == "verb") JsonText(value, event[Text::kAction]);
//   });
//   if (!whole) return Outcome::kDamaged;
//
// An object inside is read with ForEachMember(value, ...), an array with
// ForEachElement(value, ...). What is not read is skipped. Strings come out
// unescaped. Everything is valid until the thread's next record.
namespace ekshume::log {

using JsonValue = simdjson::ondemand::value;

// Text of any value: a string unescaped, a number or boolean as written, null as "", an object or
// array as its JSON. False when the JSON is broken.
bool JsonText(JsonValue value, std::string& out);
// The same without a copy; an object or array as its JSON.
bool JsonView(JsonValue value, std::string_view& out);
// The JSON of a value, as written.
bool JsonRaw(JsonValue value, std::string& out);
// A whole number, also one in a string ("443"); none for anything else.
std::optional<int64_t> JsonInteger(JsonValue value);
std::optional<bool> JsonBoolean(JsonValue value);  // also "true" and "false" in strings

// How many bytes of a string stand before its end or its first escape. `text` is inside of a record
// that simdjson has looked through: the string ends, and kRecordPadding bytes follow the record.
inline size_t PlainJsonLength(const char* text) {
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  for (size_t at = 0;; at += sizeof(__m128i)) {
    const __m128i bytes = LoadSixteen(text + at);
    const int mask = _mm_movemask_epi8(
        _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
    if (mask != 0) {
      return at + static_cast<size_t>(std::countr_zero(static_cast<unsigned int>(mask)));
    }
  }
#else
  size_t length = 0;
  while (text[length] != '"' && text[length] != '\\') ++length;
  return length;
#endif
}

// The key of a member. simdjson has made sure that the string ends; one without escapes, as nearly
// all are, is taken from where it stands.
inline bool JsonKey(simdjson::ondemand::field& field, std::string_view& key) {
  const char* text = field.key().raw();
  key = {text, PlainJsonLength(text)};
  return text[key.size()] == '"' || field.unescaped_key().get(key) == simdjson::SUCCESS;
}

// Calls `visit(std::string_view key, JsonValue value)` for each member of an object, and nothing
// for what is no object. False when the JSON is broken.
template <typename Visit>
bool ForEachMember(JsonValue value, Visit visit) {
  simdjson::ondemand::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) {
    return value.type().error() == simdjson::SUCCESS;
  }
  for (auto next : object) {
    simdjson::ondemand::field field;
    std::string_view key;
    if (std::move(next).get(field) != simdjson::SUCCESS || !JsonKey(field, key)) return false;
    JsonValue inner = field.value();
    visit(key, inner);
  }
  return true;
}

// Calls `visit(JsonValue)` for each element of an array, and once for what is no array, unless it
// is null.
template <typename Visit>
bool ForEachElement(JsonValue value, Visit visit) {
  simdjson::ondemand::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) {
    simdjson::ondemand::json_type type;
    if (value.type().get(type) != simdjson::SUCCESS) return false;
    if (type != simdjson::ondemand::json_type::null) visit(value);
    return true;
  }
  for (auto element : array) {
    JsonValue inner;
    if (element.get(inner) != simdjson::SUCCESS) return false;
    visit(inner);
  }
  return true;
}

// Reads the members of a record that is one JSON object. False when it is broken; what was visited
// before stays visited. `visit(std::string_view key, JsonValue value)`.
simdjson::ondemand::parser& ThreadJsonParser();
template <typename Visit>
bool ForEachMember(const Record& record, Visit visit) {
  simdjson::ondemand::document document;
  if (ThreadJsonParser()
          .iterate(record.bytes.data(), record.bytes.size(), record.bytes.size() + kRecordPadding)
          .get(document) != simdjson::SUCCESS) {
    return false;
  }
  simdjson::ondemand::object object;
  if (document.get_object().get(object) != simdjson::SUCCESS) return false;
  for (auto next : object) {
    simdjson::ondemand::field field;
    std::string_view key;
    if (std::move(next).get(field) != simdjson::SUCCESS || !JsonKey(field, key)) return false;
    JsonValue value = field.value();
    visit(key, value);
  }
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS;  // nothing follows
}

// Makes valid JSON of a record that was cut off ("[Truncated...]" goes too): closes the open string
// and brackets, gives a member without a value null. Bytes that are not UTF-8 become U+FFFD.
// Nothing when it is not JSON cut short but broken in the middle.
std::optional<std::string> MendJson(std::string_view record);

// Whether `"key"` stands in the first `within` bytes followed by a colon: how formats sniff.
bool HasKey(std::string_view record, std::string_view key, size_t within = 4096);

}  // namespace ekshume::log
