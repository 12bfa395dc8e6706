// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/text.h"
#include "live/kubernetes/pod_state.h"
#include "live/respond/liveness.h"
#include "live/respond/plan_maker.h"

namespace ekshume::live::respond {
namespace {

using kubernetes::PathOf;

class PodPlaybook {
 public:
  PodPlaybook(PlanMaker& maker, std::string_view in_namespace, std::string_view name, Json pod)
      : maker_(maker),
        namespace_(in_namespace),
        name_(name),
        pod_(std::move(pod)),
        path_(PathOf({"api", "v1", "namespaces", namespace_, "pods", name_})),
        object_(fmt::format("pod/{}/{}", namespace_, name_)),
        node_(wire::TextOf(wire::ObjectOf(pod_, "spec"), "nodeName")),
        is_fargate_(kubernetes::IsOnFargate(pod_)) {}

  Result<void> Run() {
    Mark();
    EKSHUME_TRY(Shield());
    Save();
    EKSHUME_TRY(ContainIdentity());
    Capture();
    EKSHUME_TRY(Detach());
    EKSHUME_TRY(AddNetworkCut(maker_, pod_));
    Disk();
    EKSHUME_TRY(Eradicate());
    const auto budget = LivenessBudgetOf(pod_, Hold::kCutNetwork, Now());
    if (budget) {
      maker_.Warn(fmt::format(
          "liveness: when probes from the node ({}) fail, the kubelet restarts {} after {} s at "
          "least and its memory is lost; capture first, and keep the way from the node to the pod "
          "open",
          budget->probe, budget->container, budget->seconds));
    }
    return {};
  }

 private:
  Step& Patch(std::string_view id, std::string_view phase, Json body, std::string what,
              std::string reason) {
    return maker_.AddPatch(id, phase, object_, path_, pod_, std::move(body), std::move(what),
                           std::move(reason));
  }

  void Mark() {
    Patch("mark-pod", "record", {{"metadata", {{"labels", {{kQuarantine, maker_.mark()}}}}}},
          "label the pod as under investigation",
          "policies of later steps select it by this; an intruder who may read pods, or has a "
          "downward volume, sees it");
  }

  Result<void> Shield() {
    Patch("shield-pod", "shield",
          {{"metadata",
            {{"annotations",
              {{"karpenter.sh/do-not-disrupt", "true"},
               {"cluster-autoscaler.kubernetes.io/safe-to-evict", "false"}}}}}},
          "keep Karpenter and the cluster autoscaler from removing the pod",
          "instantaneous and silent; stops neither Spot interruption nor patching of Fargate");
    EKSHUME_TRY(ShieldFromOwners());
    if (is_fargate_) ShieldFromEviction();
    if (node_.empty() || is_fargate_) return {};
    const auto node = maker_.client().Get(PathOf({"api", "v1", "nodes", node_}));
    if (!node) {
      maker_.Warn(fmt::format("node {} cannot be read ({}); it is not shielded", node_,
                              node.error().message));
      return {};
    }
    maker_.AddNodeShield(node_, *node, "keep the pod's node from being removed",
                         "the evidence lies on its disk");
    return {};
  }

  // What would replace the pod: a rollout of its Deployment. A CronJob starts another. A Job that
  // runs is left alone, as suspending it deletes its pods.
  Result<void> ShieldFromOwners() {
    Json owned = pod_;
    for (int i = 0; i < 3; ++i) {
      const Json& owners = wire::ArrayOf(wire::ObjectOf(owned, "metadata"), "ownerReferences");
      if (owners.empty() || wire::TextOf(owners[0], "kind") == "Node") return {};
      const std::string kind = wire::TextOf(owners[0], "kind");
      const std::string name = wire::TextOf(owners[0], "name");
      const std::string path = kubernetes::PathOfOwner(owners[0], namespace_);
      const auto owner = maker_.client().Get(path);
      if (!owner) {
        maker_.Warn(fmt::format("{} {} cannot be read ({}): it is not paused", kind, name,
                                owner.error().message));
        return {};
      }
      if (kind == "Deployment") {
        maker_.AddPatch("pause-deployment", "shield",
                        fmt::format("deployment/{}/{}", namespace_, name), path, *owner,
                        {{"spec", {{"paused", true}}}}, "pause rollouts of its Deployment",
                        "no change of the template replaces the pod, and so the evidence");
      } else if (kind == "CronJob") {
        maker_.AddPatch("suspend-cronjob", "shield", fmt::format("cronjob/{}/{}", namespace_, name),
                        path, *owner, {{"spec", {{"suspend", true}}}}, "suspend its CronJob",
                        "it starts no new job; the job that runs is left alone, as suspending it "
                        "would delete its pods");
      }
      owned = *owner;
    }
    return {};
  }

