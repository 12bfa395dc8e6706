// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "live/acquire/acquisition.h"
#include "live/kubernetes/client.h"

namespace ekshume::live::respond {

struct ProbeRequest {
  std::string in_namespace;
  std::string pod;
  std::vector<std::string> targets;  // HOST:PORT, besides the API server's address in the cluster
  std::string image;                 // of our pod on the node
};

// Tries TCP connections from the network namespace of a pod, by a pod of ours on its node, and
// counts the connections that the node tracks for the pod's address:
//   {"targets": [{"target": "10.0.0.1:443", "state": "open" | "cut"}], "tracked": 3 | null,
//    "policy_endpoints": ["web-x7k2p"] | null}
// the last of the VPC CNI of EKS.
// kInvalidArgument for a target of another form; kNotFound when the pod has no process.
Result<wire::Json> ProbeNetwork(const ProbeRequest& request, kubernetes::Client& client,
                                Acquisition& acquisition, DiagnosticSink& diagnostics,
                                const Progress& progress);

// The targets of a result that are in this state.
std::vector<std::string> TargetsIn(const wire::Json& result, std::string_view state);

}  // namespace ekshume::live::respond
