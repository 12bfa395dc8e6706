// SPDX-License-Identifier: Apache-2.0
#include "runtime/kubelet/manifests.h"

#include <algorithm>
#include <set>

#include "base/limits.h"
#include "runtime/kubelet/configuration.h"
#include "runtime/kubelet/format.h"
#include "runtime/location.h"
#include "runtime/well_known.h"
#include "runtime/yaml.h"

namespace ekshume::runtime::kubelet {
namespace {

// ParseYaml makes every scalar a string.
bool IsYamlTrue(const Json& value) { return Text(value) == "true"; }

void ReadManifest(const Json& manifest, const Location& file, Inventory& inventory,
                  DiagnosticSink& diagnostics) {
  if (Text(Member(manifest, "kind")) != "Pod") return;
  const std::string name = Text(Member(manifest, "metadata", "name"));
  std::string namespace_name = Text(Member(manifest, "metadata", "namespace"));
  if (namespace_name.empty()) namespace_name = "default";
  if (name.empty()) return;
  auto pod = std::ranges::find_if(inventory.pods, [&](const Pod& candidate) {
    return candidate.namespace_name == namespace_name &&
           (candidate.name == name || candidate.name == name + "-" + inventory.node.node_name);
  });
  if (pod == inventory.pods.end()) {
    if (inventory.pods.size() >= limits::kMaxContainers) {
      diagnostics.Report(DiagnosticCode::kRuntimeStoreUnreadable, Describe(file),
                         "kMaxContainers: more pods than are read");
      return;
    }
    inventory.pods.push_back(
        {.name = name,
         .namespace_name = namespace_name,
         .uid = "",
         .labels = TextMembers(Member(manifest, "metadata", "labels")),
         .annotations = TextMembers(Member(manifest, "metadata", "annotations"))});
    pod = std::prev(inventory.pods.end());
  }
  const Json& spec = Member(manifest, "spec");
  pod->is_static = true;
  if (pod->service_account.empty()) {
    pod->service_account = Text(Member(spec, "serviceAccountName"));
  }
  pod->host_network |= IsYamlTrue(Member(spec, "hostNetwork"));
  pod->host_pid |= IsYamlTrue(Member(spec, "hostPID"));
  pod->host_ipc |= IsYamlTrue(Member(spec, "hostIPC"));
}

}  // namespace

void ReadStaticPods(const NodeFilesystems& node, Inventory& inventory,
                    DiagnosticSink& diagnostics) {
  std::set<std::string> paths = {std::string(kManifestsPath)};
  if (std::string path = ReadConfiguration(node, diagnostics).static_pod_path; !path.empty()) {
    paths.insert(std::move(path));
  }
  for (const std::string& path : paths) {
    for (const fs::Filesystem* filesystem : node.filesystems) {
      const Location directory{filesystem, path.substr(path.find_first_not_of('/'))};
      for (const auto& entry : List(directory, diagnostics)) {
        // The kubelet skips what begins with a dot.
        if (entry.name.starts_with('.')) continue;
        const Location file = Below(directory, entry.name);
        const auto text = ReadText(file, kYamlFile, diagnostics);
        if (!text) continue;
        const auto manifest = ParseYaml(*text);
        if (!manifest) {
          diagnostics.Report(DiagnosticCode::kRuntimeRecordDamaged, Describe(file),
                             manifest.error().message);
          continue;
        }
        ReadManifest(*manifest, file, inventory, diagnostics);
      }
    }
  }
}

}  // namespace ekshume::runtime::kubelet
