// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "collect/context.h"

namespace ekshume::collect {

// A line of /proc/PID/maps (proc(5)).
struct Mapping {
  uint64_t start = 0;
  uint64_t end = 0;
  std::string permissions;  // "rw-p"
  uint64_t offset = 0;
  std::string device;  // "08:01"
  uint64_t inode = 0;
  std::string path;  // "[heap]", "/lib/x.so"; without " (deleted)"
  bool deleted = false;
};

std::optional<Mapping> ParseMapping(std::string_view line);

// All mappings of a process, at most limits::kMaxMemoryRegions.
Result<std::vector<Mapping>> ReadMaps(const Context& context, int pid);

}  // namespace ekshume::collect
