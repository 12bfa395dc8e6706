// SPDX-License-Identifier: Apache-2.0
#include "runtime/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "base/limits.h"

namespace ekshume::runtime {
namespace {

// The deepest nesting of flow collections. Quoted brackets count too, which only makes it stricter.
// For block collections the library has a guard of its own (depthguard.h) that throws.
int NestingDepth(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  for (const char c : text) {
    if (c == '[' || c == '{') deepest = std::max(deepest, ++depth);
    if ((c == ']' || c == '}') && depth > 0) --depth;
  }
  return deepest;
}

// NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxDocumentDepth
Result<Json> Convert(const YAML::Node& node, int depth, size_t& node_count) {
  if (depth > limits::kMaxDocumentDepth) return Fail(ErrorCode::kLimit, "kMaxDocumentDepth");
  if (++node_count > limits::kMaxYamlNodes) return Fail(ErrorCode::kLimit, "kMaxYamlNodes");
  if (node.IsScalar()) return Json(node.Scalar());
  if (node.IsSequence()) {
    Json array = Json::array();
    for (const YAML::Node& item : node) {
      array.push_back(EKSHUME_TRY(Convert(item, depth + 1, node_count)));
    }
    return array;
  }
  if (node.IsMap()) {
    Json object = Json::object();
    for (const auto& member : node) {
      if (!member.first.IsScalar()) continue;
      object[member.first.Scalar()] = EKSHUME_TRY(Convert(member.second, depth + 1, node_count));
    }
    return object;
  }
  return Json();
}

}  // namespace

Result<Json> ParseYaml(std::string_view text) {
  if (text.size() > limits::kMaxYamlBytes) {
    return Fail(ErrorCode::kLimit, fmt::format("a document of {} bytes (kMaxYamlBytes is {})",
                                               text.size(), limits::kMaxYamlBytes));
  }
  if (NestingDepth(text) > limits::kMaxDocumentDepth) {
    return Fail(ErrorCode::kLimit, "a document nested too deeply (kMaxDocumentDepth)");
  }
  size_t node_count = 0;
  try {
    return Convert(YAML::Load(std::string(text)), 0, node_count);
  } catch (const std::exception& error) {  // the library throws at any damage
    return Fail(ErrorCode::kCorrupt, fmt::format("not YAML: {}", error.what()));
  }
}

}  // namespace ekshume::runtime
