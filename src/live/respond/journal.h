// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "live/wire/json.h"

namespace ekshume::live::respond {

using wire::Json;

// What became of a step, by the journal.
struct StepState {
  enum class At { kOpen, kBegun, kDone, kFailed, kUndoBegun, kUndone };
  At at = At::kOpen;
  Json begun;  // the record of when it was begun: `before`
  Json done;   // of when it was done: `after`
  std::string error;
  bool undo_may_stand = false;  // an undo was begun and nothing says how it ended
  std::string since;            // when that was
  std::string by;
};
std::string_view NameOf(StepState::At at);

// The journal of a plan, CASE/respond/PLAN.jsonl: one record a line, each on the disk before the
// next call is made, each with the SHA-256 of the line before it. What is to be done is written
// before it is done, so that whoever comes after a crash knows what may have happened. One process
// at a time: it is locked while it is open for writing.
class Journal {
 public:
  // kUnsupported when another process has it open; kCorrupt when a line is damaged or the chain is
  // broken, but for a last line that was cut off while it was written: that one is taken away.
  static Result<std::unique_ptr<Journal>> Open(const std::string& case_directory,
                                               const std::string& plan_id);
  // The records of a journal without opening it for writing.
  static Result<std::vector<Json>> Read(const std::string& path);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Adds time, user and host, and what chains it.
  Result<void> Append(Json record);
  const std::vector<Json>& records() const { return records_; }

 private:
  Journal(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

  const std::string path_;
  const int descriptor_;
  std::vector<Json> records_;
  std::string last_line_;
};

// Of every step that the records name.
std::map<std::string, StepState> StatesOf(const std::vector<Json>& records);

}  // namespace ekshume::live::respond
