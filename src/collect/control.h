// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// What the collector does to processes when a response asks for it: stops a container's processes
// by its cgroup, lets them go on, ends one process. docs/respond.md, "On the node".
namespace ekshume::collect {

struct ControlOptions {
  std::string action;     // freeze, thaw, kill
  std::string container;  // the whole id of the container
  uint64_t pid = 0;       // of kill
  uint64_t start_ticks = 0;
  bool even_first = false;  // kill also the first process of its container, which ends that
  std::string root;         // "" or "/host": the host's root directory
  std::string cgroups;  // where the control groups of the host are; "": where they can be written
  std::string proc = "/proc";
};

// Does it, and returns what became of it as a JSON line: `action`, `state` ("frozen", "thawed",
// "killed", "gone": it had ended before), `cgroup` (the file that was written), `pids`. kNotFound
// when no process is of the container; kUnsupported when the kernel's control groups cannot do it,
// or when the process is another one than was meant; kIo when it does not come to rest within ten
// seconds, after it was let go on again.
Result<std::string> Control(const ControlOptions& options);

// The directory of a container's own cgroup below the hierarchies at `cgroups`, by the text of
// /proc/PID/cgroup of one of its processes: with the freezer of version 1, or of version 2. The
// file that freezes it is `file`, which can be written. kUnsupported when there is none.
struct FreezerPlace {
  std::string directory;
  std::string file;  // freezer.state or cgroup.freeze
};
Result<FreezerPlace> FindFreezer(std::string_view proc_cgroup, std::string_view container,
                                 const std::string& cgroups);

// The command line "control ACTION --container ID ...", without "control".
Result<ControlOptions> ParseControl(const std::vector<std::string>& arguments);

}  // namespace ekshume::collect
