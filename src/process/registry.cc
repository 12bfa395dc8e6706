// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "fs/path.h"
#include "process/checkpoint/reader.h"
#include "process/collected/reader.h"
#include "process/format.h"

namespace ekshume::process {

std::span<const Format* const> Formats() {
  static const std::array formats{
      &collected::CollectionFormat(),
      &checkpoint::CheckpointFormat(),
  };
  return formats;
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
  return nullptr;
}

}  // namespace ekshume::process
