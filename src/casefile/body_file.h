// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "event/event.h"

// Body files: the times of files that another program collected, a line for each. Specification:
// wiki.sleuthkit.org, "Body file" (of TSK 3.0 and later):
//   MD5|name|inode|mode_as_string|UID|GID|size|atime|mtime|ctime|crtime
namespace ekshume::casefile {

// One line. The views are into it.
struct BodyLine {
  std::string_view name;    // without a link's target
  std::string_view target;  // " -> " and what follows, of a symbolic link
  std::string_view mode;    // "r/rrwxr-xr-x" or "-rwxr-xr-x"
  std::string_view uid;
  uint64_t size_bytes = 0;
  // Modified, accessed, changed, created; nothing where the line has 0 or less.
  std::array<std::optional<Timestamp>, 4> times;
};

// Nothing for a line that is none. A name may hold '|'.
std::optional<BodyLine> ParseBodyLine(std::string_view line);

// Calls `add` with an event for each distinct moment of the line, as artifact/mactime makes them of
// a disk. `event` is used for all of them; its other columns stay.
void VisitBodyEvents(const BodyLine& line, event::Event& event, const std::function<void()>& add);

}  // namespace ekshume::casefile
