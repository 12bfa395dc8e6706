// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "base/progress.h"
#include "live/acquire/acquisition.h"
#include "live/kubernetes/client.h"
#include "live/kubernetes/collector_run.h"

// Ephemeral containers (KEP-277): added to a pod that runs, in the process namespace of one of its
// containers. Nobody can remove one again; only its process can be ended.
namespace ekshume::live::kubernetes {

struct EphemeralRequest {
  std::string in_namespace;
  std::string pod;
  std::string target;  // the container whose processes it is to see
  std::string image;   // of ours; has sh, head, chmod and sleep
};

// The permission that is missing, as a sentence; "" when none is.
Result<std::string> WhyNoEphemeralContainer(const std::string& in_namespace, Client& client);

// Adds one to the pod, lets `work` use it, and ends its process, also after Ctrl-C and when `work`
// fails; the container stays in the pod's description for good, which the record says. From
// Kubernetes 1.22 the subresource takes a pod, before that a kind of its own. Asks for SYS_PTRACE,
// and does without where admission refuses that. Errors: the API's; kUnsupported when the cluster
// has no ephemeral containers; kIo when it does not run within three minutes; those of `work`.
Result<void> WithEphemeralContainer(const EphemeralRequest& request, Client& client,
                                    CollectorRun& run, Acquisition& acquisition,
                                    const Progress& progress,
                                    const std::function<Result<void>(Place place)>& work);

}  // namespace ekshume::live::kubernetes
