// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

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
  // should not wait for the counts of the facets. kNotFound when the case has no events, kCancelled
  // while they are let go.
  struct Lease {
    std::unique_lock<std::mutex> lock;
    event::Store* store = nullptr;
  };
  enum class Use { kRows, kCounts };
  Result<Lease> Events(Use use);

  // Lets go of the events, which another process may then write, when the answers that are being
  // made of them are done. kCancelled when that takes longer than limits::kLettingGoTime. Reports
  // and files are answered as they were.
  Result<void> LetGo();
  // Opens all anew: the events, the report, the list of evidence. Ends what LetGo() began, even
  // when it fails: kCorrupt when the report is none; then the one from before stays.
  Result<void> TakeUp();

  // report.json as it was when the case was opened or taken up; an empty object when there is none.
  std::shared_ptr<const casefile::Json> report() const;
  std::vector<std::string> evidence_paths() const;

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
  Slot rows_;
  Slot counts_;
  std::atomic<bool> is_let_go_ = false;
  Broadcast changes_;
  std::unique_ptr<Selections> selections_;
  mutable std::mutex mutex_;  // of what follows
  std::shared_ptr<const casefile::Json> report_;
  std::vector<std::string> evidence_paths_;
};

}  // namespace ekshume::server
