// SPDX-License-Identifier: Apache-2.0
#include "log/k8s_object/field_paths.h"

#include <vector>

namespace ekshume::log::k8s_object {
namespace {

// The string that begins after the quote at `at`, with its escapes of one character taken off; `at`
// is then after its end. False when it does not end.
bool TakeString(std::string_view text, size_t& at, std::string& out) {
  out.clear();
  for (++at; at < text.size(); ++at) {
    if (text[at] == '"') {
      ++at;
      return true;
    }
    if (text[at] == '\\' && ++at == text.size()) break;
    out += text[at];
  }
  return false;
}

// {"name":"app"} -> app; {"containerPort":80,"protocol":"TCP"} -> 80,TCP.
std::string KeyValues(std::string_view keys) {
  std::string out;
  std::string word;
  bool is_value = false;
  for (size_t at = 0; at < keys.size();) {
    const char c = keys[at];
    if (c == '"') {
      if (!TakeString(keys, at, word)) break;
      if (is_value) out += word;
      continue;
    }
    if (c == ':') is_value = true;
    if (c == ',') {
      is_value = false;
      out += ',';
    } else if (is_value && c != ':' && c != '}' && c != ' ') {
      out += c;
    }
    ++at;
  }
  return out;
}

// How one key goes on a path; "" for ".", which is the thing itself.
std::string Step(const std::string& key) {
  const std::string_view view = key;
  if (view.starts_with("f:")) return "." + key.substr(2);
  if (view.starts_with("k:")) return "[" + KeyValues(view.substr(2)) + "]";
  if (view.starts_with("v:") || view.starts_with("i:")) return "[" + key.substr(2) + "]";
  return "";
}

}  // namespace

std::string FieldPaths(std::string_view fields_v1) {
  // One level for each open object: how long the path was before it, and whether it had members.
  struct Level {
    size_t path_bytes = 0;
    bool has_members = false;
  };
  std::vector<Level> open;
  std::string path;
  std::string key;
  std::string out;
  size_t count = 0;
  for (size_t at = 0; at < fields_v1.size();) {
    const char c = fields_v1[at];
    if (c == '"') {
      if (!TakeString(fields_v1, at, key)) break;
      continue;
    }
    ++at;
    if (c == '{') {
      if (open.size() >= kMaxFieldDepth) break;
      if (!open.empty() && key != ".") open.back().has_members = true;
      open.push_back({path.size(), false});
      path += Step(key);
    } else if (c == '}') {
      if (open.empty()) break;
      // "." beside other members says only that the thing is there; alone it is what was set.
      const bool names_one = !open.back().has_members && key != ".";
      if (names_one && !path.empty() && ++count <= kMostNamedFields) {
        if (count > 1) out += ", ";
        out += std::string_view(path).substr(path.starts_with('.') ? 1 : 0, kMaxFieldPathBytes);
      }
      path.resize(open.back().path_bytes);
      open.pop_back();
      key.clear();
    }
  }
  if (count > kMostNamedFields) out += " and " + std::to_string(count - kMostNamedFields) + " more";
  return out;
}

}  // namespace ekshume::log::k8s_object
