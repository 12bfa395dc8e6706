// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "base/wait.h"
#include "live/acquire/names.h"
#include "live/aws/json_calls.h"
#include "live/cloud/remote_collection.h"
#include "live/wire/surroundings.h"

namespace ekshume::live::cloud {
namespace {

using wire::Json;

constexpr std::chrono::seconds kPoll{3};

bool IsUnderWay(std::string_view status) {
  return status == "Pending" || status == "InProgress" || status == "Delayed" || status.empty();
}

// Asks until the command has ended; the invocation as SSM gives it.
Result<Json> WaitForCommand(const aws::Client& client, const std::string& command,
                            const NodeRequest& request, Progress& progress,
                            aws::ServiceError& failure) {
  const int64_t until = Now().seconds + int64_t{request.timeout_minutes} * 60;
  for (;;) {
    EKSHUME_TRY(Wait(kPoll, &progress));
    failure = {};
    auto invocation =
        aws::CallJson(client, aws::kSsm, "GetCommandInvocation",
                      {{"CommandId", command}, {"InstanceId", request.instance}}, &failure);
    // Right after SendCommand it is not known yet.
    const bool early = !invocation && failure.code == "InvocationDoesNotExist";
    if (!invocation && !early) return invocation.error();
    if (invocation && !IsUnderWay(wire::TextOf(*invocation, "Status"))) return invocation;
    if (Now().seconds > until) {
      return Fail(ErrorCode::kIo, fmt::format("the command {} has not ended after {} minutes",
                                              command, request.timeout_minutes));
    }
  }
}

}  // namespace

Result<void> AcquireNodeBySsm(const NodeRequest& request, aws::Connection& connection,
                              Acquisition& acquisition, Progress& progress) {
  const aws::Client* client = EKSHUME_TRY(connection.client());
  aws::ServiceError failure;
  const auto failed = [&](const Error& error) -> Result<void> {
    acquisition.Failed(request.instance, error.message, failure.missing_permission);
    return error.code == ErrorCode::kCancelled ? Result<void>(error) : Result<void>();
  };
  progress.SetStage("preparing the upload");
  const auto prepared = PrepareCollection(request.collection, request.instance, *client, failure);
  if (!prepared) return prepared.error();
  acquisition.Note("traces",
                   "the command with two URLs that read objects for 15 minutes stands in SSM's "
                   "history and in CloudTrail; on the node a folder in /dev/shm while it runs, and "
                   "what the SSM agent logs");
  progress.SetStage("running the collector");
  const auto sent =
      aws::CallJson(*client, aws::kSsm, "SendCommand",
                    {{"DocumentName", "AWS-RunShellScript"},
                     {"InstanceIds", {request.instance}},
                     {"Comment", fmt::format("ekshume {}", acquisition.case_id())},
                     {"TimeoutSeconds", 600},
                     {"Parameters",
                      {{"commands", {prepared->script}},
                       {"executionTimeout", {fmt::format("{}", request.timeout_minutes * 60)}}}}},
                    &failure);
  if (!sent) return failed(sent.error());
  const std::string command = wire::TextOf(wire::ObjectOf(*sent, "Command"), "CommandId");
  acquisition.Note("ssm_command", command);
  const auto ended = WaitForCommand(*client, command, request, progress, failure);
  if (ended) {
    EKSHUME_TRY(acquisition.Add("command.json", "ssm:GetCommandInvocation", ended->dump(2) + "\n"));
    if (const std::string status = wire::TextOf(*ended, "Status"); status != "Success") {
      acquisition.Failed(fmt::format("the collector on {}", request.instance),
                         fmt::format("SSM says {}: {}", status,
                                     wire::TextOf(*ended, "StandardErrorContent").substr(0, 500)));
    }
  } else if (Result<void> told = failed(ended.error()); !told) {
    return told;
  }
  // What came is fetched, whatever became of the command: a cut archive is read up to the cut.
  failure = {};
  const Result<void> fetched =
      FetchCollection(*prepared, request.instance, *client, acquisition, progress, failure);
  return fetched ? Result<void>() : failed(fetched.error());
}

Result<void> AcquireTask(const TaskRequest& request, aws::Connection& connection,
                         Acquisition& acquisition, Progress& progress) {
  const aws::Client* client = EKSHUME_TRY(connection.client());
  const wire::Surroundings system = wire::Surroundings::OfProcess();
  if (!system.run("command -v session-manager-plugin")) {
    return Fail(ErrorCode::kUnsupported,
                "ECS Exec needs the program session-manager-plugin on this machine");
  }
  aws::ServiceError failure;
  const Json tasks = EKSHUME_TRY(
      aws::CallJson(*client, aws::kEcs, "DescribeTasks",
                    {{"cluster", request.cluster}, {"tasks", {request.task}}}, &failure));
  const Json& list = wire::ArrayOf(tasks, "tasks");
  if (list.empty()) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("there is no task {} in {}", request.task, request.cluster));
  }
  EKSHUME_TRY(acquisition.Add("task.json", "ecs:DescribeTasks", list.front().dump(2) + "\n"));
  if (!list.front().value("enableExecuteCommand", false)) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("the task {} was started without enableExecuteCommand, which cannot be "
                            "changed while it runs; for one on EC2, acquire its node",
                            request.task));
  }
  const auto prepared = EKSHUME_TRY(
      PrepareCollection(request.collection, NameOf(request.container), *client, failure));
  acquisition.Note("traces",
                   "the command with two URLs that read objects for 15 minutes stands in "
                   "CloudTrail (ExecuteCommand) and in the log of ECS Exec, if it has one");
  progress.SetStage("running the collector");
  const auto made =
      aws::CallJson(*client, aws::kEcs, "ExecuteCommand",
                    {{"cluster", request.cluster},
                     {"task", request.task},
                     {"container", request.container},
                     {"interactive", true},
                     {"command", fmt::format("/bin/sh -c {}", ShellQuote(prepared.script))}},
                    &failure);
  if (!made) {
    acquisition.Failed(request.task, made.error().message, failure.missing_permission);
    return {};
  }
  // The plugin takes what ExecuteCommand answered, and speaks the channel until the command ends.
  const auto output = system.run(
      fmt::format("session-manager-plugin {} {} StartSession </dev/null 2>&1",
                  ShellQuote(wire::ObjectOf(*made, "session").dump()), client->region()));
  if (output) {
    EKSHUME_TRY(acquisition.Add("command.txt", "session-manager-plugin", *output));
  } else {
    acquisition.Failed(fmt::format("the channel to {}", request.container), output.error().message);
  }
  const Result<void> fetched =
      FetchCollection(prepared, NameOf(request.container), *client, acquisition, progress, failure);
  if (!fetched) {
    acquisition.Failed(request.container, fetched.error().message, failure.missing_permission);
  }
  return {};
}

}  // namespace ekshume::live::cloud
