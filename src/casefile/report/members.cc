// SPDX-License-Identifier: Apache-2.0
#include "casefile/report/members.h"

#include <fmt/format.h>

#include "base/text.h"

namespace ekshume::casefile::report {
namespace {

constexpr size_t kMaxTextBytes = 700;  // of one cell

}  // namespace

std::string Text(const Json& object, std::string_view path) {
  const Json* at = &object;
  for (const std::string_view part : SplitNonEmpty(path, '.')) {
    const std::string key(part);
    if (!at->is_object() || !at->contains(key)) return {};
    at = &(*at)[key];
  }
  if (at->is_string()) return at->get<std::string>();
  if (at->is_null() || at->is_structured()) return {};
  return at->dump();
}

std::string Cut(std::string text) {
  if (text.size() <= kMaxTextBytes) return text;
  size_t end = kMaxTextBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
  return text + "...";
}

const Json& Part(const Json& object, const char* key) {
  static const Json kNone;
  return object.is_object() && object.contains(key) ? object[key] : kNone;
}

const Json& List(const Json& object, const char* key) {
  static const Json kEmpty = Json::array();
  const Json& list = Part(object, key);
  return list.is_array() ? list : kEmpty;
}

std::vector<std::string> Strings(const Json& object, const char* key, size_t most) {
  std::vector<std::string> strings;
  for (const Json& value : List(object, key)) {
    if (strings.size() >= most) break;
    if (value.is_string()) strings.push_back(value.get<std::string>());
  }
  return strings;
}

std::string Joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const std::string& part : parts) {
    if (part.empty()) continue;
    if (!text.empty()) text += separator;
    text += part;
  }
  return text;
}

std::string Capital(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] -= 'a' - 'A';
  return text;
}

void More(Document& document, size_t all, size_t shown, const char* what) {
  if (all > shown) {
    document.Paragraph(fmt::format("... and {} more {} in report.json.", all - shown, what));
  }
}

}  // namespace ekshume::casefile::report
