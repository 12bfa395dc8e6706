// SPDX-License-Identifier: Apache-2.0
#include "runtime/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/limits.h"

namespace ekshume::runtime {
namespace {

// How deep brackets nest, strings left out.
int NestingDepth(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

Result<Json> ParseJson(std::string_view text) {
  if (text.size() > limits::kMaxDocumentBytes) {
    return Fail(ErrorCode::kLimit, fmt::format("a document of {} bytes (kMaxDocumentBytes is {})",
                                               text.size(), limits::kMaxDocumentBytes));
  }
  if (NestingDepth(text) > limits::kMaxDocumentDepth) {
    return Fail(ErrorCode::kLimit,
                fmt::format("a document nested deeper than {} (kMaxDocumentDepth)",
                            limits::kMaxDocumentDepth));
  }
  Json document = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) {
    return Fail(ErrorCode::kCorrupt, fmt::format("{} bytes that are not JSON", text.size()));
  }
  return document;
}

const Json& Member(const Json& object, std::string_view name) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

std::string Text(const Json& value) {
  const auto* text = value.get_ptr<const std::string*>();
  return text == nullptr ? std::string() : *text;
}

bool IsTrue(const Json& value) {
  const auto* flag = value.get_ptr<const bool*>();
  return flag != nullptr && *flag;
}

std::optional<int64_t> Integer(const Json& value) {
  if (const auto* number = value.get_ptr<const Json::number_unsigned_t*>()) {
    if (*number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
    return static_cast<int64_t>(*number);
  }
  if (const auto* number = value.get_ptr<const Json::number_integer_t*>()) return *number;
  return std::nullopt;
}

std::vector<std::string> Texts(const Json& value) {
  std::vector<std::string> texts;
  if (!value.is_array()) return texts;
  for (const Json& item : value) {
    if (item.is_string()) texts.push_back(Text(item));
  }
  return texts;
}

Labels TextMembers(const Json& value) {
  Labels members;
  if (!value.is_object()) return members;
  for (const auto& [name, member] : value.items()) {
    if (member.is_string()) members[name] = Text(member);
  }
  return members;
}

std::optional<Timestamp> Time(const Json& value) {
  const auto time = ParseTimestamp(Text(value));
  constexpr int64_t kGoZeroTimeSeconds = -62135596800;  // 0001-01-01T00:00:00Z
  if (time && time->seconds == kGoZeroTimeSeconds) return std::nullopt;
  return time;
}

}  // namespace ekshume::runtime
