// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/node_pod.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

#include "base/text.h"
#include "base/wait.h"

namespace ekshume::live::kubernetes {
namespace {

constexpr int kPodWaitSeconds = 180;
// How often a state that does not mend by itself is seen before we give up: half a second each, as
// the kubelet tries a pull again at once and then after ten seconds.
constexpr int kHopelessLooks = 30;
constexpr std::string_view kNodeProgram = "/ekshume/collect";

Result<void> MakeNamespace(Client& client, Acquisition& acquisition) {
  const auto there = client.Get(PathOf({"api", "v1", "namespaces", kOwnNamespace}));
  // Not allowed to look: creating the pod will say whether it is there.
  if (there || there.error().code != ErrorCode::kNotFound) return {};
  const Json body = {{"apiVersion", "v1"},
                     {"kind", "Namespace"},
                     {"metadata",
                      {{"name", kOwnNamespace},
                       {"labels", {{"pod-security.kubernetes.io/enforce", "privileged"}}}}}};
  EKSHUME_TRY(client.Post("/api/v1/namespaces", body));
  acquisition.Note("namespace_made", kOwnNamespace);
  return {};
}

Json PodOnNode(const NodePodRequest& request, const std::string& name) {
  const Json container = {
      {"name", "collect"},
      {"image", request.image},
      {"imagePullPolicy", "IfNotPresent"},
      {"command", {"sleep", "14400"}},
      {"securityContext", {{"privileged", true}, {"runAsUser", 0}}},
      {"volumeMounts",
       Json::array({{{"name", "memory"}, {"mountPath", "/ekshume"}},
                    {{"name", "host"}, {"mountPath", "/host"}, {"readOnly", true}}})}};
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"name", name}, {"labels", {{"app.kubernetes.io/name", "ekshume"}}}}},
          {"spec",
           {{"nodeName", request.node},
            {"hostPID", true},
            {"hostNetwork", true},
            {"restartPolicy", "Never"},
            {"terminationGracePeriodSeconds", 0},
            {"activeDeadlineSeconds", 14400},
            {"automountServiceAccountToken", false},
            {"enableServiceLinks", false},
            {"tolerations", Json::array({{{"operator", "Exists"}}})},
            {"containers", Json::array({container})},
            {"volumes", Json::array({{{"name", "memory"}, {"emptyDir", {{"medium", "Memory"}}}},
                                     {{"name", "host"}, {"hostPath", {{"path", "/"}}}}})}}}};
}

Result<void> WaitUntilRunning(const std::string& path, const std::string& node, Client& client,
                              const Progress& progress) {
  std::string state;
  int hopeless = 0;
  for (int i = 0; i < kPodWaitSeconds * 2 && hopeless < kHopelessLooks; ++i) {
    const Json pod = EKSHUME_TRY(client.Get(path));
    const Json& status = wire::ObjectOf(pod, "status");
    const std::string phase = wire::TextOf(status, "phase");
    if (phase == "Running") return {};
    state = phase;
    for (const Json& container : wire::ArrayOf(status, "containerStatuses")) {
      const Json& waiting = wire::ObjectOf(wire::ObjectOf(container, "state"), "waiting");
      const std::string reason = wire::TextOf(waiting, "reason");
      if (!reason.empty()) state = fmt::format("{}: {}", reason, wire::TextOf(waiting, "message"));
      if (IsHopeless(reason)) ++hopeless;
    }
    if (phase == "Failed" || phase == "Succeeded") break;
    EKSHUME_TRY(Wait(std::chrono::milliseconds(500), &progress));
  }
  return Fail(ErrorCode::kIo,
              fmt::format("our pod on {} does not run: {}", node, EscapeForTerminal(state)));
}

// Also after Ctrl-C: the transport of the client stops then, so another one does it.
void RemovePod(const std::string& path, Client& client, Acquisition& acquisition,
               const Progress& progress) {
  const Json now = {{"gracePeriodSeconds", 0}};
  Result<void> removed = client.Delete(path, now);
  if (!removed && progress.cancelled()) {
    const auto other = client.Again(nullptr);
    if (other) removed = (*other)->Delete(path, now);
  }
  if (!removed) {
    acquisition.Failed(fmt::format("deleting our pod {}", path), removed.error().message);
  }
}

}  // namespace

bool IsHopeless(std::string_view waiting_reason) {
  constexpr std::array<std::string_view, 7> kReasons = {
      "ErrImagePull",    "ImagePullBackOff",           "ErrImageNeverPull",   "InvalidImageName",
      "ErrImageInspect", "CreateContainerConfigError", "CreateContainerError"};
  return std::ranges::find(kReasons, waiting_reason) != kReasons.end();
}

std::string WhyNodeNotReady(const std::string& node, Client& client) {
  const auto object = client.Get(PathOf({"api", "v1", "nodes", node}));
  if (!object) return "";  // not knowing is no reason
  for (const Json& condition : wire::ArrayOf(wire::ObjectOf(*object, "status"), "conditions")) {
    if (wire::TextOf(condition, "type") != "Ready") continue;
    if (wire::TextOf(condition, "status") == "True") return "";
    return fmt::format("the node {} is not ready: {}", EscapeForTerminal(node),
                       EscapeForTerminal(wire::TextOf(condition, "message")));
  }
  return "";
}

Result<std::string> WhyNoNodePod(Client& client) {
  const std::string in(kOwnNamespace);
  const std::vector<Permission> needed = {
      {.verb = "create", .resource = "pods/exec", .in_namespace = in},
      {.verb = "get", .resource = "pods/exec", .in_namespace = in},
      {.verb = "create", .resource = "pods", .in_namespace = in},
      {.verb = "get", .resource = "pods", .in_namespace = in},
      {.verb = "delete", .resource = "pods", .in_namespace = in}};
  for (const Permission& permission : needed) {
    if (EKSHUME_TRY(client.May(permission))) continue;
    return fmt::format("the permission to {} is missing", permission.Text());
  }
  return std::string();
}

Result<void> WithNodePod(const NodePodRequest& request, Client& client, Acquisition& acquisition,
                         const Progress& progress,
                         const std::function<Result<void>(Place place)>& work) {
  EKSHUME_TRY(MakeNamespace(client, acquisition));
  const std::string name = fmt::format("collect-{:08x}", std::random_device{}());
  const std::string pods = PathOf({"api", "v1", "namespaces", kOwnNamespace, "pods"});
  EKSHUME_TRY(client.Post(pods, PodOnNode(request, name)));
  const std::string path = pods + PathOf({name});
  acquisition.Note("collector_pod", fmt::format("{}/{}", kOwnNamespace, name));
  Result<void> done = WaitUntilRunning(path, request.node, client, progress);
  if (done) {
    done = work({.in_namespace = std::string(kOwnNamespace),
                 .pod = name,
                 .container = "collect",
                 .program = std::string(kNodeProgram),
                 .arguments = {"--root", "/host"}});
  }
  RemovePod(path, client, acquisition, progress);
  return done;
}

}  // namespace ekshume::live::kubernetes
