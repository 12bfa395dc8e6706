// SPDX-License-Identifier: Apache-2.0
#include "runtime/kubelet/identity.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "base/text.h"
#include "runtime/kubelet/configuration.h"
#include "runtime/location.h"

namespace ekshume::runtime::kubelet {
namespace {

void SetIfEmpty(std::string& to, std::string value) {
  if (to.empty()) to = std::move(value);
}

// PRETTY_NAME="..." of os-release(5).
std::string PrettyName(std::string_view os_release) {
  constexpr std::string_view kKey = "PRETTY_NAME=";
  for (std::string_view line : SplitNonEmpty(os_release, '\n')) {
    if (!line.starts_with(kKey)) continue;
    line.remove_prefix(kKey.size());
    if (line.size() >= 2 && (line.front() == '"' || line.front() == '\'')) {
      line = line.substr(1, line.size() - 2);
    }
    return std::string(line);
  }
  return "";
}

// Orders "6.1.9" before "6.1.10": runs of digits by value.
bool IsOlderVersion(std::string_view a, std::string_view b) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  while (!a.empty() && !b.empty()) {
    if (is_digit(a[0]) && is_digit(b[0])) {
      const auto take = [&](std::string_view& text) {
        const size_t length =
            static_cast<size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
        std::string_view digits = text.substr(0, length);
        text.remove_prefix(length);
        while (digits.size() > 1 && digits[0] == '0') digits.remove_prefix(1);
        return digits;
      };
      const std::string_view left = take(a);
      const std::string_view right = take(b);
      if (left.size() != right.size()) return left.size() < right.size();
      if (left != right) return left < right;
      continue;
    }
    if (a[0] != b[0]) return a[0] < b[0];
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return a.size() < b.size();
}

std::string NewestKernel(const Location& root, DiagnosticSink& diagnostics) {
  std::string newest;
  for (const std::string_view directory : {"usr/lib/modules", "lib/modules"}) {
    for (const auto& entry : List(Below(root, directory), diagnostics)) {
      if (newest.empty() || IsOlderVersion(newest, entry.name)) newest = entry.name;
    }
  }
  constexpr std::string_view kPrefix = "vmlinuz-";
  for (const auto& entry : List(Below(root, "boot"), diagnostics)) {
    if (!entry.name.starts_with(kPrefix)) continue;
    const std::string version = entry.name.substr(kPrefix.size());
    if (newest.empty() || IsOlderVersion(newest, version)) newest = version;
  }
  return newest;
}

// The version of an installed Debian package, from dpkg's database.
std::string DebianVersion(std::string_view status, std::string_view package) {
  const std::string head = "\nPackage: " + std::string(package) + "\n";
  const size_t at = status.find(head);
  if (at == std::string_view::npos) return "";
  const std::string_view entry = status.substr(at, status.find("\n\n", at) - at);
  constexpr std::string_view kVersion = "\nVersion: ";
  const size_t version = entry.find(kVersion);
  if (version == std::string_view::npos) return "";
  const std::string_view rest = entry.substr(version + kVersion.size());
  return std::string(rest.substr(0, rest.find('\n')));
}

std::string RuntimeVersion(const Location& root, DiagnosticSink& diagnostics) {
  if (std::string version = ReadWord(Below(root, "etc/eks/containerd-version.txt"), diagnostics);
      !version.empty()) {
    return version.starts_with("containerd") ? version : "containerd " + version;
  }
  const auto status = ReadText(Below(root, "var/lib/dpkg/status"), kDocumentFile, diagnostics);
  if (!status) return "";
  struct Candidate {
    std::string_view package;
    std::string_view name;
  };
  for (const Candidate& candidate :
       {Candidate{"docker-ce", "docker"}, Candidate{"docker.io", "docker"},
        Candidate{"containerd.io", "containerd"}, Candidate{"containerd", "containerd"}}) {
    const std::string version = DebianVersion(*status, candidate.package);
    if (!version.empty()) return std::string(candidate.name) + " " + version;
  }
  return "";
}

// spec.cluster.name of nodeadm's NodeConfig or the argument of bootstrap.sh in the user data.
std::string ClusterOfUserData(std::string_view text) {
  constexpr std::string_view kScript = "/etc/eks/bootstrap.sh ";
  if (const size_t at = text.find(kScript); at != std::string_view::npos) {
    for (std::string_view word : SplitNonEmpty(text.substr(at + kScript.size(), 256), ' ')) {
      word = word.substr(0, word.find_first_of("\r\n"));
      while (!word.empty() && (word.front() == '\'' || word.front() == '"')) word.remove_prefix(1);
      while (!word.empty() && (word.back() == '\'' || word.back() == '"')) word.remove_suffix(1);
      if (!word.empty() && !word.starts_with('-')) return std::string(word);
    }
  }
  const size_t config = text.find("node.eks.aws/");
  if (config == std::string_view::npos) return "";
  const size_t cluster = text.find("cluster:", config);
  if (cluster == std::string_view::npos) return "";
  for (std::string_view line : SplitNonEmpty(text.substr(cluster), '\n')) {
    const size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) continue;
    line.remove_prefix(begin);
    constexpr std::string_view kName = "name:";
    if (!line.starts_with(kName)) continue;
    line.remove_prefix(kName.size());
    const size_t from = line.find_first_not_of(" \t\"'");
    if (from == std::string_view::npos) return "";
    return std::string(line.substr(from, line.find_first_of(" \t\"'\r", from) - from));
  }
  return "";
}

void ReadCloudInit(const Location& root, NodeIdentity& identity, DiagnosticSink& diagnostics) {
  const Location cloud = Below(root, "var/lib/cloud");
  SetIfEmpty(identity.instance_id, ReadWord(Below(cloud, "data/instance-id"), diagnostics));
  for (const auto& entry : List(Below(cloud, "instances"), diagnostics)) {
    if (entry.name.starts_with("i-")) SetIfEmpty(identity.instance_id, entry.name);
    const auto user_data = ReadText(Below(cloud, "instances/" + entry.name + "/user-data.txt"),
                                    kYamlFile, diagnostics);
    if (user_data) SetIfEmpty(identity.cluster, ClusterOfUserData(*user_data));
  }
}

}  // namespace

