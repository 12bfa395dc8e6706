// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/acquire_kubernetes.h"
#include "cli/program.h"
#include "live/respond/journal.h"
#include "live/respond/plan.h"
#include "live/respond/playbook.h"

// The verbs of `ekshume respond`, and what their command lines fill.
namespace ekshume::cli {

struct RespondOptions {
  std::string case_directory;
  std::string plan_path;
  std::string operator_name;
  std::string digest;  // of the plan that is meant; empty: of any
  KubernetesOptions kubernetes;
  live::respond::PlanRequest request;
  std::string image = kDefaultImage;
  std::vector<std::string> steps;
  std::string up_to;
  std::vector<std::string> done;
  std::vector<std::string> confirmed;
  bool yes = false;
  bool force = false;
  bool no_aws = false;  // no steps in AWS for a target in a cluster
};

// Who answers for what is done: --operator, or the login name.
std::string OperatorOf(const RespondOptions& options);
// The plan of the command line. The errors of respond::ReadPlan().
Result<live::respond::Plan> OpenPlan(const RespondOptions& options);
// The case of --case, or that in whose folder respond/ the plan lies.
Result<std::string> CaseOf(const RespondOptions& options);
// Writes into the custody ledger of a case that this was done.
Result<void> RecordAct(Program& program, const std::string& case_directory, std::string action);
// The steps of a plan as rows, with what became of them.
Result<void> PrintSteps(Program& program, const live::respond::Plan& plan,
                        const std::map<std::string, live::respond::StepState>& states);
// A sentence on standard error, unless --quiet.
void Say(const Program& program, const std::string& text);

Result<void> MakeThePlan(Program& program, RespondOptions& options);
Result<void> ShowPlan(Program& program, RespondOptions& options);
Result<void> ApprovePlan(Program& program, RespondOptions& options);
Result<void> ApplyPlan(Program& program, RespondOptions& options);
Result<void> VerifyPlan(Program& program, RespondOptions& options);
Result<void> UndoPlan(Program& program, RespondOptions& options);
Result<void> ShowStatus(Program& program, RespondOptions& options);
// The kinds of things in AWS that steps can change (cloud_state/resource.h).
Result<void> ListResources(Program& program, RespondOptions& options);

}  // namespace ekshume::cli
