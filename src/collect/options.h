// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "collection/writer.h"

namespace ekshume::collect {

enum class MemoryMode { kNone, kAnonymous, kAll };
enum class Profile { kNone, kTriage, kFull };

// What is to be collected, from where, at which cost. docs/acquire.md, "Collect on a node".
struct Options {
  // Where the host is seen from here.
  std::string root;            // "" or "/host": its root directory
  std::string proc = "/proc";  // a proc of the PID namespace to look at

  // The scope; all empty: everything that is seen.
  std::vector<uint64_t> pids;
  std::vector<std::string> container_ids;  // or their beginnings
  std::vector<std::string> pod_uids;

  MemoryMode memory = MemoryMode::kNone;
  uint64_t memory_process_bytes = uint64_t{2} << 30;
  uint64_t memory_total_bytes = uint64_t{16} << 30;

  Profile profile = Profile::kTriage;
  std::vector<std::string> globs;  // further files, as paths of the host or the container
  uint64_t file_bytes = uint64_t{256} << 20;  // a larger one is left out
  uint64_t files_total_bytes = uint64_t{16} << 30;
  uint64_t deleted_bytes = uint64_t{1} << 30;  // a larger deleted file is left out

  // Members that the receiver has from an earlier part.
  std::unordered_set<std::string> received;
  collection::StreamId continues_id{};
  uint32_t part = 1;

  int compression_level = 3;
  std::string tool;  // name and version
};

}  // namespace ekshume::collect
