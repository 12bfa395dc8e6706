// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "casefile/evidence.h"
#include "runtime/model.h"

namespace ekshume::casefile {

// A file of the host itself (no container's) that changed while pods ran on it.
struct HostChange {
  std::string path;
  const Volume* volume = nullptr;  // of the evidence
  fs::NodeId node{};
  std::string why;  // "cron", "ssh key", "systemd unit", ...; "" for other files
  fs::Stat stat;
  std::string kind;    // elf script text data empty; "" for what is no regular file
  std::string sha256;  // of regular files that have a `why`
};

// A file without a name whose data is still there.
struct DeletedFile {
  std::string volume;
  fs::NodeId node{};
  fs::Stat stat;
  std::string how;
  std::string kind;
  std::string sha256;
};

struct HostFindings {
  std::optional<Timestamp> since;    // the first pod or container of the node
  std::vector<HostChange> changes;   // with a `why`, newest first
  std::vector<HostChange> other;     // without, newest first; at most kMaxOtherHostChanges
  size_t other_count = 0;            // how many there were
  std::vector<DeletedFile> deleted;  // by volume and inode
};

// Looks at the node's own files: what changed after the first container was created, outside the
// container stores, logs and pod folders, and what was deleted while open.
HostFindings FindOnHost(const Evidence& evidence, const runtime::Inventory& inventory,
                        DiagnosticSink& diagnostics, Progress* progress);

// Why a path on a host matters to a responder ("cron", "ssh key", ...), or "": the places of
// detect/drift/places.h, and programs that are hidden, set-uid or in a temporary folder.
std::string_view PersistenceKind(std::string_view path, const fs::Stat& stat);

}  // namespace ekshume::casefile
