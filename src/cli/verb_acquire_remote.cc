// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/text.h"
#include "cli/acquire_aws.h"
#include "cli/acquire_kubernetes.h"
#include "collection/find_collector.h"
#include "live/cloud/remote_collection.h"
#include "live/kubernetes/acquire_node.h"
#include "live/ssh/acquire_node.h"

namespace ekshume::cli {
namespace {

namespace cloud = live::cloud;
namespace kubernetes = live::kubernetes;
using live::Acquisition;
using live::aws::Connection;

struct RemoteOptions {
  AcquireOptions common;
  cloud::NodeRequest node;
  cloud::TaskRequest task;
  std::string architecture = "x86_64";

  // node
  std::string via = "pod";
  std::string memory = "none";
  std::string image;
  KubernetesOptions kubernetes;
  std::vector<std::string> ssh_arguments;
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

// The arguments of a collector of the whole node.
std::vector<std::string> CollectorArguments(const RemoteOptions& options) {
  std::vector<std::string> arguments;
  if (options.memory != "none") arguments = {"--memory", options.memory};
  const auto& more = options.node.collection.arguments;
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

Result<void> RunNodeBySsm(Program& program, RemoteOptions& options) {
  if (!options.node.instance.starts_with("i-")) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("SSM wants an instance (i-...), not {}",
                                                         EscapeForTerminal(options.node.instance)));
  }
  EKSHUME_TRY(CheckCollection(options.node.collection, options.architecture));
  options.node.collection.arguments = CollectorArguments(options);
  return RunAcquisition(program, options.common, "SSM SendCommand, upload to presigned S3 parts",
                        [&](Connection& connection, Acquisition& acquisition) {
                          return cloud::AcquireNodeBySsm(options.node, connection, acquisition,
                                                         program.progress);
                        });
}

Result<void> RunNodeByPod(Program& program, RemoteOptions& options) {
  const KubernetesConnection connection =
      EKSHUME_TRY(ConnectKubernetes(program, options.kubernetes, options.common));
  kubernetes::Client& client = *connection.client;
  const auto acquisition = EKSHUME_TRY(BeginAcquisition(program, options.common));
  RecordCluster(client, *acquisition);
  acquisition->SetMethod("collector in a privileged pod on the node, over exec", "");
  const kubernetes::NodeRequest request{
      .node = options.node.instance,
      .image = options.image,
      .collecting = {.memory = options.memory,
                     .collector = options.node.collection.collector,
                     .arguments = options.node.collection.arguments}};
  const Result<void> done =
      kubernetes::AcquireNode(request, client, *acquisition, program.diagnostics, program.progress);
  acquisition->SetClockOffset("Kubernetes API", client.clock_offset_seconds());
  return EndAcquisition(program, options.common, *acquisition, done,
                        done ? "" : kubernetes::MissingPermission(done.error()));
}

Result<void> RunNodeBySsh(Program& program, RemoteOptions& options) {
  const live::ssh::NodeRequest request{
      .target = {.host = options.node.instance, .arguments = options.ssh_arguments},
      .collector = options.node.collection.collector,
      .arguments = CollectorArguments(options)};
  const auto acquisition = EKSHUME_TRY(BeginAcquisition(program, options.common));
  acquisition->SetOrigin(options.node.instance);
  acquisition->SetMethod("collector over ssh", "");
  const Result<void> done =
      live::ssh::AcquireNode(request, *acquisition, program.diagnostics, program.progress);
  return EndAcquisition(program, options.common, *acquisition, done);
}

Result<void> RunNode(Program& program, RemoteOptions& options) {
  options.common.kind = "node";
  options.common.target = options.node.instance;
  if (options.via == "ssm") return RunNodeBySsm(program, options);
  if (options.via == "ssh") return RunNodeBySsh(program, options);
  return RunNodeByPod(program, options);
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
      "--via pod: a privileged pod in the namespace ekshume on the node, deleted afterwards.\n"
      "--via ssm: the SSM agent must run on the node, and its role must allow it\n"
      "(AmazonSSMManagedInstanceCore); needs --upload-to. SSM's history and CloudTrail show two "
      "URLs\n"
      "that read the collector and a list of upload URLs for 15 minutes, and no other secret. On\n"
      "Bottlerocket, SSM reaches only the control container.\n"
      "--via ssh: the system's ssh with your keys and configuration, as root or with sudo -n. The\n"
      "collector goes through the connection and is deleted before it runs.\n"
      "Examples:\n"
      "  ekshume acquire node ip-10-0-1-23.ec2.internal --memory anonymous --case incident-42\n"
      "  ekshume acquire node i-0123456789abcdef0 --via ssm --upload-to s3://evidence/nodes \\\n"
      "    --memory anonymous --case incident-42\n"
      "  ekshume acquire node ec2-user@10.0.1.23 --via ssh --ssh=-J --ssh=bastion --case "
      "incident-42");
  const auto options = std::make_shared<RemoteOptions>();
  options->image = kDefaultImage;
  verb->add_option("node", options->node.instance,
                   "a node of the cluster, an instance (i-...), or for ssh a host")
      ->required()
      ->type_name("NODE");
  verb->add_option("--via", options->via, "how: pod (default), ssm, ssh")
      ->check(CLI::IsMember({"pod", "ssm", "ssh"}));
  verb->add_option("--memory", options->memory,
                   "memory of the processes: none (default), anonymous, all")
      ->check(CLI::IsMember({"none", "anonymous", "all"}));
  verb->add_option("--image", options->image,
                   fmt::format("of our pod, with sh and head (default {})", kDefaultImage));
  verb->add_option("--ssh", options->ssh_arguments,
                   "an argument for ssh (may be repeated: --ssh=-p --ssh=2222)")
      ->type_name("ARGUMENT")
      ->allow_extra_args(false);
  verb->add_option("--timeout-minutes", options->node.timeout_minutes,
                   "for ssm: how long the collector may run (default 120)")
      ->check(CLI::Range(1, 2880));
  AddCollectionOptions(*verb, *options, options->node.collection);
  AddKubernetesOptions(*verb, program, options->kubernetes);
  AddAcquireOptions(*verb, program, options->common);
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
