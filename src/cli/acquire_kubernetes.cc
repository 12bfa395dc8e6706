// SPDX-License-Identifier: Apache-2.0
#include "cli/acquire_kubernetes.h"

namespace ekshume::cli {

namespace kubernetes = live::kubernetes;

void AddKubernetesOptions(CLI::App& verb, Program& program, KubernetesOptions& options) {
  CLI::Option* kubeconfig = verb.add_option("--kubeconfig", options.access.kubeconfig,
                                            "instead of $KUBECONFIG and ~/.kube/config")
                                ->type_name("FILE");
  CLI::Option* context =
      verb.add_option("--context", options.access.context, "instead of the current context")
          ->type_name("NAME");
  verb.add_option("--eks-cluster", options.eks_cluster,
                  "a cluster of EKS without a kubeconfig; with --region and AWS credentials")
      ->type_name("NAME")
      ->excludes(kubeconfig)
      ->excludes(context);
  verb.add_flag("--exec-plugin", options.exec_plugin,
                "run the kubeconfig's `aws eks get-token` instead of making the token ourselves");
  AddAwsOptions(verb, program.aws);
}

Result<KubernetesConnection> ConnectKubernetes(Program& program, const KubernetesOptions& options,
                                               const AcquireOptions& where) {
  if (program.aws.session_name.empty()) {
    program.aws.session_name =
        RoleSessionName(where.case_directory.empty() ? where.output_folder : where.case_directory);
  }
  KubernetesConnection connection;
  connection.tokens =
      std::make_unique<kubernetes::EksTokens>(program.aws, program.diagnostics, &program.progress);
  const auto surroundings = kubernetes::Surroundings::OfProcess();
  kubernetes::Access access =
      options.eks_cluster.empty()
          ? EKSHUME_TRY(kubernetes::FindAccess(options.access, surroundings))
          : EKSHUME_TRY(connection.tokens->Find(options.eks_cluster));
  const kubernetes::RunProgram run =
      options.exec_plugin ? kubernetes::RunProgram(kubernetes::RunProgramOfProcess)
                          : connection.tokens->Runner(kubernetes::RunProgramOfProcess);
  connection.client = EKSHUME_TRY(
      kubernetes::Client::Open(std::move(access), surroundings, run, &program.progress));
  return connection;
}

void RecordCluster(kubernetes::Client& client, live::Acquisition& acquisition) {
  acquisition.SetOrigin(client.access().server);
  acquisition.SetIdentity(client.UserName(), client.access().source);
}

}  // namespace ekshume::cli
