// SPDX-License-Identifier: Apache-2.0
#include "live/respond/probe.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/text.h"
#include "live/kubernetes/node_pod.h"
#include "live/kubernetes/pod_state.h"

namespace ekshume::live::respond {
namespace {

using kubernetes::PathOf;
using wire::Json;

// HOST and PORT; nothing for what a shell could read otherwise.
std::optional<std::pair<std::string, std::string>> SplitTarget(std::string_view target) {
  const size_t colon = target.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == target.size()) return {};
  const std::string host(target.substr(0, colon));
  const std::string port(target.substr(colon + 1));
  const auto is_plain = [](char c) {
    return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
           c == ':';
  };
  if (!std::ranges::all_of(host, is_plain) || host.front() == '-' ||
      !std::ranges::all_of(port, IsDigit) || port.size() > 5) {
    return {};
  }
  return std::pair(host, port);
}

// The id without its runtime, of the first container that runs.
std::string RunningContainer(const Json& pod) {
  for (const Json& status : wire::ArrayOf(wire::ObjectOf(pod, "status"), "containerStatuses")) {
    if (wire::ObjectOf(status, "state").contains("running"))
      return kubernetes::ContainerIdOf(status);
  }
  return "";
}

// The PolicyEndpoints by which the VPC CNI of EKS knows the pod's address; null where it has none.
// That the pod is in one is no proof: the connections are.
Json PolicyEndpointsOf(const std::string& in_namespace, const std::string& address,
                       kubernetes::Client& client) {
  Json names = Json::array();
  const auto listed =
      client.List(PathOf({"apis", "networking.k8s.aws", "v1alpha1", "namespaces", in_namespace,
                          "policyendpoints"}),
                  "", [&](const Json& endpoint) -> Result<void> {
                    for (const Json& pod :
                         wire::ArrayOf(wire::ObjectOf(endpoint, "spec"), "podSelectorEndpoints")) {
                      if (!address.empty() && wire::TextOf(pod, "podIP") == address) {
                        names.push_back(wire::TextOf(wire::ObjectOf(endpoint, "metadata"), "name"));
                      }
                    }
                    return {};
                  });
  return listed ? names : Json();
}

}  // namespace

Result<Json> ProbeNetwork(const ProbeRequest& request, kubernetes::Client& client,
                          Acquisition& acquisition, DiagnosticSink& diagnostics,
                          const Progress& progress) {
  const Json pod = EKSHUME_TRY(
      client.Get(PathOf({"api", "v1", "namespaces", request.in_namespace, "pods", request.pod})));
  std::vector<std::string> targets = request.targets;
  const auto service = client.Get("/api/v1/namespaces/default/services/kubernetes");
  if (service) {
    targets.push_back(wire::TextOf(wire::ObjectOf(*service, "spec"), "clusterIP") + ":443");
  }
  const std::string container = RunningContainer(pod);
  if (container.empty() || !std::ranges::all_of(container, [](char c) {
        return IsDigit(c) || (c >= 'a' && c <= 'z');
      })) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("no container of {}/{} runs", request.in_namespace, request.pod));
  }
  std::string script = fmt::format(
      "pid=; for p in /proc/[0-9]*; do if grep -q {} $p/cgroup 2>/dev/null; then "
      "pid=${{p#/proc/}}; break; fi; done; [ -n \"$pid\" ] || {{ echo none; exit 0; }}\n",
      container);
  for (const std::string& target : targets) {
    const auto parts = SplitTarget(target);
    if (!parts) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is no HOST:PORT", EscapeForTerminal(target)));
    }
    script += fmt::format(
        "if nsenter -t $pid -n nc -w 3 {0} {1} -e true 2>/dev/null; then echo open {0}:{1}; else "
        "echo "
        "cut {0}:{1}; fi\n",
        parts->first, parts->second);
  }
  const std::string address = wire::TextOf(wire::ObjectOf(pod, "status"), "podIP");
  if (SplitTarget(address + ":1")) {
    script += fmt::format(
        "if [ -r /proc/1/net/nf_conntrack ]; then echo tracked $(grep -c -w -F {} "
        "/proc/1/net/nf_conntrack); fi\n",
        address);
  }
  std::string printed;
  const kubernetes::NodePodRequest node{
      .node = wire::TextOf(wire::ObjectOf(pod, "spec"), "nodeName"), .image = request.image};
  const kubernetes::CollectorOptions unused;
  const Result<void> probed = kubernetes::WithNodePod(
      node, client, acquisition, progress, [&](const kubernetes::Place& place) -> Result<void> {
        kubernetes::CollectorRun run(unused, client, acquisition, diagnostics, progress);
        printed = EKSHUME_TRY(run.Shell(place, script));
        return {};
      });
  if (!probed) return probed.error();
  Json result = {{"targets", Json::array()}, {"tracked", nullptr}};
  for (const std::string_view line : SplitNonEmpty(printed, '\n')) {
    const auto words = SplitNonEmpty(line, ' ');
    if (words.size() == 2 && words[0] == "tracked") {
      result["tracked"] = std::string(words[1]);
    } else if (words.size() == 2 && (words[0] == "open" || words[0] == "cut")) {
      result["targets"].push_back(
          {{"target", std::string(words[1])}, {"state", std::string(words[0])}});
    } else if (line == "none") {
      return Fail(ErrorCode::kNotFound, "no process of the pod was found on its node");
    }
  }
  result["policy_endpoints"] = PolicyEndpointsOf(request.in_namespace, address, client);
  EKSHUME_TRY(acquisition.Add("probe.json", "the pod's network namespace", wire::DumpJson(result)));
  return result;
}

std::vector<std::string> TargetsIn(const Json& result, std::string_view state) {
  std::vector<std::string> found;
  for (const Json& target : wire::ArrayOf(result, "targets")) {
    if (wire::TextOf(target, "state") == state) found.push_back(wire::TextOf(target, "target"));
  }
  return found;
}

}  // namespace ekshume::live::respond
