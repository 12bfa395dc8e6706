// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "live/acquire/acquisition.h"
#include "live/kubernetes/client.h"
#include "live/kubernetes/collector_run.h"

namespace ekshume::live::kubernetes {

struct NodeRequest {
  std::string node;   // its name in the API, or the instance that it is (i-...)
  std::string image;  // of our pod there; has sh, head, chmod and sleep
  CollectorOptions collecting;
};

// What the API has of a node (state/: itself, the pods on it, its events), then all that runs on
// it, by the collector in a privileged pod that is deleted afterwards. What could not be had is in
// the record. kNotFound without the node; kUnsupported with the missing permission, and for nodes
// of Fargate, which take no such pods.
Result<void> AcquireNode(const NodeRequest& request, Client& client, Acquisition& acquisition,
                         DiagnosticSink& diagnostics, const Progress& progress);

}  // namespace ekshume::live::kubernetes
