// SPDX-License-Identifier: Apache-2.0
#include "casefile/gaps.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/ascii.h"
#include "casefile/mount_table.h"
#include "fs/path.h"

namespace ekshume::casefile {
namespace {

// Filesystems that are never on a disk of the node.
bool IsPseudoFilesystem(std::string_view type) {
  static constexpr std::array<std::string_view, 14> kTypes = {
      "tmpfs",   "proc", "sysfs",      "devpts",   "devtmpfs", "cgroup", "cgroup2",
      "debugfs", "bpf",  "securityfs", "efivarfs", "swap",     "ramfs",  "configfs"};
  return std::ranges::find(kTypes, type) != kTypes.end();
}

std::string Unquote(std::string text) {
  std::erase(text, '"');
  return text;
}

// Whether one of the evidence's filesystems is the one that a mount's source names. A bare device
// name tells nothing about a disk image, so it counts as found when as many filesystems are there
// as could be; the caller decides.
bool SourceIsThere(const Evidence& evidence, const ConfiguredMount& mount) {
  const std::string source = Unquote(mount.source);
  const auto any = [&](auto&& predicate) {
    return std::ranges::any_of(evidence.volumes(), predicate);
  };
  const auto value_after = [&](std::string_view prefix) {
    return AsciiLower(source.substr(prefix.size()));
  };
  for (const std::string_view prefix : {"UUID=", "/dev/disk/by-uuid/"}) {
    if (!source.starts_with(prefix)) continue;
    return any([&](const Volume& v) {
      return v.filesystem && v.filesystem->info().uuid == value_after(prefix);
    });
  }
  for (const std::string_view prefix : {"PARTUUID=", "/dev/disk/by-partuuid/"}) {
    if (!source.starts_with(prefix)) continue;
    return any([&](const Volume& v) { return v.partition.uuid == value_after(prefix); });
  }
  for (const std::string_view prefix : {"LABEL=", "/dev/disk/by-label/"}) {
    if (!source.starts_with(prefix)) continue;
    return any([&](const Volume& v) {
      return v.filesystem && AsciiLower(v.filesystem->info().label) == value_after(prefix);
    });
  }
  for (const std::string_view prefix : {"PARTLABEL=", "/dev/disk/by-partlabel/"}) {
    if (!source.starts_with(prefix)) continue;
    return any(
        [&](const Volume& v) { return AsciiLower(v.partition.label) == value_after(prefix); });
  }
  return false;
}

bool IsBind(const ConfiguredMount& mount) {
  return ("," + mount.options + ",").find(",bind,") != std::string::npos ||
         ("," + mount.options + ",").find(",rbind,") != std::string::npos;
}

// EKS AL2023's setup-local-disks and Bottlerocket's ephemeral-storage mount the instance store here
// (reference: awslabs/amazon-eks-ami, bottlerocket-core-kit).
bool IsInstanceStorePath(std::string_view path) {
  return path.starts_with("/mnt/k8s-disks/") || path.starts_with("/mnt/.ephemeral") ||
         path.starts_with("/dev/md/kubernetes");
}

void AddMountGaps(const Evidence& evidence, const fs::Filesystem& root, std::vector<Gap>& gaps,
                  DiagnosticSink& diagnostics) {
  const std::vector<ConfiguredMount> mounts = ReadConfiguredMounts(root, diagnostics);
  // Targets whose device is not in the evidence: bind mounts from below them are lost with them.
  std::vector<std::string> absent_targets;
  for (const ConfiguredMount& mount : mounts) {
    if (IsPseudoFilesystem(mount.type)) {
      if (mount.type == "tmpfs") {
        gaps.push_back({mount.target, "was in memory (tmpfs), so no disk holds it", false});
        diagnostics.Report(DiagnosticCode::kHostVolatile, mount.target, "tmpfs in " + mount.file);
      }
      continue;
    }
    if (mount.target == "/" || mount.target == "none" || !mount.target.starts_with('/')) continue;
    if (mount.type == "vfat" || mount.target.starts_with("/boot")) continue;  // boot files
    if (IsBind(mount)) continue;
    if (SourceIsThere(evidence, mount)) continue;
    absent_targets.push_back(mount.target);
    const bool instance_store =
        IsInstanceStorePath(mount.target) || IsInstanceStorePath(mount.source);
    const std::string reason =
        instance_store
            ? fmt::format(
                  "was on an instance store ({}), which no EBS snapshot holds; what lies "
                  "under it on this disk is what was there before the mount",
                  mount.source)
            : fmt::format(
                  "was on {} by {}, which is not among the disks given; what lies under it "
                  "on this disk is what was there before the mount",
                  mount.source, mount.file);
    gaps.push_back({mount.target, reason, true});
    diagnostics.Report(
        instance_store ? DiagnosticCode::kHostInstanceStore : DiagnosticCode::kHostMountMissing,
        mount.target, fmt::format("{} in {}", mount.source, mount.file));
  }
  for (const ConfiguredMount& mount : mounts) {
    if (!IsBind(mount)) continue;
    const bool from_absent = std::ranges::any_of(absent_targets, [&](const std::string& target) {
      return mount.source == target || mount.source.starts_with(target + "/");
    });
    if (!from_absent) continue;
    gaps.push_back({mount.target,
                    fmt::format("was bound from {}, which is not in the evidence; what lies under "
                                "it on this disk is a stale copy",
                                mount.source),
                    true});
    diagnostics.Report(IsInstanceStorePath(mount.source) ? DiagnosticCode::kHostInstanceStore
                                                         : DiagnosticCode::kHostMountMissing,
                       mount.target, fmt::format("{} in {}", mount.source, mount.file));
  }
}

}  // namespace

std::vector<Gap> FindGaps(const Evidence& evidence, const runtime::Inventory& inventory,
                          DiagnosticSink& diagnostics) {
  std::vector<Gap> gaps;
  const auto root = evidence.Select(std::nullopt);
  if (root) AddMountGaps(evidence, *(*root)->filesystem, gaps, diagnostics);
  for (const runtime::Pod& pod : inventory.pods) {
    for (const runtime::PodVolume& volume : pod.volumes) {
      if (!volume.in_memory) continue;
      gaps.push_back(
          {"/" + volume.directory.path,
           fmt::format("volume {} of pod {}/{} was in memory (tmpfs), so no disk holds it",
                       volume.name, pod.namespace_name, pod.name),
           false});
    }
  }
  gaps.push_back({"/run",
                  "is in memory on a running node: sockets, process ids, runtime state and "
                  "container root mounts are not on any disk",
                  false});
  std::ranges::stable_sort(gaps, {}, &Gap::path);
  return gaps;
}

}  // namespace ekshume::casefile
