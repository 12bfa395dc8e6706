// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "event/store/store.h"

// What the event store says of its sources, for coverage_facts.h.
namespace ekshume::casefile {

// A time in which a source that otherwise never rests had no event.
struct Silence {
  Timestamp from;
  Timestamp to;
};

struct SourceFacts {
  uint64_t rows = 0;
  std::optional<Timestamp> first;
  std::optional<Timestamp> last;
  std::vector<Silence> silences;  // the longest kMostSilences, in order of time
};
inline constexpr size_t kMostSilences = 20;

// What was seen of one resource: how much of its requests the audit policy keeps.
struct AuditResource {
  uint64_t reads = 0;      // get, list, watch
  uint64_t writes = 0;     // everything else
  std::string read_level;  // Metadata, Request, RequestResponse: the most that was met; "" unknown
  std::string write_level;
};

struct AuditFacts {
  uint64_t rows = 0;
  uint64_t truncated = 0;  // records that the log cut short
  uint64_t exec = 0;       // exec and attach
  uint64_t exec_with_command = 0;
  // Events of the core group, which is the one that kubectl deletes, not only of events.k8s.io.
  bool core_events = false;
  std::map<std::string, AuditResource> resources;  // "pods", "pods/exec"; sorted

  bool HasReads() const;
  bool HasWrites() const;
  // The most that is kept of writes to any of these, "" when none was met.
  std::string WriteLevel(std::initializer_list<const char*> names) const;
};

// By the column `source`. Two statements that group all events.
Result<std::map<std::string, SourceFacts>> ReadSources(event::Store& store);
// One statement that groups all audit events, and the records of a bounded sample of them.
Result<AuditFacts> ReadAudit(event::Store& store);

// The `level` of an audit record; "" when it has none.
std::string AuditLevel(const std::string& record);

// Gaps in the numbers of the time slots that had events (ascending): pairs of neighbours that are
// much farther apart than they usually are.
std::vector<std::pair<int64_t, int64_t>> FindSilences(const std::vector<int64_t>& slots);

}  // namespace ekshume::casefile
