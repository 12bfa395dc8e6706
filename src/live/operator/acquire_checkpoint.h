// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "live/aws/client.h"
#include "live/kubernetes/client.h"
#include "live/operator/checkpoint.h"

namespace ekshume::live::operators {

struct CheckpointWork {
  std::string work_folder;  // what is acquired lies there until it is uploaded; made and removed
  std::string image;        // of our pods on nodes
  std::string collector;    // the static collector's file, or ""
  std::vector<std::string> arguments;  // our command line, for the record
};

// `acquire pod` as a checkpoint asks for, and the folder's upload, acquisition.json last. What
// could be had is uploaded also when the rest failed. kCancelled; else all is in the End.
Result<End> AcquireCheckpoint(const Checkpoint& checkpoint, const aws::S3Place& place,
                              const CheckpointWork& work, kubernetes::Client& client,
                              const aws::Client& s3, const Progress& progress);

}  // namespace ekshume::live::operators
