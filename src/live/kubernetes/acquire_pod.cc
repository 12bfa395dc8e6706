// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/acquire_pod.h"

#include <fmt/format.h>

#include <random>

#include "base/text.h"
#include "live/kubernetes/node_pod.h"
#include "live/kubernetes/pod_state.h"

namespace ekshume::live::kubernetes {
namespace {

// Where a program may be started from in a container: memory first, its own layer last.
constexpr std::string_view kFindFolder =
    "for d in /dev/shm /run /tmp /var/tmp /; do f=${d%/}/.ekshume-$$; "
    "if printf '#!/bin/sh\\nexit 0\\n' 2>/dev/null >\"$f\" && chmod 700 \"$f\" && \"$f\" "
    "2>/dev/null; "
    "then rm -f \"$f\"; echo \"${d%/}/.ekshume\"; exit 0; fi; rm -f \"$f\"; done 2>/dev/null; exit "
    "1";

class PodAcquisition {
 public:
  PodAcquisition(const PodRequest& request, Client& client, Acquisition& acquisition,
                 DiagnosticSink& diagnostics, const Progress& progress)
      : request_(request),
        client_(client),
        acquisition_(acquisition),
        progress_(progress),
        run_(request.collecting, client, acquisition, diagnostics, progress) {}

  Result<void> Run() {
    pod_ = EKSHUME_TRY(client_.Get(
        PathOf({"api", "v1", "namespaces", request_.in_namespace, "pods", request_.pod})));
    uid_ = aws::TextOf(aws::ObjectOf(pod_, "metadata"), "uid");
    node_ = aws::TextOf(aws::ObjectOf(pod_, "spec"), "nodeName");
    acquisition_.Note("pod_uid", uid_);
    acquisition_.Note("node", node_);
    SavePodState(pod_, client_, acquisition_);
    std::string why;
    if (request_.via != "exec") {
      why = EKSHUME_TRY(WhyNoNodePod(client_));
      if (why.empty()) {
        acquisition_.SetMethod(
            "collector in a privileged pod on the node, over exec",
            request_.via == "auto" ? "the most complete way, and allowed" : "asked for by --via");
        return ByNode();
      }
    }
    if (request_.via != "node") {
      const std::string why_not_exec = EKSHUME_TRY(WhyNotExec());
      if (why_not_exec.empty()) {
        acquisition_.SetMethod("collector in the container, over exec",
                               request_.via == "auto" ? fmt::format("not by the node: {}", why)
                                                      : "asked for by --via");
        return ByExec();
      }
      if (request_.via == "exec") why = why_not_exec;
    }
    acquisition_.SetMethod("objects and logs of the API only", why);
    return Fail(ErrorCode::kUnsupported,
                fmt::format("only the pod's objects and logs were acquired: {}", why));
  }

 private:
  // Why the way into the container is closed to us, as a sentence; "" when it is open.
  Result<std::string> WhyNotExec() {
    for (const char* verb : {"create", "get"}) {
      const Permission permission{
          .verb = verb, .resource = "pods/exec", .in_namespace = request_.in_namespace};
      if (EKSHUME_TRY(client_.May(permission))) continue;
      return fmt::format("the permission to {} is missing", permission.Text());
    }
    return std::string();
  }

  Result<void> ByNode() {
    return WithNodePod({.node = node_, .image = request_.image}, client_, acquisition_, progress_,
                       [this](Place place) -> Result<void> {
                         EKSHUME_TRY(SetScope(place));
                         const std::string program = EKSHUME_TRY(run_.ReadCollector(node_));
                         EKSHUME_TRY(run_.Send(place, program));
                         return run_.Collect(place);
                       });
  }

  Result<void> SetScope(Place& place) {
    if (request_.container.empty()) {
      place.arguments.insert(place.arguments.end(), {"--pod-uid", uid_});
      return {};
    }
    for (const Json& status : aws::ArrayOf(aws::ObjectOf(pod_, "status"), "containerStatuses")) {
      if (aws::TextOf(status, "name") != request_.container) continue;
      const std::string id = aws::TextOf(status, "containerID");  // containerd://ID
      const size_t slashes = id.find("://");
      if (slashes == std::string::npos) break;
      place.arguments.insert(place.arguments.end(), {"--container", id.substr(slashes + 3)});
      return {};
    }
    return Fail(ErrorCode::kNotFound,
                fmt::format("the pod runs no container {}", EscapeForTerminal(request_.container)));
  }

  Result<void> ByExec() {
    Place place{.in_namespace = request_.in_namespace,
                .pod = request_.pod,
                .container = request_.container,
                .program = "",
                .arguments = {}};
    const Json& containers = aws::ArrayOf(aws::ObjectOf(pod_, "spec"), "containers");
    if (place.container.empty() && !containers.empty()) {
      place.container = aws::TextOf(containers[0], "name");
    }
    const auto folder = run_.Shell(place, std::string(kFindFolder));
    if (!folder) {
      return WithContext(folder.error(), "the container has no shell or no place to start from");
    }
    // What the container prints is hostile: only what we asked about is used.
    if (!folder->ends_with("/.ekshume") ||
        folder->find_first_not_of("/.abcdefghijklmnopqrstuvwxyz") != std::string::npos) {
      return Fail(ErrorCode::kCorrupt, "the container answers with a path that was not asked for");
    }
    place.program = fmt::format("{}-{:08x}", *folder, std::random_device{}());
    acquisition_.Note("written_in_container", place.program);
    const auto program = run_.ReadCollector(node_);
    Result<void> done = program ? run_.Send(place, *program) : Result<void>(program.error());
    if (done) done = run_.Collect(place);
    const auto removed = run_.Shell(place, fmt::format("rm -f {}", place.program));
    if (!removed) {
      acquisition_.Failed(fmt::format("deleting {} in the container", place.program),
                          removed.error().message);
    }
    return done;
  }

  const PodRequest& request_;
  Client& client_;
  Acquisition& acquisition_;
  const Progress& progress_;
  CollectorRun run_;
  Json pod_;
  std::string uid_;
  std::string node_;
};

}  // namespace

Result<void> AcquirePod(const PodRequest& request, Client& client, Acquisition& acquisition,
                        DiagnosticSink& diagnostics, const Progress& progress) {
  return PodAcquisition(request, client, acquisition, diagnostics, progress).Run();
}

}  // namespace ekshume::live::kubernetes
