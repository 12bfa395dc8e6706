// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/ascii.h"
#include "live/kubernetes/pod_state.h"
#include "live/respond/change.h"
#include "live/respond/plan_maker.h"

namespace ekshume::live::respond {
namespace {

using kubernetes::PathOf;

constexpr const char* kQuarantine = "ekshume.dev/quarantine";

// The seconds after which the kubelet restarts a container whose probes fail, and so loses its
// memory; nothing without liveness probes.
std::optional<int64_t> ProbeBudget(const Json& spec) {
  std::optional<int64_t> least;
  for (const Json& container : wire::ArrayOf(spec, "containers")) {
    if (!container.contains("livenessProbe")) continue;
    const Json& probe = wire::ObjectOf(container, "livenessProbe");
    const int64_t seconds =
        wire::IntegerOf(probe, "periodSeconds", 10) * wire::IntegerOf(probe, "failureThreshold", 3);
    least = std::min(least.value_or(seconds), seconds);
  }
  return least;
}

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
    EKSHUME_TRY(CutNetwork());
    Disk();
    Eradicate();
    const auto budget = ProbeBudget(wire::ObjectOf(pod_, "spec"));
    if (budget) {
      maker_.Warn(fmt::format(
          "liveness: when its probes fail for {} s the kubelet restarts a container and its memory "
          "is lost; capture first, and keep the way from the node to the pod open",
          *budget));
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

  void Capture() {
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

  // Whether the API server has a resource.
  bool Serves(const std::string& version, std::string_view resource) {
    const auto resources = maker_.client().Get("/apis/" + version);
    if (!resources) return false;
    return std::ranges::any_of(wire::ArrayOf(*resources, "resources"), [&](const Json& one) {
      return wire::TextOf(one, "name") == resource;
    });
  }

  void Policy(std::string collection, std::string object, Json body, std::string what,
              std::string reason) {
    Step& step = maker_.AddStep(StepKind::kCreate, "cut-network", "network", std::move(object),
                                std::move(what), std::move(reason));
    step.path = std::move(collection);
    step.body = std::move(body);
    step.undo = "deletes it";
  }

  void Probe(std::string_view id, std::string_view phase, std::string what, std::string reason) {
    Step& step =
        maker_.AddStep(StepKind::kProbe, id, phase, object_, std::move(what), std::move(reason));
    std::string probes;
    for (const std::string& probe : maker_.request().probes) probes += probe + " ";
    step.settings = {{"probes", probes}, {"expect", phase == "verify" ? "cut" : "any"}};
  }

  Result<void> CutNetwork() {
    const Json& spec = wire::ObjectOf(pod_, "spec");
    if (spec.contains("hostNetwork") && spec["hostNetwork"] == true) {
      maker_.Warn("the pod uses the node's network: no policy can cut it; isolate the node");
      return {};
    }
    if (is_fargate_) {
      maker_.Warn(
          "network policies do nothing on Fargate: a NACL of the subnet is the only cut, "
          "deleting the pod the only stop");
      return {};
    }
    Probe("probe-before", "network", "try connections from the pod's network namespace",
          "what the later verification is compared with; makes packets, and is recorded");
    const std::string name = fmt::format("ekshume-{}", AsciiLower(maker_.mark()));
    const Json selector = {{"matchLabels", {{kQuarantine, maker_.mark()}}}};
    const Json metadata = {{"name", name}, {"namespace", namespace_}};
    if (Serves("networking.k8s.aws/v1alpha1", "clusternetworkpolicies")) {
      Policy(PathOf({"apis", "networking.k8s.aws", "v1alpha1", "clusternetworkpolicies"}),
             fmt::format("clusternetworkpolicy/{}", name),
             {{"apiVersion", "networking.k8s.aws/v1alpha1"},
              {"kind", "ClusterNetworkPolicy"},
              {"metadata", {{"name", name}}},
              {"spec",
               {{"tier", "Admin"},
                {"priority", 1},
                {"subject",
                 {{"pods",
                   {{"namespaceSelector",
                     {{"matchLabels", {{"kubernetes.io/metadata.name", namespace_}}}}},
                    {"podSelector", selector}}}}},
                {"egress",
                 Json::array({{{"name", "deny-all"},
                               {"action", "Deny"},
                               {"to", Json::array({{{"networks", {"0.0.0.0/0", "::/0"}}}})}}})},
                {"ingress",
                 Json::array({{{"name", "deny-all"},
                               {"action", "Deny"},
                               {"from", Json::array({{{"namespaces", Json::object()}}})}}})}}}},
             "deny all traffic of the pod, above all other policies (VPC CNI)",
             "no allowing policy of a namespace opens a hole in it");
    } else if (Serves("cilium.io/v2", "ciliumnetworkpolicies")) {
      Policy(PathOf({"apis", "cilium.io", "v2", "namespaces", namespace_, "ciliumnetworkpolicies"}),
             fmt::format("ciliumnetworkpolicy/{}/{}", namespace_, name),
             {{"apiVersion", "cilium.io/v2"},
              {"kind", "CiliumNetworkPolicy"},
              {"metadata", metadata},
              {"spec",
               {{"endpointSelector", selector},
                {"egressDeny", Json::array({{{"toEntities", {"all"}}}})},
                {"ingressDeny", Json::array({{{"fromEntities", {"all"}}}})}}}},
             "deny all traffic of the pod (Cilium)", "deny beats every allow");
    } else if (Serves("projectcalico.org/v3", "networkpolicies")) {
      Policy(
          PathOf({"apis", "projectcalico.org", "v3", "namespaces", namespace_, "networkpolicies"}),
          fmt::format("calico-networkpolicy/{}/{}", namespace_, name),
          {{"apiVersion", "projectcalico.org/v3"},
           {"kind", "NetworkPolicy"},
           {"metadata", metadata},
           {"spec",
            {{"order", 0},
             {"selector", fmt::format("{} == '{}'", kQuarantine, maker_.mark())},
             {"types", {"Ingress", "Egress"}},
             {"ingress", Json::array({{{"action", "Deny"}}})},
             {"egress", Json::array({{{"action", "Deny"}}})}}}},
          "deny all traffic of the pod (Calico)", "order 0 comes before other policies");
    } else {
      Policy(
          PathOf({"apis", "networking.k8s.io", "v1", "namespaces", namespace_, "networkpolicies"}),
          fmt::format("networkpolicy/{}/{}", namespace_, name),
          {{"apiVersion", "networking.k8s.io/v1"},
           {"kind", "NetworkPolicy"},
           {"metadata", metadata},
           {"spec", {{"podSelector", selector}, {"policyTypes", {"Ingress", "Egress"}}}}},
          "deny all traffic of the pod",
          "policies add up: one that allows this pod something keeps its hole; the network "
          "plugin may not enforce policies at all, which the verification shows");
      EKSHUME_TRY(WarnOfHoles());
    }
    Probe("verify-network", "verify", "try the same connections again: all must fail",
          "isolation is tested in the data plane, not believed");
    return {};
  }

  // Other policies that will select the pod and so allow what they allow.
  Result<void> WarnOfHoles() {
    const Json& labels = wire::ObjectOf(wire::ObjectOf(pod_, "metadata"), "labels");
    std::set<std::string> lost;  // labels that the pod will not have any more
    if (const Step* detach = maker_.plan().Find("detach")) {
      for (const auto& [label, value] : detach->body["metadata"]["labels"].items())
        lost.insert(label);
    }
    return maker_.client().List(
        PathOf({"apis", "networking.k8s.io", "v1", "namespaces", namespace_, "networkpolicies"}),
        "", [&](const Json& policy) -> Result<void> {
          const Json& selector = wire::ObjectOf(wire::ObjectOf(policy, "spec"), "podSelector");
          for (const auto& [label, value] : wire::ObjectOf(selector, "matchLabels").items()) {
            if (lost.contains(label) || !labels.contains(label) || labels[label] != value)
              return {};
          }
          maker_.Warn(
              fmt::format("networkpolicy/{}/{} selects the pod too; what it allows stays open",
                          namespace_, wire::TextOf(wire::ObjectOf(policy, "metadata"), "name")));
          return {};
        });
  }

  void Disk() {
    if (is_fargate_) return;
    maker_.AddStep(
        StepKind::kManual, "snapshot-disks", "disk", fmt::format("node/{}", node_),
        "take the disks of the node: ekshume acquire snapshot INSTANCE --case CASE",
        "crash-consistent, with the writable layers of all its containers, deleted files too");
  }

  void Eradicate() {
    maker_.AddRemoval(
        StepKind::kRemove, "delete-pod", object_, path_, pod_, "delete the pod",
        "destroys its memory, writable layer, emptyDir volumes and logs; it gets a SIGTERM "
        "first. After the image and the credentials that it could read are mended");
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
