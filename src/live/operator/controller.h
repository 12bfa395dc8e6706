// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/progress.h"
#include "live/kubernetes/client.h"
#include "live/operator/checkpoint.h"

namespace ekshume::live::operators {

struct ControllerOptions {
  std::string in_namespace;               // whose checkpoints are looked at
  std::string identity;                   // of this operator; the same after a restart, if possible
  std::vector<std::string> destinations;  // s3://BUCKET/PREFIX; at least one
  bool once = false;                      // do what waits, and end
  // Does one: acquires and uploads to that place. An error is why it could not be begun; kCancelled
  // when we are to stop.
  std::function<Result<End>(const Checkpoint&, const aws::S3Place&)> acquire;
  std::function<void(const std::string&)> say;  // a line for people who watch
  std::function<Timestamp()> now;
};

// Does what PodCheckpoints ask for, one after another, until it is told to stop. Any number of
// operators may run: whoever sets the status first has it (by the object's resourceVersion), renews
// that while it works, and no two are about the same pod. What a stopped operator had begun is
// begun again by the next, at most kMostAttempts times. kUnsupported when the checkpoints may not
// be listed; kCancelled. `steady`: a client of the same cluster that nobody asks to stop, which
// sets status.
Result<void> RunController(const ControllerOptions& options, kubernetes::Client& client,
                           std::unique_ptr<kubernetes::Client> steady, const Progress& progress);

}  // namespace ekshume::live::operators
