// SPDX-License-Identifier: Apache-2.0
#include "artifact/users.h"

#include <fmt/format.h>

#include <charconv>

#include "fs/path.h"

namespace ekshume::artifact {
namespace {

std::optional<uint32_t> ParseId(std::string_view text) {
  const auto number = ParseNumber(text);
  if (!number || *number < 0 || *number > UINT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

// Without a slash at the end: "/root/" -> "/root", "/" -> "".
std::string_view WithoutSlash(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

}  // namespace

std::optional<int64_t> ParseNumber(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<PasswdEntry> ParsePasswdLine(std::string_view line) {
  std::string_view fields[7];
  for (size_t i = 0; i < 7; ++i) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos && i < 6) return std::nullopt;
    fields[i] = line.substr(0, colon);
    line.remove_prefix(std::min(colon, line.size() - 1) + 1);
  }
  if (fields[0].empty()) return std::nullopt;
  return PasswdEntry{fields[0], fields[1], ParseId(fields[2]), ParseId(fields[3]),
                     fields[4], fields[5], fields[6]};
}

Users::Users(Reading& reading) {
  std::map<std::string, std::string, std::less<>> users_of_homes;
  const std::string passwd = reading.ReadForReference("/etc/passwd");
  for (const Line& line : Lines(passwd)) {
    const auto entry = ParsePasswdLine(line.text);
    if (!entry) continue;
    if (entry->uid) names_.try_emplace(*entry->uid, entry->name);
    if (!entry->home.starts_with('/')) continue;
    users_of_homes.try_emplace(std::string(WithoutSlash(entry->home)), entry->name);
  }
  users_of_homes.try_emplace("/root", "root");
  users_of_homes.try_emplace("", "");
  for (std::string& path : reading.Directories("/home/*")) {
    users_of_homes.try_emplace(path, NameOf(path));
  }
  for (const auto& [path, user] : users_of_homes) {
    if (!path.empty() && !fs::Exists(reading.filesystem(), path, fs::NodeType::kDirectory)) {
      continue;
    }
    if (homes_.size() >= reading.limits().homes) {
      reading.Report(DiagnosticCode::kArtifactLimit, path, "kMaxHomes");
      break;
    }
    homes_.push_back({user, path});
  }
}

std::string Users::Name(uint32_t uid) const {
  const auto found = names_.find(uid);
  return found == names_.end() ? fmt::format("{}", uid) : found->second;
}

std::vector<std::string> Users::InHome(const Home& home,
                                       std::initializer_list<std::string_view> names) {
  std::vector<std::string> paths;
  for (const std::string_view name : names) paths.push_back(fmt::format("{}/{}", home.path, name));
  return paths;
}

}  // namespace ekshume::artifact
