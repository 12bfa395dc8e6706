// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <set>

#include "base/ascii.h"
#include "live/kubernetes/pod_state.h"
#include "live/respond/plan_maker.h"

namespace ekshume::live::respond {
namespace {

using kubernetes::PathOf;

// Denies all traffic of one pod by the strongest policy that the cluster serves.
class NetworkCut {
 public:
  NetworkCut(PlanMaker& maker, const Json& pod)
      : maker_(maker),
        pod_(pod),
        namespace_(wire::TextOf(wire::ObjectOf(pod, "metadata"), "namespace")),
        object_(fmt::format("pod/{}/{}", namespace_,
                            wire::TextOf(wire::ObjectOf(pod, "metadata"), "name"))) {}

  Result<void> Run() {
    const Json& spec = wire::ObjectOf(pod_, "spec");
    if (spec.contains("hostNetwork") && spec["hostNetwork"] == true) {
      maker_.Warn("the pod uses the node's network: no policy can cut it; isolate the node");
      return {};
    }
    if (kubernetes::IsOnFargate(pod_)) {
      maker_.Warn(
          "network policies do nothing on Fargate: a NACL of the subnet is the only cut, "
          "deleting the pod the only stop. What was not streamed before is lost with it");
      return {};
    }
    Probe("probe-before", "network", "try connections from the pod's network namespace",
          "what the later verification is compared with; makes packets, and is recorded");
    const std::string name = fmt::format("ekshume-{}", AsciiLower(maker_.mark()));
    const Json selector = {{"matchLabels", {{kQuarantine, maker_.mark()}}}};
    const Json metadata = {{"name", name}, {"namespace", namespace_}};
    if (maker_.Serves("networking.k8s.aws/v1alpha1", "clusternetworkpolicies")) {
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
    } else if (maker_.Serves("cilium.io/v2", "ciliumnetworkpolicies")) {
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
    } else if (maker_.Serves("projectcalico.org/v3", "networkpolicies")) {
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

 private:
  void Policy(std::string collection, std::string object, Json body, std::string what,
              std::string reason) {
    maker_.AddCreation("cut-network", "network", std::move(object), std::move(collection),
                       std::move(body), std::move(what), std::move(reason));
  }

  void Probe(std::string_view id, std::string_view phase, std::string what, std::string reason) {
    Step& step =
        maker_.AddStep(StepKind::kProbe, id, phase, object_, std::move(what), std::move(reason));
    std::string probes;
    for (const std::string& probe : maker_.request().probes) probes += probe + " ";
    step.settings = {{"probes", probes}, {"expect", phase == "verify" ? "cut" : "any"}};
  }

  // Other policies that will select the pod and so allow what they allow.
  Result<void> WarnOfHoles() {
    const Json& labels = wire::ObjectOf(wire::ObjectOf(pod_, "metadata"), "labels");
    std::set<std::string> lost;  // labels that the pod will not have any more
    for (const Step& step : maker_.plan().steps) {
      if (step.phase != "detach" || step.object != object_) continue;
      for (const auto& [label, value] :
           wire::ObjectOf(wire::ObjectOf(step.body, "metadata"), "labels").items()) {
        lost.insert(label);
      }
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

  PlanMaker& maker_;
  const Json& pod_;
  const std::string namespace_;
  const std::string object_;
};

}  // namespace

Result<void> AddNetworkCut(PlanMaker& maker, const Json& pod) {
  return NetworkCut(maker, pod).Run();
}

}  // namespace ekshume::live::respond
