// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "live/acquire/acquisition.h"
#include "live/kubernetes/client.h"
#include "live/kubernetes/collector_run.h"

namespace ekshume::live::kubernetes {

struct PodRequest {
  std::string in_namespace;
  std::string pod;
  std::string container;     // "": all of them by the node, else the pod's first one
  std::string via = "auto";  // auto, node, ephemeral, exec, tools, checkpoint
  std::string image;         // of our containers; has sh, head, chmod and sleep
  // The folder of an acquisition of the same pod that was stopped or cut: what it has is not
  // fetched again; its parts are copied here. "": none.
  std::string resume;
  CollectorOptions collecting;
};

// What the API has of a pod, then what runs in it, over one of these channels:
//   node        the collector in a privileged pod of ours on the node, deleted afterwards
//   ephemeral   the collector in an ephemeral container of the pod, which stays in its description
//   exec        the collector inside the container
//   tools       the container's own shell and programs
//   checkpoint  the kubelet's checkpoint API; only when it is asked for
// "auto" takes them in this order and goes on to the next one when a permission is missing or when
// it fails; the record has every try and why it ended. A stream that is cut is taken up again, each
// part is a file collection/part-N.ekc; parts of a channel that failed stay, and those of the next
// are in collection-CHANNEL. kNotFound without the pod; kUnsupported when no channel is open; the
// error of the last channel that was tried.
Result<void> AcquirePod(const PodRequest& request, Client& client, Acquisition& acquisition,
                        DiagnosticSink& diagnostics, const Progress& progress);

}  // namespace ekshume::live::kubernetes
