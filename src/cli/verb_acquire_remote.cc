// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/acquire_aws.h"
#include "collection/find_collector.h"
#include "live/cloud/remote_collection.h"

namespace ekshume::cli {
namespace {

namespace cloud = live::cloud;
using live::Acquisition;
using live::aws::Connection;

struct RemoteOptions {
  AcquireOptions common;
  cloud::NodeRequest node;
  cloud::TaskRequest task;
  std::string via = "ssm";
  std::string architecture = "x86_64";
};

void AddCollectionOptions(CLI::App& verb, RemoteOptions& options,
                          cloud::RemoteCollectionRequest& request) {
  verb.add_option("--upload-to", request.upload_to,
                  "s3://BUCKET/PREFIX that the node reaches; the archive goes through it")
      ->type_name("S3-URL");
  verb.add_option("--collector", request.collector,
                  "the static collector (default: the one installed for --architecture)")
      ->type_name("FILE");
  verb.add_option("--architecture", options.architecture,
                  "of the machine there: x86_64 (default) or aarch64")
      ->check(CLI::IsMember({"x86_64", "aarch64"}));
  verb.add_option("--parts", request.parts, "at most so many parts of 16 MiB (default 640)")
      ->check(CLI::Range(1, 10000));
  verb.add_option("--collect", request.arguments,
                  "an argument for the collector (may be repeated: --collect=--memory "
                  "--collect=anonymous)")
      ->type_name("ARGUMENT")
      ->allow_extra_args(false);
}

Result<void> CheckCollection(cloud::RemoteCollectionRequest& request,
                             const std::string& architecture) {
  if (request.upload_to.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "--upload-to s3://BUCKET/PREFIX is needed");
  }
  if (request.collector.empty()) {
    request.collector = EKSHUME_TRY(collection::FindCollectorProgram(architecture));
  }
  return {};
}

Result<void> RunNode(Program& program, RemoteOptions& options) {
  if (options.via != "ssm") {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("--via ssm, not {}", options.via));
  }
  if (!options.node.instance.starts_with("i-")) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no instance (i-...)", options.node.instance));
  }
  EKSHUME_TRY(CheckCollection(options.node.collection, options.architecture));
  options.common.kind = "node";
  options.common.target = options.node.instance;
  return RunAcquisition(program, options.common, "SSM SendCommand, upload to presigned S3 parts",
                        [&](Connection& connection, Acquisition& acquisition) {
                          return cloud::AcquireNodeBySsm(options.node, connection, acquisition,
                                                         program.progress);
                        });
}

Result<void> RunTask(Program& program, RemoteOptions& options) {
  EKSHUME_TRY(CheckCollection(options.task.collection, options.architecture));
  options.common.kind = "task";
  options.common.target = fmt::format("{}/{}", options.task.task, options.task.container);
  return RunAcquisition(program, options.common, "ECS Exec, upload to presigned S3 parts",
                        [&](Connection& connection, Acquisition& acquisition) {
                          return cloud::AcquireTask(options.task, connection, acquisition,
                                                    program.progress);
                        });
}

void AddNode(Program& program) {
  CLI::App* verb =
      AcquireGroup(program)->add_subcommand("node", "what a running node holds only while it runs");
  verb->footer(
      "--via ssm: the SSM agent must run on the node, and its role must allow it\n"
      "(AmazonSSMManagedInstanceCore). The command that SSM runs fetches the collector and a list\n"
      "of upload URLs; SSM's history and CloudTrail show two URLs that read those objects for 15\n"
      "minutes, and no other secret. On Bottlerocket, SSM reaches only the control container.\n"
      "Examples:\n"
      "  ekshume acquire node i-0123456789abcdef0 --via ssm --upload-to s3://evidence/nodes \\\n"
      "    --collect=--memory --collect=anonymous --case incident-42");
  const auto options = std::make_shared<RemoteOptions>();
  verb->add_option("node", options->node.instance, "an instance (i-...)")
      ->required()
      ->type_name("NODE");
  verb->add_option("--via", options->via, "how: ssm")->type_name("WAY");
  verb->add_option("--timeout-minutes", options->node.timeout_minutes,
                   "how long the collector may run (default 120)")
      ->check(CLI::Range(1, 2880));
  AddCollectionOptions(*verb, *options, options->node.collection);
  AddAcquireAwsOptions(*verb, program, options->common);
  verb->callback([&program, options] {
    program.action = [&program, options] { return RunNode(program, *options); };
  });
}

void AddTask(Program& program) {
  CLI::App* verb =
      AcquireGroup(program)->add_subcommand("task", "a container of an ECS task, through ECS Exec");
  verb->footer(
      "Must be there beforehand: the task was started with enableExecuteCommand, its task role\n"
      "allows ssmmessages:CreateControlChannel, CreateDataChannel, OpenControlChannel and\n"
      "OpenDataChannel, the container has sh and curl or wget and may write /dev/shm, and on this\n"
      "machine there is session-manager-plugin. Nothing of it can be changed on a running task.\n"
      "Examples:\n"
      "  ekshume acquire task 0123456789abcdef0123456789abcdef --cluster prod --container web \\\n"
      "    --upload-to s3://evidence/tasks --case incident-42");
  const auto options = std::make_shared<RemoteOptions>();
  verb->add_option("task", options->task.task, "a task's id or ARN")->required()->type_name("TASK");
  verb->add_option("--cluster", options->task.cluster, "the ECS cluster")->required();
  verb->add_option("--container", options->task.container, "the container's name")->required();
  AddCollectionOptions(*verb, *options, options->task.collection);
  AddAcquireAwsOptions(*verb, program, options->common);
  verb->callback([&program, options] {
    program.action = [&program, options] { return RunTask(program, *options); };
  });
}

}  // namespace

void AddAcquireRemoteVerbs(Program& program) {
  AddNode(program);
  AddTask(program);
}

}  // namespace ekshume::cli
