// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "cli/acquire.h"
#include "live/kubernetes/client.h"
#include "live/kubernetes/eks.h"

namespace ekshume::cli {

// The image of our pods on nodes.
inline constexpr const char* kDefaultImage = "public.ecr.aws/docker/library/busybox:stable";

// Which cluster, and as whom.
struct KubernetesOptions {
  live::kubernetes::AccessOptions access;
  std::string eks_cluster;
  bool exec_plugin = false;
};

// Adds --kubeconfig, --context, --eks-cluster, --exec-plugin and the options of AWS.
void AddKubernetesOptions(CLI::App& verb, Program& program, KubernetesOptions& options);

struct KubernetesConnection {
  std::unique_ptr<live::kubernetes::EksTokens> tokens;  // used by the client
  std::unique_ptr<live::kubernetes::Client> client;
};
// `where`: the case or folder, which role sessions are named after.
Result<KubernetesConnection> ConnectKubernetes(Program& program, const KubernetesOptions& options,
                                               const AcquireOptions& where);

// Writes down which cluster it is and who we are there.
void RecordCluster(live::kubernetes::Client& client, live::Acquisition& acquisition);

// One file each.
void AddAcquireClusterVerb(Program& program);
void AddOperatorVerb(Program& program);

}  // namespace ekshume::cli
