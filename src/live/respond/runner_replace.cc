// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "live/respond/change.h"
#include "live/respond/object_calls.h"
#include "live/respond/runner.h"

namespace ekshume::live::respond {

Result<Json> Runner::Replace(const Step& step, const Json& object, bool dry_run) {
  EKSHUME_TRY(client_->Delete(step.path, DeleteOptionsFor(object, dry_run)));
  if (dry_run) return Json::object();
  return MakeAgain(step, object);
}

// Also after a crash in between: then the object is gone, or there again with another uid.
Result<Json> Runner::MakeAgain(const Step& step, const Json& before) {
  Json again = AsCreated(before);
  // Of a service account: the names of tokens that are gone.
  again.erase("secrets");
  const Target target = EKSHUME_TRY(Look(step));
  if (!target.exists) {
    const auto made = client_->Post(CollectionOf(step.path) + "?" + kManager, again);
    if (made || !kubernetes::IsConflict(made.error())) return made;
  }
  // A controller was faster, as it is with the account `default`: what was decided in the old one
  // is put into the new one.
  const Json now = EKSHUME_TRY(client_->Get(step.path));
  if (UidOf(now) == UidOf(before)) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{} is still being deleted: try again", step.object));
  }
  if (Stands(now, again)) return now;
  return ChangeObject(*client_, step, now, again, false);
}

}  // namespace ekshume::live::respond
