// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "live/acquire/acquisition.h"
#include "live/kubernetes/client.h"
#include "live/kubernetes/collector_run.h"

namespace ekshume::live::kubernetes {

struct PodRequest {
  std::string in_namespace;
  std::string pod;
  std::string container;  // "": the pod's first one where one must be chosen; all of them by node
  std::string via = "auto";  // auto, node, exec
  std::string image;         // of our pod on the node; has sh, head, chmod and sleep
  CollectorOptions collecting;
};

// What the API has of a pod, then what runs in it: the collector is sent to the node (a privileged
// pod of ours that is deleted afterwards) or into the container, through exec. A stream that is cut
// is taken up again, up to five times; each part is a file collection/part-N.ekc. What could not be
// had is in the record. kNotFound without the pod; kUnsupported when no way is allowed.
Result<void> AcquirePod(const PodRequest& request, Client& client, Acquisition& acquisition,
                        DiagnosticSink& diagnostics, const Progress& progress);

}  // namespace ekshume::live::kubernetes
