// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
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
                            std::string_view input = {});
  // The collector for a node, as a program's bytes.
  Result<std::string> ReadCollector(const std::string& node);
  // Writes it to place.program. Needs sh, head and chmod there.
  Result<void> Send(const Place& place, std::string_view program);
  // Runs it until one part of its stream, a file collection/part-N.ekc, has its end: a stream that
  // is cut is taken up again, up to five times.
  Result<void> Collect(const Place& place);

 private:
  struct Received {
    bool complete = false;
    std::string stream_id;
    std::string members;  // as --skip - wants them
  };
  Result<Received> Read(const std::vector<std::string>& names);

  const CollectorOptions& options_;
  Client& client_;
  Acquisition& acquisition_;
  DiagnosticSink& diagnostics_;
  const Progress& progress_;
};

}  // namespace ekshume::live::kubernetes
