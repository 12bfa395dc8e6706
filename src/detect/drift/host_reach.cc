// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "detect/drift/checks.h"

namespace ekshume::detect::drift {
namespace {

// A registry path or a part of it, of images that are agents of nodes. Mirrors keep the last parts
// of a name, so these count in namespaces of the system only.
constexpr std::array<std::string_view, 18> kRegistries = {
    "602401143452.dkr.ecr.",  // EKS add-ons; other regions below
    "public.ecr.aws/eks/",
    "public.ecr.aws/eks-distro/",
    "public.ecr.aws/aws-observability/",
    "public.ecr.aws/ebs-csi-driver/",
    "registry.k8s.io/",
    "k8s.gcr.io/",
    "quay.io/cilium/",
    "quay.io/calico/",
    "docker.io/calico/",
    "quay.io/prometheus/",
    "docker.io/falcosecurity/",
    "falcosecurity/",
    "docker.io/grafana/",
    "gcr.io/datadoghq/",
    "public.ecr.aws/datadog/",
    "docker.io/fluent/",
    "docker.io/aquasec/"};
// Accounts of EKS's registries in regions of their own (amazon-container-image registries).
constexpr std::array<std::string_view, 8> kAccounts = {
    "602401143452", "800184023465", "877085696533", "900889452093",
    "918309763551", "961992271922", "151742754352", "013241004608"};
constexpr std::array<std::string_view, 44> kNames = {"kube-proxy",
                                                     "kube-apiserver",
                                                     "kube-controller-manager",
                                                     "kube-scheduler",
                                                     "etcd",
                                                     "amazon-k8s-cni",
                                                     "amazon/aws-network-policy-agent",
                                                     "aws-node",
                                                     "vpc-cni",
                                                     "aws-ebs-csi-driver",
                                                     "aws-efs-csi-driver",
                                                     "csi-node-driver-registrar",
                                                     "livenessprobe",
                                                     "node-driver-registrar",
                                                     "aws-guardduty-agent",
                                                     "eks-pod-identity-agent",
                                                     "cloudwatch-agent",
                                                     "aws-for-fluent-bit",
                                                     "fluent-bit",
                                                     "fluentd",
                                                     "node-exporter",
                                                     "cilium",
                                                     "calico",
                                                     "flannel",
                                                     "weave",
                                                     "kindnetd",
                                                     "node-problem-detector",
                                                     "falco",
                                                     "tetragon",
                                                     "datadog",
                                                     "newrelic",
                                                     "dynatrace",
                                                     "sysdig",
                                                     "csi-driver",
                                                     "nvidia",
                                                     "k8s-device-plugin",
                                                     "node-local-dns",
                                                     "node-cache",
                                                     "promtail",
                                                     "alloy",
                                                     "otel",
                                                     "nodelocaldns",
                                                     "node-termination-handler",
                                                     "coredns"};

// The access that alone gives the node away.
bool IsDecisive(std::string_view access) {
  if (access.ends_with("(read-only)")) return false;
  if (access == "privileged") return true;
  if (!access.starts_with("host mount ")) return false;
  const std::string_view mount = access.substr(std::string_view("host mount ").size());
  return mount == "/" || mount == "/etc" || mount == "/root" || mount == "/proc" ||
         mount == "/var" || mount == "/var/lib" || mount == "/var/lib/kubelet" || mount == "/usr" ||
         mount == "/run" || mount == "/var/run" || mount.ends_with(".sock") ||
         mount.starts_with("/etc/") || mount.starts_with("/root/");
}

// What helps to get out, with something else.
bool IsStrong(std::string_view access) {
  return access == "host process namespace" || access == "capability SYS_ADMIN" ||
         access == "capability SYS_PTRACE" || access == "capability SYS_MODULE" ||
         access == "capability SYS_RAWIO" || access == "capability DAC_READ_SEARCH" ||
         access == "capability BPF";
}

}  // namespace

bool IsSystemNamespace(std::string_view name_space) {
  return name_space == "kube-system" || name_space == "kube-node-lease" ||
         name_space == "amazon-guardduty" || name_space == "amazon-cloudwatch" ||
         name_space == "calico-system" || name_space == "tigera-operator" ||
         name_space == "kube-flannel";
}

bool IsKnownAgent(std::string_view image, std::string_view name_space) {
  for (const std::string_view registry : kRegistries) {
    if (image.starts_with(registry)) return true;
  }
  const std::string_view host = image.substr(0, image.find('/'));
  const bool is_ecr = host.find(".dkr.ecr") != std::string_view::npos;
  for (const std::string_view account : kAccounts) {
    if (is_ecr && host.starts_with(account)) return true;
  }
  if (!IsSystemNamespace(name_space)) return false;
  std::string_view name = image.substr(0, image.find('@'));
  const size_t colon = name.rfind(':');
  if (colon != std::string_view::npos && name.find('/', colon) == std::string_view::npos) {
    name = name.substr(0, colon);
  }
  const std::string_view last = name.substr(name.rfind('/') + 1);
  return std::ranges::any_of(kNames, [&](std::string_view known) {
    return known.find('/') == std::string_view::npos ? last.starts_with(known)
                                                     : name.ends_with(known);
  });
}

std::optional<Verdict> CheckHostReach(const HostReach& reach) {
  if (reach.access.empty()) return std::nullopt;
  Verdict verdict;
  verdict.rule = &RuleOf("drift.host_access");
  const auto decisive = std::ranges::count_if(reach.access, IsDecisive);
  const auto strong = std::ranges::count_if(reach.access, IsStrong);
  verdict.level = decisive > 0 && decisive + strong > 1 ? "high"
                  : decisive > 0 || strong > 0          ? "medium"
                                                        : "low";
  verdict.reasons.push_back(fmt::format("{}", fmt::join(reach.access, ", ")));
  if (reach.is_known) {
    verdict.level = "informational";
    verdict.reasons.emplace_back("it is a known agent of nodes, which needs this");
  } else if (reach.of_node_set) {
    verdict.level = verdict.level == "low" ? "informational" : "low";
    verdict.reasons.emplace_back("it is of a DaemonSet that came with the node");
  } else if (reach.imitates_system) {
    verdict.reasons.emplace_back(
        "it runs in a namespace of the system, but its image is none of the system's");
    verdict.tags.emplace_back("attack.defense-evasion attack.t1036.005");
  }
  return verdict;
}

}  // namespace ekshume::detect::drift
