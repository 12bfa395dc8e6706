// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <utility>

#include "runtime/bolt/database.h"
#include "runtime/location.h"
#include "runtime/model.h"

namespace ekshume::runtime::containerd {

// The containers that had a shim when the node stopped, as (namespace, id): each has a working
// directory below <root>/io.containerd.runtime.v2.task.
using RunningTasks = std::set<std::pair<std::string, std::string>>;
RunningTasks ReadRunningTasks(const Location& store, DiagnosticSink& diagnostics);

// Where a container's writable layer lies.
struct SnapshotReference {
  std::string snapshotter;
  std::string key;
};

// The container that the record `bucket` (containers/<id>) describes: its own fields, the OCI
// specification, the CRI plugin's metadata and labels. Layers and state are left to the caller.
// Damaged parts are reported and left out. `reference` is set to its snapshot.
Container ReadContainerRecord(const std::string& id, const std::string& runtime_namespace,
                              const Location& store, const bolt::Bucket& bucket,
                              SnapshotReference& reference, DiagnosticSink& diagnostics);

// The same for a record of the sandbox store (sandboxes/<id>, containerd 1.7 and 2.x).
Container ReadSandboxRecord(const std::string& id, const std::string& runtime_namespace,
                            const Location& store, const bolt::Bucket& bucket,
                            DiagnosticSink& diagnostics);

// Sets state, times, pid and exit code: the CRI plugin's status file decides, else whether a task
// was running.
void ReadContainerState(const RunningTasks& tasks, Container& container,
                        DiagnosticSink& diagnostics);

}  // namespace ekshume::runtime::containerd
