// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdlib>

#include "base/text.h"
#include "casefile/json.h"
#include "cli/acquire_aws.h"
#include "live/kubernetes/acquire_pod.h"

namespace ekshume::cli {
namespace {

namespace kubernetes = live::kubernetes;

constexpr const char* kDefaultImage = "public.ecr.aws/docker/library/busybox:stable";

struct PodOptions {
  std::string target;
  std::string case_directory;
  std::string output_folder;
  kubernetes::AccessOptions access;
  kubernetes::PodRequest request;
};

Result<void> RunPod(Program& program, PodOptions& options) {
  kubernetes::PodRequest& request = options.request;
  const size_t slash = options.target.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == options.target.size() ||
      options.target.find('/', slash + 1) != std::string::npos) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no NAMESPACE/POD", EscapeForTerminal(options.target)));
  }
  request.in_namespace = options.target.substr(0, slash);
  request.pod = options.target.substr(slash + 1);
  const auto surroundings = kubernetes::Surroundings::OfProcess();
  const kubernetes::Access access =
      EKSHUME_TRY(kubernetes::FindAccess(options.access, surroundings));
  const auto client = EKSHUME_TRY(kubernetes::Client::Open(
      access, surroundings, kubernetes::RunProgramOfProcess, &program.progress));
  const auto acquisition =
      EKSHUME_TRY(live::Acquisition::Begin({.case_directory = options.case_directory,
                                            .output_directory = options.output_folder,
                                            .kind = "pod",
                                            .target = options.target,
                                            .arguments = program.command_line},
                                           program.diagnostics));
  acquisition->SetOrigin(access.server);
  acquisition->SetIdentity(client->UserName(), access.source);
  const Result<void> done =
      kubernetes::AcquirePod(request, *client, *acquisition, program.diagnostics, program.progress);
  acquisition->SetClockOffset("Kubernetes API", client->clock_offset_seconds());
  if (!done) {
    acquisition->Failed(options.target, done.error().message,
                        kubernetes::MissingPermission(done.error()));
  }
  EKSHUME_TRY(acquisition->Finish());
  if (!done) return done.error();
  const auto output = EKSHUME_TRY(program.OpenOutput());
  if (program.format == OutputFormat::kTable) {
    output->Write(fmt::format("{}\n", EscapeForTerminal(acquisition->directory())));
  } else {
    const casefile::Json record = casefile::Json::parse(acquisition->Record(), nullptr, false);
    output->Write(casefile::Dump(record, program.format == OutputFormat::kJson ? 2 : -1) + "\n");
  }
  return output->Finish();
}

}  // namespace

void AddAcquirePodVerb(Program& program) {
  CLI::App* verb =
      AcquireGroup(program)->add_subcommand("pod", "a running pod: its objects, logs, processes");
  verb->footer(
      "--via node makes a privileged pod in the namespace ekshume on the pod's node and deletes "
      "it\n"
      "afterwards; exec runs the collector inside the container. auto takes the first that is\n"
      "allowed. The collector goes through the exec stream; nothing is downloaded there but the\n"
      "image of the pod on the node.\n"
      "Examples:\n"
      "  ekshume acquire pod shop/web-5d9c7 --memory anonymous --case incident-42\n"
      "  ekshume acquire pod shop/web-5d9c7 --via exec --container app --output-folder web");
  const auto options = std::make_shared<PodOptions>();
  options->request.image = kDefaultImage;
  verb->add_option("pod", options->target, "the pod")->required()->type_name("NAMESPACE/POD");
  verb->add_option("--via", options->request.via, "how: auto (default), node, exec")
      ->check(CLI::IsMember({"auto", "node", "exec"}));
  verb->add_option("--container", options->request.container,
                   "only this container (default: all by node, the first one by exec)")
      ->type_name("NAME");
  verb->add_option("--memory", options->request.memory,
                   "memory of the processes: none (default), anonymous, all")
      ->check(CLI::IsMember({"none", "anonymous", "all"}));
  verb->add_option(
      "--image", options->request.image,
      fmt::format("of our pod on the node, with sh and head (default {})", kDefaultImage));
  verb->add_option("--collector", options->request.collector,
                   "the static collector (default: the installed one for the node)")
      ->type_name("FILE");
  verb->add_option("--collect", options->request.arguments,
                   "an argument for the collector (may be repeated: --collect=--profile "
                   "--collect=none)")
      ->type_name("ARGUMENT")
      ->allow_extra_args(false);
  verb->add_option("--kubeconfig", options->access.kubeconfig,
                   "instead of $KUBECONFIG and ~/.kube/config")
      ->type_name("FILE");
  verb->add_option("--context", options->access.context, "instead of the current context");
  verb->add_option("--case", options->case_directory,
                   "the case that receives it (its folder acquired/, its custody ledger)")
      ->type_name("DIR");
  verb->add_option("--output-folder", options->output_folder, "a new folder to put it into instead")
      ->type_name("DIR");
  program.AddOutputOptions(*verb);
  verb->callback([&program, options] {
    program.action = [&program, options] { return RunPod(program, *options); };
  });
}

}  // namespace ekshume::cli
