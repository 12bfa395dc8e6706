// SPDX-License-Identifier: Apache-2.0
#include "runtime/well_known.h"

#include <algorithm>
#include <tuple>

#include "base/text.h"
#include "runtime/json.h"
#include "runtime/location.h"

namespace ekshume::runtime {
namespace {

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::string ReadSmall(const Location& location, DiagnosticSink& diagnostics) {
  return ReadText(location, kSmallFile, diagnostics).value_or("");
}

void AddUnits(const Location& directory, std::vector<ConfiguredPath>& paths,
              DiagnosticSink& diagnostics) {
  for (const auto& entry : List(directory, diagnostics)) {
    const bool is_kubelet = entry.name.starts_with("kubelet");
    const bool is_docker = entry.name.starts_with("docker");
    if (!is_kubelet && !is_docker) continue;
    const Location place = Below(directory, entry.name);
    std::vector<Location> files = {place};
    // Drop-ins: kubelet.service.d/10-args.conf
    for (const auto& drop_in : List(place, diagnostics)) {
      files.push_back(Below(place, drop_in.name));
    }
    for (const Location& file : files) {
      const std::string text = ReadSmall(file, diagnostics);
      for (const std::string_view flag : {"--root-dir", "--data-root", "--graph"}) {
        if (const std::string value = FlagValue(text, flag); !value.empty()) {
          paths.push_back({"", std::string(flag), value});
        }
      }
    }
  }
}

}  // namespace

std::vector<ConfiguredPath> TomlTexts(std::string_view text) {
  std::vector<ConfiguredPath> found;
  std::string section;
  for (std::string_view line : SplitNonEmpty(text, '\n')) {
    line = Trim(line);
    if (line.starts_with('[')) {
      const size_t end = line.rfind(']');
      if (end != std::string_view::npos) section = Trim(line.substr(1, end - 1));
      continue;
    }
    const size_t equals = line.find('=');
    if (line.starts_with('#') || equals == std::string_view::npos) continue;
    const std::string_view value = Trim(line.substr(equals + 1));
    if (value.size() < 2 || (value[0] != '"' && value[0] != '\'')) continue;
    const size_t end = value.find(value[0], 1);
    if (end == std::string_view::npos) continue;
    found.push_back({section, std::string(Trim(line.substr(0, equals))),
                     std::string(value.substr(1, end - 1))});
  }
  return found;
}

std::string FlagValue(std::string_view text, std::string_view flag) {
  for (size_t at = text.find(flag); at != std::string_view::npos; at = text.find(flag, at + 1)) {
    std::string_view rest = text.substr(at + flag.size());
    if (rest.empty() || (rest[0] != '=' && rest[0] != ' ')) continue;
    rest.remove_prefix(1);
    const size_t end = rest.find_first_of(" \t\r\n\\'\"");
    return std::string(rest.substr(0, end));
  }
  return "";
}

std::vector<ConfiguredPath> ReadConfiguredPaths(const NodeFilesystems& node,
                                                DiagnosticSink& diagnostics) {
  std::vector<ConfiguredPath> paths;
  const auto add_toml = [&](const Location& file) {
    for (ConfiguredPath& value : TomlTexts(ReadSmall(file, diagnostics))) {
      if (value.key.starts_with("root")) paths.push_back(std::move(value));
    }
  };
  for (const fs::Filesystem* filesystem : node.filesystems) {
    const Location root{filesystem, ""};
    add_toml(Below(root, "etc/containerd/config.toml"));
    for (const std::string_view folder : {"etc/containerd/conf.d", "etc/containerd/config.d"}) {
      const Location directory = Below(root, folder);
      for (const auto& entry : List(directory, diagnostics)) add_toml(Below(directory, entry.name));
    }
    if (const auto daemon = ReadDocument(Below(root, "etc/docker/daemon.json"), diagnostics)) {
      for (const std::string_view key : {"data-root", "graph"}) {
        if (const std::string value = Text(Member(*daemon, key)); !value.empty()) {
          paths.push_back({"", "data-root", value});
        }
      }
    }
    for (const std::string_view folder :
         {"etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"}) {
      AddUnits(Below(root, folder), paths, diagnostics);
    }
  }
  const auto order = [](const ConfiguredPath& a) { return std::tie(a.section, a.key, a.path); };
  std::ranges::sort(paths, {}, order);
  const auto [first, last] = std::ranges::unique(paths, {}, order);
  paths.erase(first, last);
  return paths;
}

std::vector<Location> PlacesOf(std::string_view path, const NodeFilesystems& node) {
  std::vector<Location> places;
  const auto parts = SplitNonEmpty(path, '/');
  for (size_t skipped = 0; skipped < parts.size(); ++skipped) {
    std::string tail;
    for (size_t i = skipped; i < parts.size(); ++i) {
      if (!tail.empty()) tail.push_back('/');
      tail += parts[i];
    }
    for (const fs::Filesystem* filesystem : node.filesystems) places.push_back({filesystem, tail});
  }
  return places;
}

}  // namespace ekshume::runtime
