// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <utility>

#include "casefile/detection/content_search.h"
#include "casefile/evidence.h"
#include "casefile/live_evidence.h"
#include "casefile/process_owners.h"
#include "event/store/store.h"

// What the detectors over evidence of running systems share.
namespace ekshume::casefile {

// The events of processes in the store, by evidence and process id.
class ProcessEvents {
 public:
  ProcessEvents() = default;
  // Errors are those of the store.
  static Result<ProcessEvents> Of(event::Store& store);

  void Add(const std::string& evidence, int64_t pid, std::string id);
  // The id of its event; "" when the store has none.
  std::string Find(const LiveEvidence& live, const process::Process& process) const;

 private:
  std::map<std::pair<std::string, int64_t>, std::string> ids_;
};

// The live evidence of a case, and whose the processes are. `evidence_in` and `inventory` must
// outlive it.
struct LiveContext {
  LiveContext(const Evidence& evidence_in, const runtime::Inventory& inventory_in,
              ProcessEvents events_in)
      : evidence(evidence_in),
        inventory(inventory_in),
        owners(inventory_in),
        events(std::move(events_in)) {}

  const Evidence& evidence;
  const runtime::Inventory& inventory;
  const ProcessOwners owners;
  const ProcessEvents events;

  // What findings about something of that process say of it: owner, program, start, event.
  FileOfCase About(const LiveEvidence& live, const process::Process& process) const;
};

// "process 4711 implant"
std::string ProcessName(const process::Process& process);
// "process 4711 implant (/tmp/implant, deleted; pod shop/web; container 376ed2ebfa27)"
std::string ProcessText(const process::Process& process, const ProcessOwner& owner);

}  // namespace ekshume::casefile