  // Fargate evicts pods to patch what is below them, and asks budgets first.
  void ShieldFromEviction() {
    const std::string version =
        maker_.ServedVersion({"policy/v1", "policy/v1beta1"}, "poddisruptionbudgets");
    if (version.empty()) return;
    const std::string name = fmt::format("ekshume-{}", AsciiLower(maker_.mark()));
    maker_.AddCreation(
        "hold-eviction", "shield", fmt::format("poddisruptionbudget/{}/{}", namespace_, name),
        fmt::format("/apis/{}{}", version,
                    PathOf({"namespaces", namespace_, "poddisruptionbudgets"})),
        {{"apiVersion", version},
         {"kind", "PodDisruptionBudget"},
         {"metadata", {{"name", name}, {"namespace", namespace_}}},
         {"spec",
          {{"minAvailable", 1}, {"selector", {{"matchLabels", {{kQuarantine, maker_.mark()}}}}}}}},
        "a disruption budget that refuses the pod's eviction",
        "AWS asks it before it patches Fargate; it may delete the pod all the same");
  }

  void Save() {
    maker_.AddStep(StepKind::kSave, "save-state", "save", object_,
                   "keep the pod, its owners, node, account, bindings, events and logs in the case",
                   "events go after an hour, logs with the pod");
  }

  Result<void> ContainIdentity() {
    std::string account = wire::TextOf(wire::ObjectOf(pod_, "spec"), "serviceAccountName");
    if (account.empty()) account = "default";
    size_t sharing = 0;
    EKSHUME_TRY(maker_.client().List(PathOf({"api", "v1", "namespaces", namespace_, "pods"}), "",
                                     [&](const Json& other) -> Result<void> {
                                       const Json& spec = wire::ObjectOf(other, "spec");
                                       const std::string of_other =
                                           wire::TextOf(spec, "serviceAccountName");
                                       if ((of_other.empty() ? "default" : of_other) == account)
                                         ++sharing;
                                       return {};
                                     }));
    const std::string user = fmt::format("system:serviceaccount:{}:{}", namespace_, account);
    const std::string reason = fmt::format(
        "silent; the pod's token can do nothing more in the cluster{}",
        sharing > 1
            ? fmt::format(", nor can that of the {} other pods of the account {}: enable it "
                          "when they can do without",
                          sharing - 1, account)
            : "");
    const auto added = AddBindingSteps(maker_, sharing <= 1, reason, [&](const Json& subject) {
      const std::string kind = wire::TextOf(subject, "kind");
      return (kind == "ServiceAccount" && wire::TextOf(subject, "name") == account &&
              wire::TextOf(subject, "namespace") == namespace_) ||
             (kind == "User" && wire::TextOf(subject, "name") == user);
    });
    if (!added) {
      maker_.Warn(
          fmt::format("role bindings cannot be read ({}): what the pod's account {} may do "
                      "is not contained",
                      added.error().message, account));
    }
    return {};
  }

  // Stops a container while its memory is read. Nothing of the API can: our pod on the node does.
  void Freeze() {
    if (is_fargate_) return;
    for (const Json& status : wire::ArrayOf(wire::ObjectOf(pod_, "status"), "containerStatuses")) {
      if (!wire::ObjectOf(status, "state").contains("running")) continue;
      const std::string container = wire::TextOf(status, "name");
      const auto budget = LivenessBudgetOf(pod_, Hold::kFreeze, Now(), container);
      Step& step = maker_.AddStep(
          StepKind::kFreeze, "freeze", "capture", object_,
          fmt::format("stop all processes of the container {}", container),
          budget ? fmt::format("its {} probe fails by it: the kubelet restarts it after {} s at "
                               "least, and its memory is lost. Refused while the setting "
                               "despite_liveness is not \"true\"",
                               budget->probe, budget->seconds)
                 : "it does nothing more, and its memory does not change while it is read; no "
                   "liveness probe fails by it");
      step.settings = {{"container", container},
                       {"container_id", kubernetes::ContainerIdOf(status)},
                       {"liveness_seconds", budget ? fmt::format("{}", budget->seconds) : "none"}};
      step.uid = wire::TextOf(wire::ObjectOf(pod_, "metadata"), "uid");
      step.effect = Effect::kAlters;
      step.enabled = false;
      step.undo = "lets them go on";
    }
  }

