// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "live/respond/journal.h"
#include "live/respond/plan.h"

namespace ekshume::live::respond {

// Writes what becomes of a plan's steps into its journal, each record with the plan, its digest and
// who answers for it. One thread; the plan and the journal must outlive it.
class StepJournal {
 public:
  StepJournal(const Plan& plan, Journal& journal, std::string operator_name)
      : plan_(plan), journal_(journal), operator_name_(std::move(operator_name)) {}

  const Plan& plan() const { return plan_; }
  const std::vector<Json>& records() const { return journal_.records(); }

  Result<void> Note(const Step& step, std::string_view event, Json details);
  // The record that ends something; returns its sentence.
  Result<std::string> Finish(const Step& step, std::string_view event, Json details,
                             std::string sentence);
  // The fingerprint that our own steps left of what is at `path`, or `otherwise`.
  std::string FingerprintOf(std::string_view path, std::string otherwise) const;

 private:
  const Plan& plan_;
  Journal& journal_;
  const std::string operator_name_;
};

}  // namespace ekshume::live::respond
