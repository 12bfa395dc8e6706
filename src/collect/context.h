// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "collect/journal.h"
#include "collect/options.h"
#include "collection/writer.h"

namespace ekshume::collect {

// A process of the scope, as far as later steps need it.
struct Process {
  int pid = 0;
  uint64_t start_ticks = 0;
  uint64_t net_namespace = 0;
  uint64_t mount_namespace = 0;
  bool kernel_thread = false;
  bool exe_deleted = false;
  std::string container_id;
  std::string pod_uid;
};

// A file by where it lies, whatever its names.
struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  friend auto operator<=>(const FileIdentity&, const FileIdentity&) = default;
};

// What the steps of one collection share. One thread, except for `cancelled`.
struct Context {
  const Options& options;
  collection::Writer& writer;
  Journal& journal;
  const std::atomic<bool>& cancelled;

  std::vector<Process> processes;  // by pid
  // The members that hold the bytes of deleted files, planned or written.
  std::map<FileIdentity, std::string> deleted_members;
  uint64_t memory_bytes = 0;  // of all processes so far
  uint64_t file_bytes = 0;    // of all files so far

  std::string ProcPath(int pid, std::string_view name) const;  // "/proc/7/maps"
  std::string HostPath(std::string_view path) const;           // `path` begins with a slash
};

// The steps, in the order of volatility. Each writes its tables and members; what it cannot read
// goes to the journal. They fail only when the archive can no longer be written.
Result<void> CollectProcesses(Context& context);     // live/processes.jsonl
Result<void> CollectSockets(Context& context);       // live/sockets.jsonl, live/network/
Result<void> CollectOpenFiles(Context& context);     // live/open_files.jsonl
Result<void> CollectMaps(Context& context);          // live/maps.jsonl
Result<void> CollectDeletedFiles(Context& context);  // deleted/
Result<void> CollectKernel(Context& context);        // modules, mounts, logins, kernel log, system
Result<void> CollectMemory(Context& context);        // memory/
Result<void> CollectFiles(Context& context);         // root/, containers/, files.jsonl

}  // namespace ekshume::collect