  Result<void> Kill() {
    for (const std::string& process : maker_.request().kills) {
      const size_t colon = process.find(':');
      const auto is_number = [](std::string_view text) {
        return !text.empty() && std::ranges::all_of(text, IsDigit);
      };
      if (colon == std::string::npos || !is_number(std::string_view(process).substr(0, colon)) ||
          !is_number(std::string_view(process).substr(colon + 1)) || is_fargate_) {
        return Fail(ErrorCode::kInvalidArgument,
                    fmt::format("{}: PID:START_TICKS of a process of a pod on a node, as "
                                "live/processes.jsonl of an acquisition has them",
                                EscapeForTerminal(process)));
      }
      const std::string pid = process.substr(0, colon);
      Step& step = maker_.AddRemoval(
          StepKind::kKill, "kill", object_, path_, pod_, fmt::format("kill the process {}", pid),
          "destroys its memory; when it is the first of its container the kubelet restarts that");
      step.settings = {{"pid", pid}, {"start_ticks", process.substr(colon + 1)}};
    }
    return {};
  }

  void Capture() {
    Freeze();
    Step& step =
        maker_.AddStep(StepKind::kAcquire, "acquire-pod", "capture", object_,
                       "acquire what runs in the pod: processes, sockets, memory, changed files",
                       "goes through the kubelet's streams, which no policy cuts");
    step.path = path_;
    step.settings = {{"memory", maker_.request().memory}, {"via", is_fargate_ ? "exec" : "auto"}};
  }

  Result<void> Detach() {
    const Json& metadata = wire::ObjectOf(pod_, "metadata");
    const Json& owners = wire::ArrayOf(metadata, "ownerReferences");
    if (owners.empty()) return {};
    const std::string kind = wire::TextOf(owners[0], "kind");
    if (kind != "ReplicaSet" && kind != "StatefulSet" && kind != "DaemonSet" &&
        kind != "ReplicationController") {
      maker_.Warn(fmt::format("the pod belongs to a {}: it is not detached", kind));
      return {};
    }
    const Json owner =
        EKSHUME_TRY(maker_.client().Get(kubernetes::PathOfOwner(owners[0], namespace_)));
    const Json& selector = wire::ObjectOf(wire::ObjectOf(owner, "spec"), "selector");
    const Json& wanted =
        kind == "ReplicationController" ? selector : wire::ObjectOf(selector, "matchLabels");
    Json labels = Json::object();
    for (const auto& [label, value] : wanted.items()) labels[label] = nullptr;
    if (labels.empty()) {
      maker_.Warn("the controller selects by expressions: the pod is not detached");
      return {};
    }
    Step& step = Patch("detach", "detach", {{"metadata", {{"labels", std::move(labels)}}}},
                       fmt::format("take the pod away from its {} and its services", kind),
                       "the controller makes a clean replacement; the process, memory and files of "
                       "this one stay as they are");
    step.effect = Effect::kAlters;
    step.undo =
        "puts the labels back; the controller takes the pod again and deletes one of its "
        "pods, mostly the newest";
    return {};
  }

  void Disk() {
    if (is_fargate_) return;
    maker_.AddStep(
        StepKind::kManual, "snapshot-disks", "disk", fmt::format("node/{}", node_),
        "take the disks of the node: ekshume acquire snapshot INSTANCE --case CASE",
        "crash-consistent, with the writable layers of all its containers, deleted files too");
  }

  Result<void> Eradicate() {
    EKSHUME_TRY(Kill());
    BlockImages();
    maker_.AddRemoval(
        StepKind::kRemove, "delete-pod", object_, path_, pod_, "delete the pod",
        "destroys its memory, writable layer, emptyDir volumes and logs; it gets a SIGTERM "
        "first. After the image and the credentials that it could read are mended");
    return {};
  }

  void BlockImages() {
    AdmissionBlock block;
    for (const Json& status : wire::ArrayOf(wire::ObjectOf(pod_, "status"), "containerStatuses")) {
      const std::string image = wire::TextOf(status, "imageID");
      const size_t digest = image.find("sha256:");
      if (digest != std::string::npos) block.images.push_back(image.substr(digest));
    }
    if (!block.images.empty()) AddAdmissionBlock(maker_, block, false);
  }

  PlanMaker& maker_;
  const std::string namespace_;
  const std::string name_;
  const Json pod_;
  const std::string path_;
  const std::string object_;
  const std::string node_;
  const bool is_fargate_;
};

}  // namespace

Result<void> PlanPod(PlanMaker& maker, std::string_view in_namespace, std::string_view name) {
  const Json pod = EKSHUME_TRY(
      maker.client().Get(PathOf({"api", "v1", "namespaces", in_namespace, "pods", name})));
  return PodPlaybook(maker, in_namespace, name, pod).Run();
}

}  // namespace ekshume::live::respond
