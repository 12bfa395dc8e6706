// SPDX-License-Identifier: Apache-2.0
#include "collection/cgroup.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/ascii.h"
#include "base/text.h"

namespace ekshume::collection {
namespace {

constexpr size_t kIdDigits = 64;
constexpr size_t kUidDigits = 32;

bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }
bool IsHex(std::string_view text, size_t digits) {
  return text.size() == digits && std::all_of(text.begin(), text.end(), IsHexDigit);
}

// What stands before the id in a component says whose it is.
struct Prefix {
  std::string_view text;
  std::string_view runtime;
};
constexpr std::array<Prefix, 7> kPrefixes = {{{"cri-containerd-", "containerd"},
                                              {"docker-", "docker"},
                                              {"crio-", "crio"},
                                              {"libpod-payload-", "podman"},
                                              {"libpod-", "podman"},
                                              {"nerdctl-", "nerdctl"},
                                              {"", ""}}};
// A bare id below one of these, as the cgroupfs driver has it.
constexpr std::array<Prefix, 5> kParents = {{{"docker", "docker"},
                                             {"ecs", "docker"},
                                             {"moby", "docker"},
                                             {"k8s.io", "containerd"},
                                             {"libpod_parent", "podman"}}};

// "cri-containerd-ID.scope", "docker-ID.scope", "crio-ID", "ID",
// "kubepods-….slice:cri-containerd:ID". Monitors ("crio-conmon-ID") are processes of the host and
// match none of the prefixes.
bool ReadContainer(std::string_view component, std::string_view parent, CgroupOwner& owner) {
  if (component.ends_with(".scope")) component.remove_suffix(6);
  if (component.size() < kIdDigits) return false;
  const std::string_view id = component.substr(component.size() - kIdDigits);
  if (!IsHex(id, kIdDigits)) return false;
  std::string_view before = component.substr(0, component.size() - kIdDigits);
  std::string_view runtime;
  if (before.ends_with(':')) {
    // runc's form "slice:prefix:id", when systemd is asked for and cgroupfs is used.
    before.remove_suffix(1);
    const std::string_view name = before.substr(before.rfind(':') + 1);
    runtime = name == "cri-containerd" ? "containerd" : name;
  } else {
    const auto* prefix = std::find_if(kPrefixes.begin(), kPrefixes.end(),
                                      [&](const Prefix& known) { return known.text == before; });
    if (prefix == kPrefixes.end()) return false;
    runtime = prefix->runtime;
    for (const Prefix& known : kParents) {
      if (runtime.empty() && parent == known.text) runtime = known.runtime;
    }
  }
  owner.container_id = id;
  owner.runtime = runtime;
  return true;
}

// The uid after "pod" at the start of `text`, with dashes; empty when there is none.
std::string ReadUid(std::string_view text) {
  if (text.size() >= kUidDigits && IsHex(text.substr(0, kUidDigits), kUidDigits) &&
      (text.size() == kUidDigits || !IsHexDigit(text[kUidDigits]))) {
    return std::string(text.substr(0, kUidDigits));
  }
  constexpr std::array<size_t, 5> kGroups = {8, 4, 4, 4, 12};
  std::string uid;
  for (const size_t digits : kGroups) {
    if (!uid.empty()) {
      if (text.empty() || (text[0] != '-' && text[0] != '_')) return {};
      text.remove_prefix(1);
      uid.push_back('-');
    }
    if (text.size() < digits || !IsHex(text.substr(0, digits), digits)) return {};
    uid.append(text.substr(0, digits));
    text.remove_prefix(digits);
  }
  return uid;
}

// "podUID", "kubepods-burstable-podUID.slice", and the latter before ":cri-containerd:ID".
bool ReadPod(std::string_view component, std::string_view parent, CgroupOwner& owner) {
  size_t at = component.find("pod");
  while (at != std::string_view::npos) {
    if (at == 0 || component[at - 1] == '-') {
      owner.pod_uid = ReadUid(component.substr(at + 3));
      if (!owner.pod_uid.empty()) break;
    }
    at = component.find("pod", at + 1);
  }
  if (owner.pod_uid.empty()) return false;
  const std::string_view before = component.substr(0, at);
  for (const std::string_view qos : {"burstable", "besteffort"}) {
    if (before.contains(qos) || (at == 0 && parent.contains(qos))) owner.pod_qos = qos;
  }
  if (owner.pod_qos.empty()) owner.pod_qos = "guaranteed";
  return true;
}

// Lower is asked first.
int Trust(std::string_view controllers) {
  if (controllers.empty()) return 0;  // the unified hierarchy
  if (controllers == "name=systemd") return 1;
  if (controllers.contains("memory")) return 2;
  if (controllers.contains("pids")) return 3;
  return 4;
}

}  // namespace

CgroupOwner ParseCgroupPath(std::string_view path) {
  CgroupOwner owner;
  const std::vector<std::string_view> parts = SplitNonEmpty(path, '/');
  // From the end: the innermost container or pod is the one that the process is in.
  for (size_t i = parts.size(); i-- > 0;) {
    const std::string_view parent = i > 0 ? parts[i - 1] : std::string_view();
    if (owner.container_id.empty()) {
      // ECS puts the task between "ecs" and the container.
      const bool ecs = i > 1 && parts[i - 2] == "ecs";
      ReadContainer(parts[i], ecs ? "ecs" : parent, owner);
    }
    if (ReadPod(parts[i], parent, owner)) break;
  }
  return owner;
}

CgroupOwner ParseProcCgroup(std::string_view text) {
  std::vector<std::pair<int, std::string_view>> paths;
  for (const std::string_view line : SplitNonEmpty(text, '\n')) {
    const size_t first = line.find(':');
    if (first == std::string_view::npos) continue;
    const size_t second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    paths.emplace_back(Trust(line.substr(first + 1, second - first - 1)), line.substr(second + 1));
  }
  std::stable_sort(paths.begin(), paths.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  CgroupOwner best;
  for (const auto& [trust, path] : paths) {
    CgroupOwner owner = ParseCgroupPath(path);
    if (!owner.container_id.empty()) return owner;
    if (best.empty()) best = std::move(owner);
  }
  return best;
}

}  // namespace ekshume::collection
