// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/acquire_pod.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <optional>
#include <random>

#include "base/text.h"
#include "live/kubernetes/checkpoint.h"
#include "live/kubernetes/earlier_parts.h"
#include "live/kubernetes/ephemeral.h"
#include "live/kubernetes/node_pod.h"
#include "live/kubernetes/pod_state.h"
#include "live/kubernetes/pod_tools.h"

namespace ekshume::live::kubernetes {
namespace {

// Where a program may be started from in a container: memory first, its own layer last.
constexpr std::string_view kFindFolder =
    "for d in /dev/shm /run /tmp /var/tmp /; do f=${d%/}/.ekshume-$$; "
    "if printf '#!/bin/sh\\nexit 0\\n' 2>/dev/null >\"$f\" && chmod 700 \"$f\" && \"$f\" "
    "2>/dev/null; "
    "then rm -f \"$f\"; echo \"${d%/}/.ekshume\"; exit 0; fi; rm -f \"$f\"; done 2>/dev/null; exit "
    "1";
// Ends a collector that still runs there, as after Ctrl-C, and deletes it.
constexpr std::string_view kRemove =
    "for p in /proc/[0-9]*; do case \"$(ls -l $p/exe)\" in *{0}*) kill -9 ${{p#/proc/}};; esac; "
    "done 2>/dev/null; rm -f {0}";
constexpr std::string_view kFargate =
    "the pod runs on Fargate: deleting it is the only way to stop it, and takes with it all that "
    "was not acquired";

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
    const Json& metadata = wire::ObjectOf(pod_, "metadata");
    uid_ = wire::TextOf(metadata, "uid");
    node_ = wire::TextOf(wire::ObjectOf(pod_, "spec"), "nodeName");
    fargate_ = IsOnFargate(pod_);
    acquisition_.Note("pod_uid", uid_);
    acquisition_.Note("node", node_);
    if (!request_.resume.empty()) {
      earlier_ = EKSHUME_TRY(ReadEarlierParts(request_.resume, uid_));
    }
    SavePodState(pod_, client_, acquisition_);
    const Result<void> done = TryChannels();
    if (fargate_) {
      acquisition_.Note("warning",
                        fmt::format("{}. {}", kFargate,
                                    done ? "It was acquired; delete it when you have looked at "
                                           "what is there"
                                         : "It was not acquired: do not delete it yet"));
    }
    return done;
  }

 private:
  struct Channel {
    std::string_view name;
    std::string_view method;
    Result<std::string> (PodAcquisition::*why_not)();
    Result<void> (PodAcquisition::*run)();
    bool when_asked = false;  // by --via alone
  };
  static constexpr std::array<Channel, 5> Channels() {
    return {{{"node", "collector in a privileged pod on the node, over exec",
              &PodAcquisition::WhyNotNode, &PodAcquisition::ByNode},
             {"ephemeral", "collector in an ephemeral container of the pod, over exec",
              &PodAcquisition::WhyNotEphemeral, &PodAcquisition::ByEphemeral},
             {"exec", "collector in the container, over exec", &PodAcquisition::WhyNotExec,
              &PodAcquisition::ByExec},
             {"tools", "the container's own shell and programs, over exec",
              &PodAcquisition::WhyNotExec, &PodAcquisition::ByTools},
             {"checkpoint", "checkpoint by the kubelet, fetched from the node",
              &PodAcquisition::WhyNotCheckpoint, &PodAcquisition::ByCheckpoint,
              /*when_asked=*/true}}};
  }

