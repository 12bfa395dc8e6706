// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "live/kubernetes/tool_answers.h"
#include "live/wire/json.h"

// Lines of a collection's tables (docs/formats/collection.md) from files of /proc that a
// container's own tools printed.
namespace ekshume::live::kubernetes {

using wire::Json;

// One process: the contents of its files in /proc by their names, and its links.
struct ToolProcess {
  int64_t pid = 0;
  std::map<std::string, std::string> files;  // "stat", "status", "cmdline", ...
  std::vector<Link> links;                   // exe, cwd, root, fd/N, ns/NAME

  // The target of a link by its name below the process's folder, or "".
  std::string_view Target(std::string_view name) const;
  // The number in the target of ns/NAME, or 0.
  uint64_t Namespace(std::string_view name) const;
};

// Who they belong to, as the API says: a container's own cgroup namespace hides it.
struct ToolOwner {
  std::string container_id;
  std::string pod_uid;
};

// True for the target of a link to a file that has no name any more.
bool IsDeletedTarget(std::string_view target);

// live/processes.jsonl. `boot_seconds`: when the node started, 0 when it is not known.
Json ProcessRow(const ToolProcess& process, const ToolOwner& owner, int64_t boot_seconds);
// live/open_files.jsonl
std::vector<Json> OpenFileRows(const ToolProcess& process);
// live/maps.jsonl, at most `most`
std::vector<Json> MapRows(const ToolProcess& process, size_t most = limits::kMaxMemoryRegions);
// live/sockets.jsonl: `file` is "tcp", "tcp6", "udp", ..., "unix"; `text` what /proc/net has under
// that name. `processes` say who holds a socket. At most limits::kMaxSockets.
std::vector<Json> SocketRows(std::string_view file, std::string_view text,
                             const std::vector<ToolProcess>& processes);

}  // namespace ekshume::live::kubernetes
