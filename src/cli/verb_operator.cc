// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "base/clock.h"
#include "base/text.h"
#include "cli/acquire_kubernetes.h"
#include "live/operator/acquire_checkpoint.h"
#include "live/operator/controller.h"

namespace ekshume::cli {
namespace {

namespace operators = live::operators;

struct OperatorOptions {
  KubernetesOptions kubernetes;
  operators::ControllerOptions controller;
  operators::CheckpointWork work;
};

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "ekshume";
}

Result<void> RunOperator(Program& program, OperatorOptions& options) {
  for (const std::string& url : options.controller.destinations) {
    if (live::aws::ParseS3Url(url)) continue;
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--destination {} is no s3://BUCKET/PREFIX", EscapeForTerminal(url)));
  }
  AcquireOptions where;
  where.output_folder = "operator";
  const KubernetesConnection connection =
      EKSHUME_TRY(ConnectKubernetes(program, options.kubernetes, where));
  const auto aws =
      EKSHUME_TRY(live::aws::Connection::Open(program.aws, program.diagnostics, &program.progress));
  const live::aws::Client* s3 = EKSHUME_TRY(aws->client());
  if (options.controller.identity.empty()) options.controller.identity = HostName();
  options.work.arguments = program.command_line;
  options.controller.now = Now;
  const auto output = EKSHUME_TRY(program.OpenOutput());
  options.controller.say = [&](const std::string& line) {
    output->Write(EscapeForTerminal(line) + "\n");
    static_cast<void>(output->Descriptor());  // flushes: somebody watches
  };
  options.controller.acquire = [&](const operators::Checkpoint& checkpoint,
                                   const live::aws::S3Place& place) {
    return operators::AcquireCheckpoint(checkpoint, place, options.work, *connection.client, *s3,
                                        program.progress);
  };
  auto steady = EKSHUME_TRY(connection.client->Again(nullptr));
  const Result<void> done = operators::RunController(options.controller, *connection.client,
                                                     std::move(steady), program.progress);
  EKSHUME_TRY(output->Finish());
  // To be stopped is how an operator ends.
  return !done && done.error().code == ErrorCode::kCancelled ? Result<void>() : done;
}

}  // namespace

void AddOperatorVerb(Program& program) {
  CLI::App* verb = program.app.add_subcommand(
      "operator", "acquire the pods that PodCheckpoint objects of a cluster name, to S3");
  verb->footer(
      "Runs in the cluster (deploy/kubernetes/operator.yaml) or anywhere with a kubeconfig. Each "
      "new\n"
      "PodCheckpoint in its namespace makes one `acquire pod`, whose folder goes to\n"
      "DESTINATION/SUBPATH/EPOCH_NAMESPACE_POD/; its status says what became of it. Several may "
      "run.\n"
      "Examples:\n"
      "  ekshume operator --destination s3://evidence/pods --region eu-central-1");
  const auto options = std::make_shared<OperatorOptions>();
  options->controller.in_namespace = "ekshume";
  options->work.image = kDefaultImage;
  options->work.work_folder = "/tmp/ekshume-operator";
  verb->add_option(
          "--destination", options->controller.destinations,
          "s3://BUCKET/PREFIX that checkpoints may go to; the first is the default (may be "
          "repeated)")
      ->required()
      ->type_name("S3-URL")
      ->allow_extra_args(false);
  verb->add_option("--namespace", options->controller.in_namespace,
                   "whose PodCheckpoints are looked at (default ekshume)");
  verb->add_option("--identity", options->controller.identity,
                   "the same after a restart: what it had begun is begun again at once (default: "
                   "this host's name)");
  verb->add_option("--work-folder", options->work.work_folder,
                   "what is acquired lies there until it is uploaded (default "
                   "/tmp/ekshume-operator)")
      ->type_name("DIR");
  verb->add_option(
      "--image", options->work.image,
      fmt::format("of our pods on nodes, with sh and head (default {})", kDefaultImage));
  verb->add_option("--collector", options->work.collector,
                   "the static collector (default: the installed one for the node)")
      ->type_name("FILE");
  verb->add_flag("--once", options->controller.once, "do what waits, and end");
  AddKubernetesOptions(*verb, program, options->kubernetes);
  program.AddOutputOptions(*verb);
  verb->callback([&program, options] {
    program.action = [&program, options] { return RunOperator(program, *options); };
  });
}

}  // namespace ekshume::cli
