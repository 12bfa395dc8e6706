// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdlib>

#include "base/text.h"
#include "cli/acquire_kubernetes.h"
#include "live/kubernetes/acquire_pod.h"
#include "live/wire/json.h"

namespace ekshume::cli {
namespace {

namespace kubernetes = live::kubernetes;

struct PodOptions {
  AcquireOptions acquire{.kind = "pod", .target = "", .case_directory = "", .output_folder = ""};
  KubernetesOptions kubernetes;
  kubernetes::PodRequest request;
};

// Over which channel, why that one, and what must be known before the pod is touched.
void SayHow(const live::Acquisition& acquisition) {
  const auto record = live::wire::Json::parse(acquisition.Record(), nullptr, false);
  fmt::print(stderr, "ekshume: {} ({})\n", EscapeForTerminal(live::wire::TextOf(record, "method")),
             EscapeForTerminal(live::wire::TextOf(record, "method_reason")));
  for (const char* name : {"left_in_pod", "warning"}) {
    const std::string note = live::wire::TextOf(live::wire::ObjectOf(record, "notes"), name);
    if (!note.empty()) fmt::print(stderr, "ekshume: note: {}\n", EscapeForTerminal(note));
  }
}

Result<void> RunPod(Program& program, PodOptions& options) {
  kubernetes::PodRequest& request = options.request;
  const std::string& target = options.acquire.target;
  const size_t slash = target.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == target.size() ||
      target.find('/', slash + 1) != std::string::npos) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no NAMESPACE/POD", EscapeForTerminal(target)));
  }
  request.in_namespace = target.substr(0, slash);
  request.pod = target.substr(slash + 1);
  const KubernetesConnection connection =
      EKSHUME_TRY(ConnectKubernetes(program, options.kubernetes, options.acquire));
  kubernetes::Client& client = *connection.client;
  const auto acquisition = EKSHUME_TRY(BeginAcquisition(program, options.acquire));
  RecordCluster(client, *acquisition);
  const Result<void> done =
      kubernetes::AcquirePod(request, client, *acquisition, program.diagnostics, program.progress);
  acquisition->SetClockOffset("Kubernetes API", client.clock_offset_seconds());
  if (!program.quiet) SayHow(*acquisition);
  return EndAcquisition(program, options.acquire, *acquisition, done,
                        done ? "" : kubernetes::MissingPermission(done.error()));
}

}  // namespace

void AddAcquirePodVerb(Program& program) {
  CLI::App* verb =
      AcquireGroup(program)->add_subcommand("pod", "a running pod: its objects, logs, processes");
  verb->footer(
      "--via node makes a privileged pod in the namespace ekshume on the pod's node and deletes "
      "it\n"
      "afterwards; ephemeral adds an ephemeral container, which nobody can remove again; exec "
      "runs\n"
      "the collector inside the container; tools uses only the container's own shell and "
      "programs;\n"
      "checkpoint asks the kubelet for a checkpoint, which needs criu on the node. auto takes "
      "them in\n"
      "this order, without checkpoint, and goes on to the next one when a permission is missing "
      "or\n"
      "it fails. The collector goes through the exec stream; nothing is downloaded there but the\n"
      "image of our own containers.\n"
      "Examples:\n"
      "  ekshume acquire pod shop/web-5d9c7 --memory anonymous --case incident-42\n"
      "  ekshume acquire pod shop/web-5d9c7 --via exec --container app --output-folder web");
  const auto options = std::make_shared<PodOptions>();
  options->request.image = kDefaultImage;
  verb->add_option("pod", options->acquire.target, "the pod")
      ->required()
      ->type_name("NAMESPACE/POD");
  verb->add_option("--via", options->request.via,
                   "how: auto (default), node, ephemeral, exec, tools, checkpoint")
      ->check(CLI::IsMember({"auto", "node", "ephemeral", "exec", "tools", "checkpoint"}));
  verb->add_option("--container", options->request.container,
                   "only this container (default: all by the node, else the first one)")
      ->type_name("NAME");
  verb->add_option("--memory", options->request.collecting.memory,
                   "memory of the processes: none (default), anonymous, all")
      ->check(CLI::IsMember({"none", "anonymous", "all"}));
  verb->add_option(
      "--image", options->request.image,
      fmt::format("of our pod on the node, with sh and head (default {})", kDefaultImage));
  verb->add_option("--collector", options->request.collecting.collector,
                   "the static collector (default: the installed one for the node)")
      ->type_name("FILE");
  verb->add_option("--resume", options->request.resume,
                   "go on where an acquisition of this pod was stopped")
      ->type_name("FOLDER");
  verb->add_option("--collect", options->request.collecting.arguments,
                   "an argument for the collector (may be repeated: --collect=--profile "
                   "--collect=none)")
      ->type_name("ARGUMENT")
      ->allow_extra_args(false);
  AddKubernetesOptions(*verb, program, options->kubernetes);
  AddAcquireOptions(*verb, program, options->acquire);
  verb->callback([&program, options] {
    program.action = [&program, options] { return RunPod(program, *options); };
  });
}

}  // namespace ekshume::cli
