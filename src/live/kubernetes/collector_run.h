// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "live/acquire/acquisition.h"
#include "live/kubernetes/client.h"
#include "live/kubernetes/exec.h"

namespace ekshume::live::kubernetes {

// A container that commands run in, and the collector there.
struct Place {
  std::string in_namespace;
  std::string pod;
  std::string container;
  std::string program;                 // where the collector goes
  std::vector<std::string> arguments;  // of the collector: its root and scope
};

// What is the same wherever the collector runs.
struct CollectorOptions {
  std::string memory = "none";         // none, anonymous, all: the collector's --memory
  std::string collector;               // the static collector's file; "": FindCollectorProgram
  std::vector<std::string> arguments;  // more arguments of the collector
};

// Brings the static collector into a container over exec and keeps what it streams. One thread; all
// that it is given must outlive it.
class CollectorRun {
 public:
  CollectorRun(const CollectorOptions& options, Client& client, Acquisition& acquisition,
               DiagnosticSink& diagnostics, const Progress& progress)
      : options_(options),
        client_(client),
        acquisition_(acquisition),
        diagnostics_(diagnostics),
        progress_(progress) {}

  Result<ExecOutcome> RunIn(const Place& place, std::vector<std::string> command,
                            std::string_view input, std::function<Result<void>(ByteView)> output);
  // A script of the container's shell whose failure is kIo. What it printed, at most
  // limits::kMaxSmallFileBytes, without newlines at its end.
  Result<std::string> Shell(const Place& place, const std::string& script,
                            std::string_view input = {}) {
    return Shell(place, script, input, &progress_);
  }
  // The same also after Ctrl-C: for what takes away what we left.
  Result<std::string> CleanUp(const Place& place, const std::string& script) {
    return Shell(place, script, {}, nullptr);
  }
  // The collector for a node, as a program's bytes.
  Result<std::string> ReadCollector(const std::string& node);
  // Writes it to place.program. Needs sh, head and chmod there.
  Result<void> Send(const Place& place, std::string_view program);
  // Runs it until one part of its stream, a file FOLDER/part-N.ekc, has its end: a stream that is
  // cut is taken up again, up to five times. At the end lengths and hashes of all parts are
  // checked; what differs is in the record. `earlier`: parts 1, 2, ... of an acquisition that was
  // stopped, in this one's folder already; what they hold is not sent again.
  Result<void> Collect(const Place& place, std::string_view folder = "collection",
                       std::vector<std::string> earlier = {});

 private:
  Result<std::string> Shell(const Place& place, const std::string& script, std::string_view input,
                            const Progress* progress);
  Result<void> Verify(const std::vector<std::string>& names);

  const CollectorOptions& options_;
  Client& client_;
  Acquisition& acquisition_;
  DiagnosticSink& diagnostics_;
  const Progress& progress_;
};

}  // namespace ekshume::live::kubernetes
