// SPDX-License-Identifier: Apache-2.0
#include "live/respond/step_journal.h"

namespace ekshume::live::respond {

Result<void> StepJournal::Note(const Step& step, std::string_view event, Json details) {
  details["plan"] = plan_.id;
  details["digest"] = Digest(plan_);
  details["step"] = step.id;
  details["event"] = event;
  details["operator"] = operator_name_;
  return journal_.Append(std::move(details));
}

Result<std::string> StepJournal::Finish(const Step& step, std::string_view event, Json details,
                                        std::string sentence) {
  details["outcome"] = sentence;
  EKSHUME_TRY(Note(step, event, std::move(details)));
  return sentence;
}

std::string StepJournal::FingerprintOf(std::string_view path, std::string otherwise) const {
  for (const Json& record : journal_.records()) {
    if (wire::TextOf(record, "path") == path && record.contains("fingerprint")) {
      otherwise = wire::TextOf(record, "fingerprint");
    }
  }
  return otherwise;
}

}  // namespace ekshume::live::respond
