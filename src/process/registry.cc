// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "fs/path.h"
#include "process/checkpoint/reader.h"
#include "process/collected/reader.h"
#include "process/eks_logs/reader.h"
#include "process/format.h"
#include "process/uac/reader.h"
#include "process/varc/reader.h"

namespace ekshume::process {

std::span<const Format* const> Formats() {
  static const std::array formats{
      &collected::CollectionFormat(),
      &checkpoint::CheckpointFormat(),
      &uac::UacFormat(),
      &varc::VarcFormat(),
      &eks_logs::EksLogsFormat(),
  };
  return formats;
}

std::optional<fs::NodeId> OnlyFolder(const fs::Filesystem& tree) {
  std::optional<fs::NodeId> only;
  bool is_only = true;
  const auto read = tree.ReadDirectory(tree.root(), [&](const fs::DirectoryEntry& entry) {
    const auto stat = tree.GetStat(entry.node);
    is_only = !only && stat && stat->type == fs::NodeType::kDirectory;
    only = entry.node;
    return is_only;
  });
  return read && is_only ? only : std::nullopt;
}

const Format* FindFormat(const fs::Filesystem& tree) {
  for (const Format* format : Formats()) {
    for (const std::string_view mark : format->marks()) {
      if (fs::ResolvePath(tree, mark, fs::FollowLast::kNo)) return format;
    }
  }
  return nullptr;
}

const Format* FormatOfMember(std::string_view member) {
  while (member.starts_with("./")) member.remove_prefix(2);
  for (const Format* format : Formats()) {
    for (const std::string_view mark : format->marks()) {
      const bool below =
          member.starts_with(mark) && member.size() > mark.size() && member[mark.size()] == '/';
      if (member == mark || below) return format;
    }
  }
  // Within one folder at the top, only names that say enough.
  const size_t slash = member.find('/');
  if (slash == std::string_view::npos) return nullptr;
  const std::string_view inner = member.substr(slash + 1);
  for (const Format* format : Formats()) {
    for (const std::string_view mark : format->marks()) {
      if (mark.contains('/') && inner.starts_with(mark) &&
          (inner.size() == mark.size() || inner[mark.size()] == '/')) {
        return format;
      }
    }
  }
  return nullptr;
}

}  // namespace ekshume::process
