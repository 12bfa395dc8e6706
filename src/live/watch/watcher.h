// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "live/aws/connection.h"
#include "live/watch/policy.h"

namespace ekshume::live::watch {

struct WatchOptions {
  Policy policy;
  std::string case_directory;     // exists; its watch.json remembers what was done
  std::string queue_url;          // an SQS queue that EventBridge fills, or ""
  std::istream* input = nullptr;  // events, one JSON object a line; null: none
  int interval_seconds = 60;      // between two looks at GuardDuty
  bool once = false;              // one look, then the end
  // Starts the program with these arguments and waits; its exit code.
  std::function<Result<int>(const std::vector<std::string>&)> run;
  // Tells people what happens, a line at a time.
  std::function<void(const std::string&)> say;
};

// Looks at findings (GuardDuty itself, a queue, or an input) and starts the acquisitions that the
// policy asks for, each object once: what was begun is remembered before it is begun, and one that
// failed (exit code 2 or more) may be tried again by a later finding. Ends when the input does,
// after one look (`once`), or when the user stops it. `progress` is asked for that.
Result<void> Watch(const WatchOptions& options, aws::Connection& connection,
                   DiagnosticSink& diagnostics, Progress& progress);

}  // namespace ekshume::live::watch
