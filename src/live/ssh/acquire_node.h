// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "live/acquire/acquisition.h"
#include "live/ssh/ssh.h"

namespace ekshume::live::ssh {

struct NodeRequest {
  SshTarget target;
  std::string collector;               // the static collector's file; "": that for the node
  std::vector<std::string> arguments;  // of the collector
};

// Runs the collector on a node as root (sudo without a password when the user is another). It
// travels over standard input into a file in memory (/dev/shm, else /run, /tmp, /var/tmp), which is
// deleted before the collector runs, so that nothing stays however it ends. Its stream is kept as
// collection/part-N.ekc; one that is cut is taken up again, up to five times. Errors: kIo with what
// ssh or the node said; kNotFound without a collector; kCancelled.
Result<void> AcquireNode(const NodeRequest& request, Acquisition& acquisition,
                         DiagnosticSink& diagnostics, const Progress& progress);

}  // namespace ekshume::live::ssh
