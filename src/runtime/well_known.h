// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/format.h"

// Where stores lie as a rule, and where the node's configuration says they lie.
namespace ekshume::runtime {

// What stands for /var/lib on some filesystem of a node: the root disk, a disk mounted at /var or
// /var/lib, Bottlerocket's data volume (whose /local/var is bound to /var), the disks that EKS's
// setup-local-disks prepares, and a volume that holds nothing but the store.
inline constexpr std::array<std::string_view, 12> kStateDirectories = {
    "var/lib",
    "local/var/lib",
    "lib",
    "",
    "mnt/k8s-disks/0",
    "mnt/k8s-disks/1",
    "mnt/k8s-disks/2",
    "mnt/k8s-disks/3",
    "mnt/.ephemeral",
    "mnt/data",
    "data",
    "var/lib/rancher/k3s/agent",
};

// A value that a configuration file on the node gives to a key.
struct ConfiguredPath {
  std::string section;  // "" at the top: `plugins."io.containerd.snapshotter.v1.overlayfs"`
  std::string key;      // "root", "root_path", "data-root", "--root-dir"
  std::string path;     // absolute on the node
};

// Reads /etc/containerd/config.toml with its conf.d, /etc/docker/daemon.json and the kubelet's and
// dockerd's unit files on every filesystem of the node. Sorted, without duplicates.
std::vector<ConfiguredPath> ReadConfiguredPaths(const NodeFilesystems& node,
                                                DiagnosticSink& diagnostics);

// The `key = "value"` lines of a TOML file with the section each stands in; all else is left out.
std::vector<ConfiguredPath> TomlTexts(std::string_view text);

// The value of `--flag=value` or `--flag value` on a command line or in a unit file, or "".
std::string FlagValue(std::string_view text, std::string_view flag);

// Every place on the node's filesystems where the absolute `path` of the running node may lie: at
// that path, and, as disks are mounted somewhere, at each shorter tail of it, the longest first.
std::vector<Location> PlacesOf(std::string_view path, const NodeFilesystems& node);

}  // namespace ekshume::runtime
