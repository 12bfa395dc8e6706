// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>

#include "fs/archive/member_tree.h"
#include "image/image.h"

namespace ekshume::process {

// A tree of files with these contents.
inline std::unique_ptr<fs::Filesystem> TreeOf(const std::map<std::string, std::string>& files) {
  std::string all;
  for (const auto& [path, content] : files) all += content;
  const auto bytes = ByteView::Of(all).AsSpan();
  auto tree = std::make_unique<fs::archive::MemberTree>(
      image::MakeMemory({bytes.begin(), bytes.end()}, "test"), "test");
  uint64_t at = 0;
  for (const auto& [path, content] : files) {
    fs::archive::Member member;
    member.path = path;
    member.stat.type = fs::NodeType::kRegular;
    member.stat.size_bytes = content.size();
    member.stat.modified = {1764252000, 0};
    if (!content.empty()) member.segments.push_back({0, content.size(), at});
    at += content.size();
    static_cast<void>(tree->Add(std::move(member)));
  }
  return tree;
}

}  // namespace ekshume::process
