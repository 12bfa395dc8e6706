// SPDX-License-Identifier: Apache-2.0
#include "live/respond/node_control.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/text.h"
#include "live/kubernetes/node_pod.h"
#include "live/kubernetes/pod_state.h"
#include "live/respond/liveness.h"
#include "live/respond/object_calls.h"

namespace ekshume::live::respond {
namespace {

// Whether the container still is the one that was planned for.
Result<void> CheckContainer(const Step& step, const Json& pod) {
  for (const Json& status : wire::ArrayOf(wire::ObjectOf(pod, "status"), "containerStatuses")) {
    if (kubernetes::ContainerIdOf(status) == SettingOf(step, "container_id") &&
        wire::ObjectOf(status, "state").contains("running")) {
      return {};
    }
  }
  return Fail(ErrorCode::kUnsupported,
              fmt::format("the container {} of {} was started again since the plan was made",
                          EscapeForTerminal(SettingOf(step, "container")), step.object));
}

Result<void> CheckLiveness(const Step& step, const Json& pod) {
  const auto budget = LivenessBudgetOf(pod, Hold::kFreeze, Now(), SettingOf(step, "container"));
  if (!budget || SettingOf(step, "despite_liveness") == "true") return {};
  return Fail(ErrorCode::kUnsupported,
              fmt::format("the {} liveness probe of {} fails while it is frozen, and the kubelet "
                          "restarts it after {} s at least, which loses its memory: acquire first, "
                          "or set despite_liveness: \"true\" and undo the step before that",
                          budget->probe, budget->container, budget->seconds));
}

std::vector<std::string> ArgumentsOf(const Step& step) {
  const bool undo = SettingOf(step, "action") == "undo";
  if (step.kind == StepKind::kFreeze) {
    return {"control", undo ? "thaw" : "freeze", "--container", SettingOf(step, "container_id")};
  }
  std::vector<std::string> arguments = {"control",       "kill",
                                        "--pid",         SettingOf(step, "pid"),
                                        "--start-ticks", SettingOf(step, "start_ticks")};
  if (SettingOf(step, "even_first") == "true") arguments.emplace_back("--even-first");
  return arguments;
}

// Only a process of this pod is killed: one of its containers must have it.
Result<Json> RunOnNode(const Step& step, const Json& pod, kubernetes::CollectorRun& run,
                       const kubernetes::Place& place) {
  std::vector<std::string> containers;
  if (step.kind == StepKind::kKill) {
    for (const Json& status : wire::ArrayOf(wire::ObjectOf(pod, "status"), "containerStatuses")) {
      containers.push_back(kubernetes::ContainerIdOf(status));
    }
  }
  std::string problem;
  const size_t tries = step.kind == StepKind::kKill ? containers.size() : 1;
  for (size_t i = 0; i < tries; ++i) {
    std::vector<std::string> command = {place.program};
    for (std::string& argument : ArgumentsOf(step)) command.push_back(std::move(argument));
    command.insert(command.end(), place.arguments.begin(), place.arguments.end());
    if (step.kind == StepKind::kKill) {
      command.emplace_back("--container");
      command.push_back(containers[i]);
    }
    std::string printed;
    const kubernetes::ExecOutcome outcome =
        EKSHUME_TRY(run.RunIn(place, std::move(command), {}, [&](ByteView bytes) -> Result<void> {
          constexpr size_t kMaxAnswerBytes = size_t{1} << 20;
          if (printed.size() < kMaxAnswerBytes) printed += bytes.AsText();
          return {};
        }));
    if (outcome.exit_code == 0) return wire::ParseJson(printed, "the collector's answer");
    problem = outcome.errors.empty() ? fmt::format("it ended with {}", outcome.exit_code)
                                     : outcome.errors;
    while (problem.ends_with('\n')) problem.pop_back();
    if (problem.find("is not of the container") == std::string::npos) break;
  }
  return Fail(ErrorCode::kUnsupported, fmt::format("on the node: {}", EscapeForTerminal(problem)));
}

std::string SentenceOf(const Step& step, const Json& answer) {
  const std::string state = wire::TextOf(answer, "state");
  if (step.kind == StepKind::kKill) {
    return state == "gone" ? "the process had ended already; nothing was killed"
                           : fmt::format("killed the process {}", SettingOf(step, "pid"));
  }
  return fmt::format("{} ({} processes, {})", state, wire::ArrayOf(answer, "pids").size(),
                     wire::TextOf(answer, "cgroup"));
}

}  // namespace

Result<Json> ControlProcesses(const Step& step, const std::string& image,
                              kubernetes::Client& client, Acquisition& acquisition,
                              DiagnosticSink& diagnostics, const Progress& progress) {
  const auto parts = SplitNonEmpty(step.object, '/');
  if (parts.size() != 3 || parts[0] != "pod") {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{} is no pod", step.object));
  }
  const bool undo = SettingOf(step, "action") == "undo";
  const auto found =
      client.Get(kubernetes::PathOf({"api", "v1", "namespaces", parts[1], "pods", parts[2]}));
  if (!found && undo && found.error().code == ErrorCode::kNotFound) {
    return Json{{"sentence", "the pod is gone: there is nothing to let go on"}};
  }
  if (!found) return found.error();
  const Json& pod = *found;
  if (!undo && !step.uid.empty() && UidOf(pod) != step.uid) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{} is another pod than when the plan was made", step.object));
  }
  if (step.kind == StepKind::kFreeze) {
    const auto same = CheckContainer(step, pod);
    // A new container is not frozen by what was done to the old one.
    if (!same && undo) {
      return Json{{"sentence", "that container runs no more: there is nothing to let go on"}};
    }
    if (!same) return same.error();
    if (!undo) EKSHUME_TRY(CheckLiveness(step, pod));
  }
  const std::string node = wire::TextOf(wire::ObjectOf(pod, "spec"), "nodeName");
  Json answer;
  const kubernetes::CollectorOptions unused;
  const auto control = [&](const kubernetes::Place& place) -> Result<void> {
    kubernetes::CollectorRun run(unused, client, acquisition, diagnostics, progress);
    const std::string program = EKSHUME_TRY(run.ReadCollector(node));
    EKSHUME_TRY(run.Send(place, program));
    answer = EKSHUME_TRY(RunOnNode(step, pod, run, place));
    return {};
  };
  EKSHUME_TRY(kubernetes::WithNodePod({.node = node, .image = image}, client, acquisition, progress,
                                      control));
  EKSHUME_TRY(acquisition.Add("control.json", step.object, wire::DumpJson(answer)));
  answer["sentence"] = SentenceOf(step, answer);
  return answer;
}

}  // namespace ekshume::live::respond
