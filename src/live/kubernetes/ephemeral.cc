// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/ephemeral.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <random>

#include "base/text.h"
#include "base/wait.h"
#include "live/kubernetes/node_pod.h"

namespace ekshume::live::kubernetes {
namespace {

constexpr int kWaitSeconds = 180;
constexpr int kHopelessLooks = 30;
constexpr int64_t kFirstMinorWithPods = 22;  // Kubernetes 1.22
constexpr std::string_view kPatchType = "application/strategic-merge-patch+json";
// Ends when it is told to, wherever it is in its process namespace: there PID 1 ignores signals
// that it does not handle. The kubelet makes "$" of "$$" in commands.
constexpr std::string_view kStay =
    "trap 'exit 0' TERM; echo $$$$ > /tmp/.ekshume-pid; sleep 14400 & wait";
constexpr std::string_view kEnd = "kill $(cat /tmp/.ekshume-pid)";

std::string PathOfPod(const EphemeralRequest& request) {
  return PathOf({"api", "v1", "namespaces", request.in_namespace, "pods", request.pod});
}

// What is asked for; admission or an old server may refuse the first ones.
enum class Rights { kPtrace, kRoot, kAsThePod };

Json Container(const EphemeralRequest& request, const std::string& name, Rights rights) {
  Json container = {{"name", name},
                    {"image", request.image},
                    {"imagePullPolicy", "IfNotPresent"},
                    {"targetContainerName", request.target},
                    {"command", Json::array({"sh", "-c", kStay})},
                    {"terminationMessagePolicy", "File"}};
  if (rights == Rights::kAsThePod) return container;
  Json& security = container["securityContext"] = {{"runAsUser", 0}, {"runAsNonRoot", false}};
  if (rights == Rights::kPtrace) {
    security["capabilities"] = {{"add", Json::array({"SYS_PTRACE"})}};
  }
  return container;
}

// Whether the subresource takes a pod; nothing when the server does not say its version.
std::optional<bool> TakesPods(Client& client) {
  const auto version = client.Get("/version");
  if (!version) return std::nullopt;
  // "20+" of EKS and other builds.
  std::string minor = wire::TextOf(*version, "minor");
  minor = minor.substr(0, minor.find_first_not_of("0123456789"));
  if (minor.empty()) return std::nullopt;
  return wire::IntegerOf(Json{{"minor", minor}}, "minor") >= kFirstMinorWithPods;
}

// False when the server took the request and left the container out: it wants the other form.
Result<bool> Patch(const EphemeralRequest& request, const Json& container, bool as_pod,
                   Client& client) {
  const Json list = {{"ephemeralContainers", Json::array({container})}};
  const Json body = as_pod ? Json{{"spec", list}} : list;
  const auto answer =
      client.Patch(PathOfPod(request) + "/ephemeralcontainers", body, std::string(kPatchType));
  if (!answer && answer.error().code == ErrorCode::kNotFound) {
    return Fail(ErrorCode::kUnsupported,
                "the cluster has no ephemeral containers (on from Kubernetes 1.23), or the pod is "
                "gone");
  }
  if (!answer) return answer.error();
  const Json& at = as_pod ? wire::ObjectOf(*answer, "spec") : *answer;
  return std::ranges::any_of(wire::ArrayOf(at, "ephemeralContainers"), [&](const Json& each) {
    return wire::TextOf(each, "name") == wire::TextOf(container, "name");
  });
}

Result<void> AddTo(const EphemeralRequest& request, const Json& container,
                   std::optional<bool> takes_pods, Client& client) {
  if (EKSHUME_TRY(Patch(request, container, takes_pods.value_or(true), client))) return {};
  if (!takes_pods && EKSHUME_TRY(Patch(request, container, false, client))) return {};
  return Fail(ErrorCode::kUnsupported, "the API server left our ephemeral container out");
}

Result<void> WaitUntilRunning(const EphemeralRequest& request, const std::string& name,
                              Client& client, const Progress& progress) {
  std::string state = "the kubelet says nothing of it";
  int hopeless = 0;
  for (int i = 0; i < kWaitSeconds * 2 && hopeless < kHopelessLooks; ++i) {
    const Json pod = EKSHUME_TRY(client.Get(PathOfPod(request)));
    const Json& status = wire::ObjectOf(pod, "status");
    for (const Json& container : wire::ArrayOf(status, "ephemeralContainerStatuses")) {
      if (wire::TextOf(container, "name") != name) continue;
      const Json& now = wire::ObjectOf(container, "state");
      if (now.contains("running")) return {};
      const bool ended = now.contains("terminated");
      const Json& why = wire::ObjectOf(now, ended ? "terminated" : "waiting");
      const std::string reason = wire::TextOf(why, "reason");
      state = fmt::format("{}: {}", reason, wire::TextOf(why, "message"));
      if (IsHopeless(reason)) ++hopeless;
      if (ended) hopeless = kHopelessLooks;
    }
    EKSHUME_TRY(Wait(std::chrono::milliseconds(500), &progress));
  }
  return Fail(ErrorCode::kIo,
              fmt::format("our ephemeral container does not run: {}", EscapeForTerminal(state)));
}

}  // namespace

Result<std::string> WhyNoEphemeralContainer(const std::string& in_namespace, Client& client) {
  const std::array<Permission, 4> needed = {
      {{.verb = "patch", .resource = "pods/ephemeralcontainers", .in_namespace = in_namespace},
       {.verb = "get", .resource = "pods", .in_namespace = in_namespace},
       {.verb = "create", .resource = "pods/exec", .in_namespace = in_namespace},
       {.verb = "get", .resource = "pods/exec", .in_namespace = in_namespace}}};
  for (const Permission& permission : needed) {
    if (EKSHUME_TRY(client.May(permission))) continue;
    return fmt::format("the permission to {} is missing", permission.Text());
  }
  return std::string();
}

Result<void> WithEphemeralContainer(const EphemeralRequest& request, Client& client,
                                    CollectorRun& run, Acquisition& acquisition,
                                    const Progress& progress,
                                    const std::function<Result<void>(Place place)>& work) {
  const std::string name = fmt::format("ekshume-{:08x}", std::random_device{}());
  const std::optional<bool> takes_pods = TakesPods(client);
  Result<void> added =
      AddTo(request, Container(request, name, Rights::kPtrace), takes_pods, client);
  // Pod security "baseline" forbids the capability, and nothing else of it.
  if (!added && added.error().message.find("SYS_PTRACE") != std::string::npos) {
    added = AddTo(request, Container(request, name, Rights::kRoot), takes_pods, client);
    if (added) acquisition.Note("ephemeral_without", "SYS_PTRACE, which admission refuses");
  }
  // "cannot be set for an Ephemeral Container", before Kubernetes 1.22; and "restricted".
  if (!added && (added.error().message.find("securityContext") != std::string::npos ||
                 added.error().message.find("runAs") != std::string::npos)) {
    added = AddTo(request, Container(request, name, Rights::kAsThePod), takes_pods, client);
    if (added) acquisition.Note("ephemeral_without", "a security context, which is refused");
  }
  EKSHUME_TRY(std::move(added));
  acquisition.Note("ephemeral_container", name);
  const std::string stays = fmt::format(
      "the ephemeral container {} stays in the pod's description until the pod is deleted", name);
  acquisition.Note("left_in_pod", stays);
  Result<void> done = WaitUntilRunning(request, name, client, progress);
  if (!done) return done;
  const Place place{.in_namespace = request.in_namespace,
                    .pod = request.pod,
                    .container = name,
                    .program = "",
                    .arguments = {}};
  done = work(place);
  const auto ended = run.CleanUp(place, std::string(kEnd));
  if (ended) {
    acquisition.Note("left_in_pod", fmt::format("{}; its process was ended", stays));
  } else {
    acquisition.Failed(fmt::format("ending the ephemeral container {}", name),
                       ended.error().message);
  }
  return done;
}

}  // namespace ekshume::live::kubernetes