  Result<void> TryChannels() {
    std::string passed;  // which were not taken, and why
    std::optional<Error> last;
    for (const Channel& channel : Channels()) {
      if (request_.via == "auto" ? channel.when_asked : request_.via != channel.name) continue;
      if (!earlier_.channel.empty() && earlier_.channel != channel.name) continue;
      std::string why = EKSHUME_TRY((this->*channel.why_not)());
      if (why.empty()) {
        acquisition_.SetMethod(channel.method, request_.via != "auto" ? "asked for by --via"
                                               : passed.empty()
                                                   ? "the most complete way, and allowed"
                                                   : passed);
        acquisition_.Note("channel", channel.name);
        channel_ = channel.name;
        Result<void> done = (this->*channel.run)();
        if (done) {
          SayWhatWasLeftOut();
          return done;
        }
        why = done.error().message;
        last = done.error();
        // Another channel does not help when the user stops or our own disk is full.
        const ErrorCode code = done.error().code;
        if (code == ErrorCode::kCancelled || code == ErrorCode::kNoSpace) return done;
        if (request_.via == "auto") {
          acquisition_.Failed(fmt::format("by {}", channel.name), why,
                              MissingPermission(done.error()));
        }
      }
      acquisition_.Note(fmt::format("not_by_{}", channel.name), why);
      passed += fmt::format("{}not by {}: {}", passed.empty() ? "" : "; ", channel.name, why);
    }
    acquisition_.SetMethod("objects and logs of the API only", passed);
    if (passed.empty()) passed = "there is no way to go on with what was resumed";
    return Fail(last ? last->code : ErrorCode::kUnsupported,
                fmt::format("only the pod's objects and logs were acquired: {}", passed));
  }

  // Why a channel is closed to us, as a sentence; "" when it is open.
  Result<std::string> WhyNotNode() {
    if (fargate_) return std::string("no pod of ours can be beside one on Fargate");
    if (node_.empty()) return std::string("the pod is on no node yet");
    std::string why = EKSHUME_TRY(WhyNoNodePod(client_));
    return why.empty() ? WhyNodeNotReady(node_, client_) : why;
  }

  Result<std::string> WhyNotEphemeral() {
    std::string why = WhyNotRunning();
    return why.empty() ? WhyNoEphemeralContainer(request_.in_namespace, client_) : why;
  }

  Result<std::string> WhyNotExec() {
    for (const char* verb : {"create", "get"}) {
      const Permission permission{
          .verb = verb, .resource = "pods/exec", .in_namespace = request_.in_namespace};
      if (EKSHUME_TRY(client_.May(permission))) continue;
      return fmt::format("the permission to {} is missing", permission.Text());
    }
    return WhyNotRunning();
  }

  Result<std::string> WhyNotCheckpoint() {
    std::string why = EKSHUME_TRY(WhyNotNode());
    return why.empty() ? WhyNoCheckpoint(client_) : why;
  }

  std::string WhyNotRunning() const {
    const std::string phase = wire::TextOf(wire::ObjectOf(pod_, "status"), "phase");
    if (phase.empty() || phase == "Running") return "";
    return fmt::format("the pod does not run ({})", EscapeForTerminal(phase));
  }

  // All channels but the node's take one container.
  void SayWhatWasLeftOut() {
    const size_t count = wire::ArrayOf(wire::ObjectOf(pod_, "spec"), "containers").size();
    if (channel_ == "node" || !request_.container.empty() || count < 2) return;
    acquisition_.Failed(fmt::format("{} other containers of the pod", count - 1),
                        fmt::format("by {} only {} was acquired; --container names another one",
                                    channel_, EscapeForTerminal(ContainerName())));
  }

  // The container that is meant where there must be one.
  std::string ContainerName() const {
    if (!request_.container.empty()) return request_.container;
    const Json& containers = wire::ArrayOf(wire::ObjectOf(pod_, "spec"), "containers");
    return containers.empty() ? "" : wire::TextOf(containers[0], "name");
  }

  // What the runtime calls it; "" while it does not run.
  std::string ContainerId(std::string_view name) const {
    const Json& all = wire::ObjectOf(pod_, "status");
    for (const char* list :
         {"containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"}) {
      for (const Json& status : wire::ArrayOf(all, list)) {
        if (wire::TextOf(status, "name") != name) continue;
        return ContainerIdOf(status);
      }
    }
    return "";
  }

  Place InContainer() const {
    return {.in_namespace = request_.in_namespace,
            .pod = request_.pod,
            .container = ContainerName(),
            .program = "",
            .arguments = {}};
  }

