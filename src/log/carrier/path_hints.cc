// SPDX-License-Identifier: Apache-2.0
#include "log/carrier/path_hints.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace ekshume::log {
namespace {

using event::Text;

bool IsHex(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}
bool IsContainerId(std::string_view text) { return text.size() == 64 && IsHex(text); }
bool IsAccount(std::string_view text) {
  return text.size() == 12 &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

void Fill(Stream& stream, Text column, std::string_view value) {
  if (stream.defaults[column].empty()) stream.defaults[column] = value;
}

// NAMESPACE_POD_UID: neither namespaces nor pod names hold underscores.
bool FillFromPodFolder(Stream& stream, std::string_view folder, std::string_view container) {
  const size_t first = folder.find('_');
  const size_t second = folder.rfind('_');
  if (first == std::string_view::npos || second == first) return false;
  Fill(stream, Text::kNamespace, folder.substr(0, first));
  Fill(stream, Text::kPod, folder.substr(first + 1, second - first - 1));
  Fill(stream, Text::kPodUid, folder.substr(second + 1));
  Fill(stream, Text::kContainer, container);
  return true;
}

// POD_NAMESPACE_CONTAINER-ID.log
void FillFromLink(Stream& stream, std::string_view file) {
  if (!file.ends_with(".log")) return;
  file.remove_suffix(4);
  if (file.size() < 66) return;
  const std::string_view id = file.substr(file.size() - 64);
  if (!IsContainerId(id) || file[file.size() - 65] != '-') return;
  const std::string_view names = file.substr(0, file.size() - 65);
  const size_t first = names.find('_');
  const size_t second = names.find('_', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return;
  Fill(stream, Text::kPod, names.substr(0, first));
  Fill(stream, Text::kNamespace, names.substr(first + 1, second - first - 1));
  Fill(stream, Text::kContainer, names.substr(second + 1));
  Fill(stream, Text::kContainerId, id);
}

}  // namespace

void FillFromPath(Stream& stream) {
  const std::vector<std::string_view> parts = SplitNonEmpty(stream.path, '/');
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == "pods" && i + 3 < parts.size() &&
        FillFromPodFolder(stream, parts[i + 1], parts[i + 2])) {
      break;
    }
    if (parts[i] == "containers" && i + 1 < parts.size()) {
      if (IsContainerId(parts[i + 1])) {
        Fill(stream, Text::kContainerId, parts[i + 1]);
      } else {
        FillFromLink(stream, parts[i + 1]);
      }
    }
    if (parts[i] == "AWSLogs" && i + 3 < parts.size()) {
      const size_t account = parts[i + 1].starts_with("o-") ? i + 2 : i + 1;
      if (IsAccount(parts[account]) && account + 2 < parts.size()) {
        Fill(stream, Text::kAccountId, parts[account]);
        if (std::ranges::count(parts[account + 2], '-') >= 2) {
          Fill(stream, Text::kRegion, parts[account + 2]);
        }
      }
    }
  }
  for (const std::string_view prefix : {"/aws/eks/", "/aws/containerinsights/"}) {
    if (!stream.log_group.starts_with(prefix)) continue;
    const std::string_view rest = std::string_view(stream.log_group).substr(prefix.size());
    Fill(stream, Text::kCluster, rest.substr(0, rest.find('/')));
  }
}

}  // namespace ekshume::log
