// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "casefile/annotations.h"
#include "casefile/case.h"
#include "event/store/store.h"
#include "server/broadcast.h"
#include "server/file_views.h"
#include "server/guard.h"
#include "server/selection.h"

namespace ekshume::server {

// One case, opened for as long as it is served: what the answers are made of. Any thread.
class CaseService {
 public:
  // kNotFound with a sentence when it is no case. `remote` (may be null) must outlive the object.
  static Result<std::unique_ptr<CaseService>> Open(const std::string& directory,
                                                   casefile::RemoteEvidence* remote);

  casefile::Case& opened() { return *case_; }
  casefile::Annotations& annotations() { return *annotations_; }
  FileViews& files() { return *files_; }
  Broadcast& changes() { return changes_; }
  Selections& selections() { return *selections_; }

  // The store for one thread, until the lease ends. There are two of them, as a search for rows
  // should not wait for the counts of the facets. kNotFound when the case has no events.
  struct Lease {
    std::unique_lock<std::mutex> lock;
    event::Store* store = nullptr;
  };
  enum class Use { kRows, kCounts };
  Result<Lease> Events(Use use);

  // report.json as it was when the case was opened; an empty object when there is none.
  const casefile::Json& report() const { return report_; }

  // Adds a record to the custody ledger under the analyst's name.
  Result<void> Record(const std::string& action, const std::string& analyst,
                      const casefile::Json& change);

 private:
  CaseService() = default;

  struct Slot {
    std::mutex mutex;
    std::unique_ptr<event::Store> store;
  };

  std::unique_ptr<casefile::Case> case_;
  std::unique_ptr<casefile::Annotations> annotations_;
  std::unique_ptr<FileViews> files_;
  casefile::Json report_;
  Slot rows_;
  Slot counts_;
  Broadcast changes_;
  std::unique_ptr<Selections> selections_;
};

}  // namespace ekshume::server