  Result<void> ByNode() {
    return WithNodePod({.node = node_, .image = request_.image}, client_, acquisition_, progress_,
                       [this](Place place) -> Result<void> {
                         EKSHUME_TRY(SetScope(place));
                         const std::string program = EKSHUME_TRY(run_.ReadCollector(node_));
                         EKSHUME_TRY(run_.Send(place, program));
                         return Collect(place);
                       });
  }

  Result<void> SetScope(Place& place) {
    if (request_.container.empty()) {
      place.arguments.insert(place.arguments.end(), {"--pod-uid", uid_});
      return {};
    }
    const std::string id = ContainerId(request_.container);
    if (id.empty()) {
      return Fail(ErrorCode::kNotFound, fmt::format("the pod runs no container {}",
                                                    EscapeForTerminal(request_.container)));
    }
    place.arguments.insert(place.arguments.end(), {"--container", id});
    return {};
  }

  Result<void> ByEphemeral() {
    const std::string id = ContainerId(ContainerName());
    return WithEphemeralContainer({.in_namespace = request_.in_namespace,
                                   .pod = request_.pod,
                                   .target = ContainerName(),
                                   .image = request_.image},
                                  client_, run_, acquisition_, progress_, [&](Place place) {
                                    if (!id.empty()) place.arguments = {"--container", id};
                                    return CollectInside(place);
                                  });
  }

  Result<void> ByExec() {
    Place place = InContainer();
    return CollectInside(place);
  }

  // Brings the collector into a container of the pod, runs it and takes it away again.
  Result<void> CollectInside(Place& place) {
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
    if (done) done = Collect(place);
    const auto removed = run_.CleanUp(place, fmt::format(fmt::runtime(kRemove), place.program));
    if (!removed) {
      acquisition_.Failed(fmt::format("deleting {} in the container", place.program),
                          removed.error().message);
    }
    return done;
  }

  Result<void> Collect(const Place& place) {
    const std::string folder = EKSHUME_TRY(PartsFolder());
    const std::vector<std::string> parts =
        EKSHUME_TRY(CopyEarlierParts(earlier_, folder, acquisition_));
    return run_.Collect(place, folder, parts);
  }

  // Parts of two channels are no parts of one collection: in one the processes have the node's
  // numbers, in the other the container's.
  Result<std::string> PartsFolder() const {
    const std::string folder = fmt::format("{}/collection", acquisition_.directory());
    std::error_code error;
    const bool is_first =
        !std::filesystem::exists(folder, error) || std::filesystem::is_empty(folder, error);
    return is_first ? std::string("collection") : fmt::format("collection-{}", channel_);
  }

  Result<void> ByTools() {
    const Place place = InContainer();
    const std::string folder = EKSHUME_TRY(PartsFolder());
    return CollectByTools({.container_id = ContainerId(place.container),
                           .pod_uid = uid_,
                           .file = fmt::format("{}/part-1.ekc", folder),
                           .memory = request_.collecting.memory},
                          place, run_, acquisition_);
  }

  Result<void> ByCheckpoint() {
    const std::string container = ContainerName();
    const std::string path =
        EKSHUME_TRY(MakeCheckpoint(node_, request_.in_namespace, request_.pod, container, client_));
    acquisition_.Note("checkpoint", path);
    return WithNodePod({.node = node_, .image = request_.image}, client_, acquisition_, progress_,
                       [&](const Place& place) {
                         return FetchCheckpoint(path, container, place, run_, acquisition_);
                       });
  }

  const PodRequest& request_;
  Client& client_;
  Acquisition& acquisition_;
  const Progress& progress_;
  CollectorRun run_;
  Json pod_;
  std::string uid_;
  std::string node_;
  bool fargate_ = false;
  std::string_view channel_;  // that is being tried
  EarlierParts earlier_;
};

}  // namespace

Result<void> AcquirePod(const PodRequest& request, Client& client, Acquisition& acquisition,
                        DiagnosticSink& diagnostics, const Progress& progress) {
  return PodAcquisition(request, client, acquisition, diagnostics, progress).Run();
}

}  // namespace ekshume::live::kubernetes
