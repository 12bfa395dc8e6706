// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/acquire_kubernetes.h"
#include "live/cluster/acquire_cluster.h"

namespace ekshume::cli {
namespace {

namespace kubernetes = live::kubernetes;

struct ClusterOptions {
  AcquireOptions acquire{
      .kind = "cluster", .target = "", .case_directory = "", .output_folder = ""};
  KubernetesOptions kubernetes;
};

Result<void> RunCluster(Program& program, ClusterOptions& options) {
  const KubernetesConnection connection =
      EKSHUME_TRY(ConnectKubernetes(program, options.kubernetes, options.acquire));
  kubernetes::Client& client = *connection.client;
  options.acquire.target = client.access().source;
  const auto acquisition = EKSHUME_TRY(BeginAcquisition(program, options.acquire));
  RecordCluster(client, *acquisition);
  acquisition->SetMethod("Kubernetes API, every list", "");
  const Result<void> done = live::cluster::AcquireCluster(client, *acquisition, program.progress);
  acquisition->SetClockOffset("Kubernetes API", client.clock_offset_seconds());
  return EndAcquisition(program, options.acquire, *acquisition, done,
                        done ? "" : kubernetes::MissingPermission(done.error()));
}

}  // namespace

void AddAcquireClusterVerb(Program& program) {
  CLI::App* verb = AcquireGroup(program)->add_subcommand(
      "cluster", "all objects that the Kubernetes API lists, secrets by name only");
  verb->footer(
      "Saves every list that discovery names, custom resources included, one object a line, with\n"
      "managedFields (who wrote which field when). Of secrets only metadata are asked for. What "
      "may\n"
      "not be listed is named; deploy/kubernetes/rbac.yaml has a role that may. `investigate` of\n"
      "the folder puts the cluster's Events on the timeline.\n"
      "Examples:\n"
      "  ekshume acquire cluster --case incident-42\n"
      "  ekshume acquire cluster --eks-cluster prod --region eu-central-1 --output-folder prod");
  const auto options = std::make_shared<ClusterOptions>();
  AddKubernetesOptions(*verb, program, options->kubernetes);
  AddAcquireOptions(*verb, program, options->acquire);
  verb->callback([&program, options] {
    program.action = [&program, options] { return RunCluster(program, *options); };
  });
}

}  // namespace ekshume::cli
