// SPDX-License-Identifier: Apache-2.0
#include "runtime/kubelet/store.h"

#include <algorithm>
#include <initializer_list>
#include <set>

#include "base/limits.h"
#include "base/text.h"
#include "fs/path.h"
#include "runtime/kubelet/format.h"
#include "runtime/location.h"

namespace ekshume::runtime::kubelet {
namespace {

bool Sniff(const Location& location) {
  if (!IsDirectory(Below(location, kPodsDirectory))) return false;
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"pki", "plugins", "plugins_registry",
                                              "device-plugins", "cpu_manager_state", "kubeconfig"},
      [&](std::string_view name) {
        return fs::ResolvePath(*location.filesystem, Below(location, name).path).has_value();
      });
}

// Takes the pod's address and host name from its hosts file: the kubelet's own last line, which
// user-supplied aliases may follow.
void ReadHosts(const Location& file, Pod& pod, DiagnosticSink& diagnostics) {
  const auto text = ReadText(file, kSmallFile, diagnostics);
  if (!text) return;
  pod.host_network = text->starts_with(kHostNetworkHeader);
  if (pod.host_network) return;
  for (const std::string_view line : SplitNonEmpty(*text, '\n')) {
    if (line.starts_with("# Entries added by HostAliases")) break;
    if (line.starts_with('#') || line.starts_with("127.") || line.starts_with("::1") ||
        line.starts_with("fe00::")) {
      continue;
    }
    const auto fields = SplitNonEmpty(line, '\t');
    if (fields.size() < 2) continue;
    pod.ip_address = fields.front();
    pod.hostname = fields.back();
  }
}

void ReadVolumes(const Location& directory, Pod& pod, DiagnosticSink& diagnostics) {
  for (const auto& plugin : List(directory, diagnostics)) {
    const Location volumes = Below(directory, plugin.name);
    const bool in_memory =
        std::ranges::find(kMemoryVolumePlugins, plugin.name) != kMemoryVolumePlugins.end();
    for (const auto& volume : List(volumes, diagnostics)) {
      pod.volumes.push_back({.plugin = plugin.name,
                             .name = volume.name,
                             .directory = Below(volumes, volume.name),
                             .in_memory = in_memory});
    }
  }
}

}  // namespace

Result<void> ReadStore(const Location& root, const NodeFilesystems& /*node*/, Inventory& inventory,
                       DiagnosticSink& diagnostics) {
  std::set<std::pair<std::string, std::string>> known;  // pod uid, container name
  for (const Container& container : inventory.containers) {
    if (container.pod) known.emplace(container.pod->uid, container.pod->container);
  }
  const Location pods = Below(root, kPodsDirectory);
  for (const auto& entry : List(pods, diagnostics)) {
    if (inventory.pods.size() >= limits::kMaxContainers) {
      diagnostics.Report(DiagnosticCode::kRuntimeStoreUnreadable, Describe(root),
                         "kMaxContainers: more pods than are read");
      break;
    }
    const Location folder = Below(pods, entry.name);
    if (!IsDirectory(folder)) continue;
    Pod pod{.name = "", .namespace_name = "", .uid = entry.name, .recovered = "pod folder"};
    ReadHosts(Below(folder, kHostsFile), pod, diagnostics);
    ReadVolumes(Below(folder, kVolumesDirectory), pod, diagnostics);
    for (const auto& container : List(Below(folder, kContainersDirectory), diagnostics)) {
      if (!known.emplace(pod.uid, container.name).second) continue;
      if (inventory.containers.size() >= limits::kMaxContainers) {
        diagnostics.Report(DiagnosticCode::kRuntimeStoreUnreadable, Describe(root),
                           "kMaxContainers: more containers than are read");
        break;
      }
      inventory.containers.push_back({.id = pod.uid + "/" + container.name,
                                      .name = container.name,
                                      .runtime = "kubelet",
                                      .runtime_namespace = "",
                                      .pod = PodReference{.name = pod.hostname,
                                                          .namespace_name = "",
                                                          .uid = pod.uid,
                                                          .container = container.name},
                                      .recovered = "pod folder",
                                      .store = root});
    }
    inventory.pods.push_back(std::move(pod));
  }
  return {};
}

const Format kFormat{
    .name = "kubelet",
    .description = "the kubelet's root directory: pods, their volumes and hosts files",
    .sniff = Sniff,
    .read = ReadStore,
};

}  // namespace ekshume::runtime::kubelet
