// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "casefile/case.h"
#include "casefile/json.h"

namespace ekshume::casefile {

// What analysts note about a case: stars, tags, colours and comments on events, files and findings;
// which findings they accept or dismiss; searches they save; the notes of the report. Every change
// is a line of CASE/annotations.jsonl, which is only appended to, and a record of the custody
// ledger under the analyst's name. docs/formats/case.md is the specification. Any thread; two
// processes must not change one case at the same time.
class Annotations {
 public:
  // One change. `targets` are "event:ID", "finding:ID", "file:PLACE:PATH", "search:NAME" or
  // "report"; every kind takes those that docs/formats/case.md names.
  struct Change {
    std::string analyst;
    std::string kind;  // star, tag, untag, colour, comment, finding, search, notes
    std::vector<std::string> targets;
    Json value;
  };

  // Reads what there is. `opened` must outlive the object. kCorrupt names the line that is none.
  static Result<std::unique_ptr<Annotations>> Open(Case& opened);

  // Keeps a change: on the disk, in the ledger, in State(). kInvalidArgument says what about it is
  // wrong. Returns the change as it was kept.
  Result<Json> Apply(const Change& change);

  // Everything as it stands: `revision` (how many changes there were), `targets` (by target: star,
  // colour, tags[], comments[], state, reason), `searches[]`, `notes`.
  Json State() const;
  // The ids of the events with a star, a certain tag, or any mark at all.
  std::vector<std::string> StarredEvents() const;
  std::vector<std::string> TaggedEvents(const std::string& tag) const;
  std::vector<std::string> MarkedEvents() const;

 private:
  explicit Annotations(Case& opened) : case_(opened) {}
  void Take(const Json& change);  // with the mutex held
  template <typename Wanted>
  std::vector<std::string> EventsWith(Wanted wanted) const;

  Case& case_;
  mutable std::mutex mutex_;
  size_t revision_ = 0;
  std::map<std::string, Json> targets_;
  std::map<std::string, Json> searches_;
  std::string notes_;
};

}  // namespace ekshume::casefile
