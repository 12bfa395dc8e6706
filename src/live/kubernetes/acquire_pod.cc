// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/acquire_pod.h"

#include <fmt/format.h>

#include <functional>
#include <optional>
#include <random>

#include "base/limits.h"
#include "base/text.h"
#include "base/wait.h"
#include "collection/find_collector.h"
#include "collection/reader.h"
#include "image/evidence_file.h"
#include "image/raw/reader.h"
#include "live/kubernetes/exec.h"
#include "live/kubernetes/pod_state.h"

namespace ekshume::live::kubernetes {
namespace {

constexpr int kParts = 5;
constexpr int kPodWaitSeconds = 180;
constexpr std::string_view kNodeProgram = "/ekshume/collect";
// Where a program may be started from in a container: memory first, its own layer last.
constexpr std::string_view kFindFolder =
    "for d in /dev/shm /run /tmp /var/tmp /; do f=${d%/}/.ekshume-$$; "
    "if printf '#!/bin/sh\\nexit 0\\n' 2>/dev/null >\"$f\" && chmod 700 \"$f\" && \"$f\" "
    "2>/dev/null; "
    "then rm -f \"$f\"; echo \"${d%/}/.ekshume\"; exit 0; fi; rm -f \"$f\"; done 2>/dev/null; exit "
    "1";

// A container that commands run in, and the collector there.
struct Place {
  std::string in_namespace;
  std::string pod;
  std::string container;
  std::string program;                 // where the collector goes
  std::vector<std::string> arguments;  // its scope
};

class PodAcquisition {
 public:
  PodAcquisition(const PodRequest& request, Client& client, Acquisition& acquisition,
                 DiagnosticSink& diagnostics, const Progress& progress)
      : request_(request),
        client_(client),
        acquisition_(acquisition),
        diagnostics_(diagnostics),
        progress_(progress) {}

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
      why = EKSHUME_TRY(WhyNot("node"));
      if (why.empty()) {
        acquisition_.SetMethod(
            "collector in a privileged pod on the node, over exec",
            request_.via == "auto" ? "the most complete way, and allowed" : "asked for by --via");
        return ByNode();
      }
    }
    if (request_.via != "node") {
      const std::string why_not_exec = EKSHUME_TRY(WhyNot("exec"));
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
  // Why a way is closed to us, as a sentence; "" when it is open. Asks for each permission.
  Result<std::string> WhyNot(std::string_view via) {
    const std::string in(via == "node" ? kOwnNamespace : std::string_view(request_.in_namespace));
    std::vector<Permission> needed = {
        {.verb = "create", .resource = "pods/exec", .in_namespace = in},
        {.verb = "get", .resource = "pods/exec", .in_namespace = in}};
    if (via == "node") {
      for (const char* verb : {"create", "get", "delete"}) {
        needed.push_back({.verb = verb, .resource = "pods", .in_namespace = in});
      }
    }
    for (const Permission& permission : needed) {
      if (EKSHUME_TRY(client_.May(permission))) continue;
      return fmt::format("the permission to {} is missing", permission.Text());
    }
    return std::string();
  }

  Result<std::string> ReadCollector(const std::string& architecture) {
    const std::string path = request_.collector.empty()
                                 ? EKSHUME_TRY(collection::FindCollectorProgram(architecture))
                                 : request_.collector;
    return collection::ReadCollectorProgram(path);
  }

  std::string Architecture() {
    const auto node = client_.Get(PathOf({"api", "v1", "nodes", node_}));
    if (!node) return "x86_64";
    const std::string name =
        aws::TextOf(aws::ObjectOf(aws::ObjectOf(*node, "status"), "nodeInfo"), "architecture");
    return name.empty() ? "x86_64" : name;
  }

  Result<ExecOutcome> RunIn(const Place& place, std::vector<std::string> command,
                            std::string_view input, std::function<Result<void>(ByteView)> output) {
    const std::string authorization = EKSHUME_TRY(client_.Authorization());
    const ExecRequest exec{
        .path = PathOf({"api", "v1", "namespaces", place.in_namespace, "pods", place.pod, "exec"}),
        .container = place.container,
        .command = std::move(command),
        .input = input,
        .output = std::move(output)};
    return Exec(client_.access(), authorization, exec, &progress_);
  }

  // A command of a shell whose failure is an error. What it printed.
  Result<std::string> Shell(const Place& place, const std::string& script,
                            std::string_view input = {}) {
    std::string text;
    const ExecOutcome outcome =
        EKSHUME_TRY(RunIn(place, {"sh", "-c", script}, input, [&](ByteView bytes) -> Result<void> {
          if (text.size() < limits::kMaxSmallFileBytes) text += bytes.AsText();
          return {};
        }));
    if (outcome.exit_code != 0) {
      return Fail(ErrorCode::kIo,
                  fmt::format("a command in {}/{} ended with {}: {}", place.in_namespace, place.pod,
                              outcome.exit_code, EscapeForTerminal(outcome.errors)));
    }
    while (text.ends_with('\n')) text.pop_back();
    return text;
  }

  Result<void> SendCollector(const Place& place) {
    const std::string program = EKSHUME_TRY(ReadCollector(Architecture()));
    // v4 of the protocol has no end of input: head knows how much to read.
    EKSHUME_TRY(Shell(place,
                      fmt::format("head -c {} > {} && chmod 700 {}", program.size(), place.program,
                                  place.program),
                      program));
    return {};
  }

  Result<void> ByNode() {
    EKSHUME_TRY(MakeNamespace());
    const std::string name = fmt::format("collect-{:08x}", std::random_device{}());
    const std::string pods = PathOf({"api", "v1", "namespaces", kOwnNamespace, "pods"});
    EKSHUME_TRY(client_.Post(pods, PodOnNode(name)));
    const std::string path = pods + PathOf({name});
    acquisition_.Note("collector_pod", fmt::format("{}/{}", kOwnNamespace, name));
    Result<void> done = WaitUntilRunning(path);
    if (done) {
      Place place{.in_namespace = std::string(kOwnNamespace),
                  .pod = name,
                  .container = "collect",
                  .program = std::string(kNodeProgram),
                  .arguments = {"--root", "/host"}};
      done = SetScope(place);
      if (done) done = SendCollector(place);
      if (done) done = Collect(place);
    }
    RemovePod(path);
    return done;
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

  Result<void> MakeNamespace() {
    const auto there = client_.Get(PathOf({"api", "v1", "namespaces", kOwnNamespace}));
    // Not allowed to look: creating the pod will say whether it is there.
    if (there || there.error().code != ErrorCode::kNotFound) return {};
    const Json body = {{"apiVersion", "v1"},
                       {"kind", "Namespace"},
                       {"metadata",
                        {{"name", kOwnNamespace},
                         {"labels", {{"pod-security.kubernetes.io/enforce", "privileged"}}}}}};
    EKSHUME_TRY(client_.Post("/api/v1/namespaces", body));
    acquisition_.Note("namespace_made", kOwnNamespace);
    return {};
  }

  Json PodOnNode(const std::string& name) const {
    const Json container = {
        {"name", "collect"},
        {"image", request_.image},
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
             {{"nodeName", node_},
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

  Result<void> WaitUntilRunning(const std::string& path) {
    std::string state;
    for (int i = 0; i < kPodWaitSeconds * 2; ++i) {
      const Json pod = EKSHUME_TRY(client_.Get(path));
      const Json& status = aws::ObjectOf(pod, "status");
      const std::string phase = aws::TextOf(status, "phase");
      if (phase == "Running") return {};
      state = phase;
      for (const Json& container : aws::ArrayOf(status, "containerStatuses")) {
        const Json& waiting = aws::ObjectOf(aws::ObjectOf(container, "state"), "waiting");
        const std::string reason = aws::TextOf(waiting, "reason");
        if (!reason.empty()) state = fmt::format("{}: {}", reason, aws::TextOf(waiting, "message"));
      }
      if (phase == "Failed" || phase == "Succeeded") break;
      EKSHUME_TRY(Wait(std::chrono::milliseconds(500), &progress_));
    }
    return Fail(ErrorCode::kIo,
                fmt::format("our pod on {} does not run: {}", node_, EscapeForTerminal(state)));
  }

  // Also after Ctrl-C: the transport of the client stops then, so another one does it.
  void RemovePod(const std::string& path) {
    const Json now = {{"gracePeriodSeconds", 0}};
    Result<void> removed = client_.Delete(path, now);
    if (!removed && progress_.cancelled()) {
      const auto other =
          Client::Open(client_.access(), Surroundings::OfProcess(), RunProgramOfProcess, nullptr);
      if (other) removed = (*other)->Delete(path, now);
    }
    if (!removed)
      acquisition_.Failed(fmt::format("deleting our pod {}", path), removed.error().message);
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
    const auto folder = Shell(place, std::string(kFindFolder));
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
    Result<void> done = SendCollector(place);
    if (done) done = Collect(place);
    const auto removed = Shell(place, fmt::format("rm -f {}", place.program));
    if (!removed) {
      acquisition_.Failed(fmt::format("deleting {} in the container", place.program),
                          removed.error().message);
    }
    return done;
  }

  // Runs the collector until one part has its end.
  Result<void> Collect(const Place& place) {
    std::vector<std::string> names;
    for (int part = 1; part <= kParts; ++part) {
      std::vector<std::string> command{place.program};
      command.insert(command.end(), place.arguments.begin(), place.arguments.end());
      command.insert(command.end(), {"--memory", request_.memory});
      command.insert(command.end(), request_.arguments.begin(), request_.arguments.end());
      std::string skip;
      if (part > 1) {
        const Received received = EKSHUME_TRY(Read(names));
        command.insert(command.end(), {"--skip", "-", "--resumes", received.stream_id, "--part",
                                       fmt::format("{}", part)});
        skip = received.members;
      }
      const std::string name = fmt::format("collection/part-{}.ekc", part);
      const auto file = EKSHUME_TRY(acquisition_.Create(
          name, fmt::format("{}/{} container {}", place.in_namespace, place.pod, place.container)));
      const auto outcome =
          RunIn(place, command, skip, [&](ByteView bytes) { return file->Write(bytes); });
      if (!outcome && file->size_bytes() == 0) {
        if (part == kParts || outcome.error().code != ErrorCode::kIo) return outcome.error();
        --part;
        if (++empty_ > kParts) return outcome.error();
        continue;
      }
      EKSHUME_TRY(file->Finish());
      names.push_back(name);
      if (outcome && outcome->exit_code > 1) {
        return Fail(ErrorCode::kIo,
                    fmt::format("the collector ended with {}: {}", outcome->exit_code,
                                EscapeForTerminal(outcome->errors)));
      }
      if (EKSHUME_TRY(Read(names)).complete) return {};
      if (!outcome && outcome.error().code != ErrorCode::kIo) return outcome.error();
      diagnostics_.Report(DiagnosticCode::kAcquireCut, name,
                          outcome ? "the stream has no trailer" : outcome.error().message);
    }
    return Fail(ErrorCode::kIo, fmt::format("the stream was cut {} times", kParts));
  }

  struct Received {
    bool complete = false;
    std::string stream_id;
    std::string members;  // as --skip - wants them
  };

  // What the parts hold so far.
  Result<Received> Read(const std::vector<std::string>& names) {
    DiagnosticSink quiet;  // a cut is what we look for
    std::vector<std::unique_ptr<image::Image>> opened;
    std::vector<const image::Image*> parts;
    for (const std::string& name : names) {
      // As it is stored: image::Open would unpack the frames.
      auto file = EKSHUME_TRY(
          image::EvidenceFile::Open(fmt::format("{}/{}", acquisition_.directory(), name)));
      opened.push_back(std::make_unique<image::raw::RawImage>(std::move(file)));
      parts.push_back(opened.back().get());
    }
    const auto reader = EKSHUME_TRY(collection::Reader::Open(parts, quiet));
    Received received;
    received.complete = reader->IsComplete(reader->part_count() - 1);
    for (const unsigned char byte : reader->part(0).opening().stream_id) {
      received.stream_id += fmt::format("{:02x}", byte);
    }
    for (const std::string& member : reader->Received()) {
      if (member.find('\n') != std::string::npos) continue;  // it comes again
      received.members += member;
      received.members += '\n';
    }
    received.members += '\n';
    return received;
  }

  const PodRequest& request_;
  Client& client_;
  Acquisition& acquisition_;
  DiagnosticSink& diagnostics_;
  const Progress& progress_;
  Json pod_;
  std::string uid_;
  std::string node_;
  int empty_ = 0;
};

}  // namespace

Result<void> AcquirePod(const PodRequest& request, Client& client, Acquisition& acquisition,
                        DiagnosticSink& diagnostics, const Progress& progress) {
  return PodAcquisition(request, client, acquisition, diagnostics, progress).Run();
}

}  // namespace ekshume::live::kubernetes