std::string RegionOfHostName(std::string_view name) {
  const auto parts = SplitNonEmpty(name.substr(0, name.find_first_of(":/")), '.');
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    if (parts[i + 1] == "eks" || parts[i + 1] == "compute") {
      // The part before is a region only when it looks like one: "us-east-1".
      if (std::ranges::count(parts[i], '-') >= 2) return std::string(parts[i]);
    }
  }
  return name.ends_with(".ec2.internal") ? "us-east-1" : "";
}

NodeIdentity ReadNodeIdentity(const NodeFilesystems& node, DiagnosticSink& diagnostics) {
  NodeIdentity identity;
  const Configuration configuration = ReadConfiguration(node, diagnostics);
  identity.cluster = configuration.cluster;
  identity.region = configuration.region;
  identity.api_server = configuration.api_server;
  identity.labels = configuration.node_labels;
  for (const fs::Filesystem* filesystem : node.filesystems) {
    const Location root{filesystem, ""};
    SetIfEmpty(identity.hostname, ReadWord(Below(root, "etc/hostname"), diagnostics));
    SetIfEmpty(identity.machine_id, ReadWord(Below(root, "etc/machine-id"), diagnostics));
    for (const std::string_view file : {"etc/os-release", "usr/lib/os-release"}) {
      const auto text = ReadText(Below(root, file), kSmallFile, diagnostics);
      if (text) SetIfEmpty(identity.operating_system, PrettyName(*text));
    }
    SetIfEmpty(identity.kernel, NewestKernel(root, diagnostics));
    SetIfEmpty(identity.kubelet_version,
               ReadWord(Below(root, "etc/eks/kubelet-version.txt"), diagnostics));
    SetIfEmpty(identity.container_runtime, RuntimeVersion(root, diagnostics));
    ReadCloudInit(root, identity, diagnostics);
  }
  identity.node_name = configuration.node_name;
  SetIfEmpty(identity.node_name, configuration.hostname_override);
  SetIfEmpty(identity.node_name, identity.hostname);
  constexpr std::string_view kScheme = "https://";
  if (identity.api_server.starts_with(kScheme)) {
    SetIfEmpty(identity.region,
               RegionOfHostName(std::string_view(identity.api_server).substr(kScheme.size())));
  }
  SetIfEmpty(identity.region, RegionOfHostName(identity.node_name));
  return identity;
}

}  // namespace ekshume::runtime::kubelet
