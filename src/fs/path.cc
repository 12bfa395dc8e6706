// SPDX-License-Identifier: Apache-2.0
#include "fs/path.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "base/limits.h"
#include "base/text.h"

namespace ekshume::fs {

char NodeTypeLetter(NodeType type) {
  switch (type) {
    case NodeType::kRegular: return 'f';
    case NodeType::kDirectory: return 'd';
    case NodeType::kSymlink: return 'l';
    case NodeType::kCharDevice: return 'c';
    case NodeType::kBlockDevice: return 'b';
    case NodeType::kFifo: return 'p';
    case NodeType::kSocket: return 's';
    case NodeType::kUnknown: break;
  }
  return 'U';
}

NodeType NodeTypeFromMode(uint32_t mode) {
  switch (mode & 0170000U) {
    case 0100000: return NodeType::kRegular;
    case 0040000: return NodeType::kDirectory;
    case 0120000: return NodeType::kSymlink;
    case 0020000: return NodeType::kCharDevice;
    case 0060000: return NodeType::kBlockDevice;
    case 0010000: return NodeType::kFifo;
    case 0140000: return NodeType::kSocket;
    default: return NodeType::kUnknown;
  }
}

Result<DirectoryEntry> Filesystem::Lookup(NodeId directory, std::string_view name) const {
  std::optional<DirectoryEntry> found;
  EKSHUME_TRY(ReadDirectory(directory, [&](DirectoryEntry&& entry) {
    if (entry.name != name) return true;
    found = std::move(entry);
    return false;
  }));
  if (!found)
    return Fail(ErrorCode::kNotFound, fmt::format("no entry {}", EscapeForTerminal(name)));
  return *std::move(found);
}

Result<NodeId> ResolvePath(const Filesystem& filesystem, std::string_view path,
                           FollowLast follow_last) {
  std::deque<std::string> pending;
  for (const std::string_view part : SplitNonEmpty(path, '/')) pending.emplace_back(part);
  std::vector<NodeId> trail = {filesystem.root()};  // the directories from the root to here
  std::string walked;
  int hops = 0;
  while (!pending.empty()) {
    const std::string name = std::move(pending.front());
    pending.pop_front();
    if (name == ".") continue;
    if (name == "..") {
      if (trail.size() > 1) trail.pop_back();
      continue;
    }
    walked += "/" + name;
    auto entry = filesystem.Lookup(trail.back(), name);
    if (!entry) {
      const ErrorCode code = entry.error().code == ErrorCode::kInvalidArgument
                                 ? ErrorCode::kNotFound
                                 : entry.error().code;
      return Fail(code,
                  code == ErrorCode::kNotFound
                      ? fmt::format("no such file or directory: {}", EscapeForTerminal(walked))
                      : fmt::format("{}: {}", EscapeForTerminal(walked), entry.error().message));
    }
    NodeType type = entry->type;
    if (type == NodeType::kUnknown) type = EKSHUME_TRY(filesystem.GetStat(entry->node)).type;
    const bool last = pending.empty();
    if (type == NodeType::kSymlink && (!last || follow_last == FollowLast::kYes)) {
      if (++hops > limits::kMaxSymlinkHops) {
        return Fail(ErrorCode::kLimit,
                    fmt::format("{}: more than {} symbolic links", EscapeForTerminal(walked),
                                limits::kMaxSymlinkHops));
      }
      const std::string target = EKSHUME_TRY(filesystem.ReadSymlink(entry->node));
      if (target.starts_with('/')) trail.resize(1);
      const auto parts = SplitNonEmpty(target, '/');
      if (pending.size() + parts.size() > static_cast<size_t>(limits::kMaxDirectoryDepth)) {
        return Fail(ErrorCode::kLimit, "kMaxDirectoryDepth: symbolic links expand without end");
      }
      for (auto part = parts.rbegin(); part != parts.rend(); ++part) pending.emplace_front(*part);
      continue;
    }
    trail.push_back(entry->node);
  }
  return trail.back();
}

Result<std::string> ReadWholeFile(const Filesystem& filesystem, NodeId node, size_t limit_bytes) {
  const auto file = EKSHUME_TRY(filesystem.OpenFile(node));
  if (file->size_bytes() > limit_bytes) {
    return Fail(ErrorCode::kLimit, fmt::format("file of {} bytes is larger than the {} bytes read",
                                               file->size_bytes(), limit_bytes));
  }
  std::string content(file->size_bytes(), '\0');
  size_t done = 0;
  while (done < content.size()) {
    const size_t count = EKSHUME_TRY(file->ReadAt(done, AsWritableBytes(content).subspan(done)));
    if (count == 0) break;
    done += count;
  }
  content.resize(done);
  return content;
}

Result<std::string> ReadWholeFile(const Filesystem& filesystem, std::string_view path,
                                  size_t limit_bytes) {
  return ReadWholeFile(filesystem, EKSHUME_TRY(ResolvePath(filesystem, path)), limit_bytes);
}

Result<std::vector<DirectoryEntry>> ListDirectory(const Filesystem& filesystem, NodeId directory) {
  std::vector<DirectoryEntry> entries;
  EKSHUME_TRY(filesystem.ReadDirectory(directory, [&](DirectoryEntry&& entry) {
    entries.push_back(std::move(entry));
    return true;
  }));
  const auto by_name = [](const DirectoryEntry& a, const DirectoryEntry& b) {
    return a.name < b.name;
  };
  // Often they lie in the order in which they were made, which often is that of their names.
  if (!std::is_sorted(entries.begin(), entries.end(), by_name)) {
    std::stable_sort(entries.begin(), entries.end(), by_name);
  }
  return entries;
}

bool Exists(const Filesystem& filesystem, std::string_view path, NodeType type) {
  const auto node = ResolvePath(filesystem, path);
  if (!node) return false;
  const auto stat = filesystem.GetStat(*node);
  return stat && stat->type == type;
}

std::string JoinPath(std::string_view directory, std::string_view name) {
  if (directory.empty()) return std::string(name);
  if (name.empty()) return std::string(directory);
  std::string path(directory);
  if (!path.ends_with('/')) path.push_back('/');
  path.append(name.starts_with('/') ? name.substr(1) : name);
  return path;
}

}  // namespace ekshume::fs
