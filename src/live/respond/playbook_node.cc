// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "live/respond/change.h"
#include "live/respond/plan_maker.h"
#include "live/wire/uri.h"

namespace ekshume::live::respond {
namespace {

using kubernetes::PathOf;

}  // namespace

Result<void> PlanNode(PlanMaker& maker, std::string_view name) {
  const std::string path = PathOf({"api", "v1", "nodes", name});
  const Json node = EKSHUME_TRY(maker.client().Get(path));
  const std::string object = fmt::format("node/{}", name);
  const auto patch = [&](std::string_view id, std::string_view phase, Json body, std::string what,
                         std::string reason) -> Step& {
    return maker.AddPatch(id, phase, object, path, node, std::move(body), std::move(what),
                          std::move(reason));
  };
  patch("mark-node", "record", {{"metadata", {{"labels", {{kQuarantine, maker.mark()}}}}}},
        "label the node as under investigation",
        "others see that it is evidence; an intruder who may read nodes sees it too");
  maker.AddNodeShield(
      name, node, "keep Karpenter and the cluster autoscaler from removing the node",
      "instantaneous and silent; it stops neither Spot interruption nor node repair of EKS nor "
      "an upgrade of its group");
  maker.AddStep(
      StepKind::kManual, "acquire-node", "capture", object,
      fmt::format("ekshume acquire node {} --memory {} --case CASE", name, maker.request().memory),
      "memory and processes go first; the step is recorded with --done acquire-node");
  Json taints = wire::ArrayOf(wire::ObjectOf(node, "spec"), "taints");
  const auto add_taint = [&](const char* key, const std::string& value) {
    for (const Json& taint : taints) {
      if (wire::TextOf(taint, "key") == key) return;
    }
    Json taint = {{"key", key}, {"effect", "NoSchedule"}};
    if (!value.empty()) taint["value"] = value;
    taints.push_back(std::move(taint));
  };
  // The control plane would add its own a moment later, and write over ours while it does.
  add_taint("node.kubernetes.io/unschedulable", "");
  add_taint(kQuarantine, maker.mark());
  patch("cordon", "network", {{"spec", {{"unschedulable", true}, {"taints", std::move(taints)}}}},
        "cordon and taint NoSchedule: no new pods, not even those that tolerate cordoned nodes",
        "nothing that runs is touched; NoExecute would destroy the state of other pods");
  const std::string provider = wire::TextOf(wire::ObjectOf(node, "spec"), "providerID");
  maker.AddStep(StepKind::kManual, "snapshot-disks", "disk", object,
                provider.starts_with("aws:")
                    ? fmt::format("ekshume acquire snapshot {} --case CASE",
                                  provider.substr(provider.rfind('/') + 1))
                    : "take an image of the node's disks",
                "before any eviction: evicted pods lose their writable layers");
  EKSHUME_TRY(maker.client().List(
      PathOf({"api", "v1", "pods"}),
      fmt::format("fieldSelector={}", wire::UriEncode(fmt::format("spec.nodeName={}", name))),
      [&](const Json& pod) -> Result<void> {
        const Json& metadata = wire::ObjectOf(pod, "metadata");
        const Json& owners = wire::ArrayOf(metadata, "ownerReferences");
        const std::string owner = owners.empty() ? "" : wire::TextOf(owners[0], "kind");
        if (owner == "DaemonSet" || owner == "Node") return {};
        const std::string in_namespace = wire::TextOf(metadata, "namespace");
        const std::string pod_name = wire::TextOf(metadata, "name");
        const std::string pod_object = fmt::format("pod/{}/{}", in_namespace, pod_name);
        maker.AddRemoval(StepKind::kEvict, fmt::format("evict-{}", pod_name), pod_object,
                         PathOf({"api", "v1", "namespaces", in_namespace, "pods", pod_name}), pod,
                         fmt::format("move {} off the node", pod_object),
                         "destroys its memory, writable layer and emptyDir volumes; enable it for "
                         "healthy pods, and leave the suspects");
        return {};
      }));
  maker.AddRemoval(
      StepKind::kRemove, "delete-node", object, path, node, "delete the node from the cluster",
      "its pods are deleted with it, and their tokens end; replace a node, never clean it");
  maker.Warn(
      "credentials of the node's role stay valid outside the cluster: deny its sessions in "
      "IAM by the instance id");
  return {};
}

}  // namespace ekshume::live::respond
