// SPDX-License-Identifier: Apache-2.0
#include "collect/journal.h"

#include <utility>

#include "collect/system.h"

namespace ekshume::collect {

Result<void> Journal::Skip(SkipReason severity, std::string_view what, std::string_view reason,
                           int pid, int number) {
  JsonLine line;
  line.Text("what", what);
  if (pid != 0) line.Number("pid", pid);
  line.Text("reason", reason);
  if (number != 0) line.Text("errno", ErrnoName(number));
  line.Text("severity", severity == SkipReason::kLoss    ? "loss"
                        : severity == SkipReason::kLimit ? "limit"
                                                         : "gone");
  if (severity == SkipReason::kLoss) ++losses_;
  return skipped_.AddLine(line.Take());
}

Result<void> Journal::Skip(std::string_view what, const Error& error, int pid) {
  const SkipReason severity =
      error.code == ErrorCode::kNotFound ? SkipReason::kGone : SkipReason::kLoss;
  return Skip(severity, what, error.message, pid);
}

Result<void> Journal::Trace(JsonLine line) { return traces_.AddLine(line.Take()); }

}  // namespace ekshume::collect
