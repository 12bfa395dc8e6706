// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <iostream>

#include "base/clock.h"
#include "base/text.h"
#include "casefile/analyst.h"
#include "casefile/atomic_file.h"
#include "casefile/json.h"
#include "cli/respond_access.h"
#include "cli/respond_verbs.h"
#include "live/respond/playbook.h"

namespace ekshume::cli {

namespace respond = live::respond;
using respond::Plan;
using respond::Step;

namespace {

Result<void> SavePlan(const Plan& plan, const std::string& path) {
  const auto file = EKSHUME_TRY(casefile::AtomicFile::Create(path));
  EKSHUME_TRY(file->Write(respond::WritePlan(plan)));
  return file->Commit();
}

// What should be known before, and the lines that a step takes out of a text.
void SayNotes(const Program& program, const Plan& plan) {
  for (const std::string& warning : plan.warnings) Say(program, "note: " + warning);
  for (const Step& step : plan.steps) {
    const std::string diff = respond::SettingOf(step, "diff");
    for (const std::string_view line : SplitNonEmpty(diff, '\n')) {
      Say(program, fmt::format("{}: {}", step.id, line));
    }
  }
}

}  // namespace

std::string OperatorOf(const RespondOptions& options) {
  return options.operator_name.empty() ? casefile::CurrentAnalyst().user : options.operator_name;
}

Result<Plan> OpenPlan(const RespondOptions& options) {
  const std::string text = EKSHUME_TRY(casefile::ReadOwnFile(options.plan_path));
  Plan plan = EKSHUME_TRY(respond::ReadPlan(text));
  if (!options.digest.empty() && options.digest != respond::Digest(plan)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is another plan than the one with the digest {}: it was changed",
                            options.plan_path, options.digest));
  }
  return plan;
}

// The case of --case, or that in whose folder respond/ the plan lies.
Result<std::string> CaseOf(const RespondOptions& options) {
  if (!options.case_directory.empty()) return options.case_directory;
  const std::filesystem::path path = std::filesystem::absolute(options.plan_path);
  const std::string folder = path.parent_path().parent_path().string();
  if (path.parent_path().filename() == "respond" && casefile::Case::IsCase(folder)) return folder;
  return Fail(ErrorCode::kInvalidArgument, "which case? The journal lies there: --case DIR");
}

Result<void> RecordAct(Program& program, const std::string& case_directory, std::string action) {
  const auto opened = EKSHUME_TRY(casefile::Case::Open(case_directory));
  return opened->Record({.action = std::move(action),
                         .arguments = program.command_line,
                         .evidence = {},
                         .acquisition = ""});
}

Result<void> PrintSteps(Program& program, const Plan& plan,
                        const std::map<std::string, respond::StepState>& states) {
  const auto output = EKSHUME_TRY(program.OpenOutput());
  RowFormatter rows(program.format);
  for (const Step& step : plan.steps) {
    const auto found = states.find(step.id);
    const respond::StepState state = found == states.end() ? respond::StepState{} : found->second;
    rows.Begin();
    rows.Text("step"_key, step.id);
    rows.Text("phase"_key, step.phase);
    rows.Text("state"_key, state.at == respond::StepState::At::kOpen && !step.enabled
                               ? "disabled"
                               : respond::NameOf(state.at));
    rows.Text("evidence"_key, respond::NameOf(step.effect));
    rows.Boolean("approval"_key, step.needs_approval);
    rows.Text("object"_key, step.object);
    rows.Text("what"_key, step.what);
    rows.Text("undo"_key, step.undo);
    rows.Text("missing"_key, fmt::format("{}", fmt::join(step.missing, "; ")));
    rows.Text("since"_key, state.since);
    rows.Text("by"_key, state.by);
    rows.Text("error"_key, state.error);
    rows.End();
  }
  RowWriter writer(program.format, *output);
  writer.Write(rows.Take(), rows.keys());
  writer.Finish();
  return output->Finish();
}

void Say(const Program& program, const std::string& text) {
  if (!program.quiet) std::cerr << "ekshume: " << EscapeForTerminal(text) << '\n';
}

Result<void> MakeThePlan(Program& program, RespondOptions& options) {
  // A case as the target: a plan for what its incidents name.
  const bool is_case = casefile::Case::IsCase(options.request.target);
  if (is_case && options.case_directory.empty()) options.case_directory = options.request.target;
  if (options.case_directory.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "which case? The plan goes there: --case DIR");
  }
  const auto opened = EKSHUME_TRY(casefile::Case::OpenOrCreate(options.case_directory));
  std::string report;
  if (is_case) {
    const auto source = EKSHUME_TRY(casefile::Case::Open(options.request.target));
    report = EKSHUME_TRY(source->Report());
    options.request.target = fmt::format("case/{}", source->id());
  }
  const RespondAccess access =
      EKSHUME_TRY(AccessForTarget(program, options.kubernetes, options.case_directory,
                                  options.request.target, !options.no_aws, is_case));
  options.request.case_id = opened->id();
  options.request.by = OperatorOf(options);
  const respond::PlanSources sources = {access.cluster.client.get(), access.aws};
  const Plan plan = EKSHUME_TRY(is_case ? respond::MakeCasePlan(options.request, report, sources)
                                        : respond::MakePlan(options.request, sources));
  std::string path = options.plan_path;
  if (path.empty()) {
    const std::string folder = options.case_directory + "/respond";
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    path = fmt::format("{}/{}.yaml", folder, plan.id);
  }
  EKSHUME_TRY(SavePlan(plan, path));
  EKSHUME_TRY(RecordAct(program, options.case_directory, "respond plan"));
  EKSHUME_TRY(PrintSteps(program, plan, {}));
  SayNotes(program, plan);
  Say(program, "the plan: " + path);
  return {};
}

Result<void> ShowPlan(Program& program, RespondOptions& options) {
  const Plan plan = EKSHUME_TRY(OpenPlan(options));
  std::map<std::string, respond::StepState> states;
  const Result<std::string> case_directory = CaseOf(options);
  if (case_directory) {
    const auto records =
        respond::Journal::Read(fmt::format("{}/respond/{}.jsonl", *case_directory, plan.id));
    if (records) {
      states = respond::StatesOf(*records);
    } else if (records.error().code != ErrorCode::kNotFound) {
      return records.error();
    }
  }
  EKSHUME_TRY(PrintSteps(program, plan, states));
  SayNotes(program, plan);
  Say(program, "its digest: " + respond::Digest(plan));
  for (const respond::Approval& approval : plan.approvals) {
    Say(program,
        fmt::format(
            "{} by {} at {}",
            approval.digest == respond::Digest(plan) ? "approved" : "approved, but changed since,",
            approval.by, approval.time));
  }
  return {};
}

Result<void> ApprovePlan(Program& program, RespondOptions& options) {
  Plan plan = EKSHUME_TRY(OpenPlan(options));
  const std::string name = OperatorOf(options);
  if (name == plan.by) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{} made the plan: somebody else approves it", name));
  }
  plan.approvals.push_back({name, FormatTimestamp(Now()), respond::Digest(plan)});
  EKSHUME_TRY(SavePlan(plan, options.plan_path));
  const Result<std::string> case_directory = CaseOf(options);
  if (case_directory) EKSHUME_TRY(RecordAct(program, *case_directory, "respond approve"));
  Say(program, fmt::format("{} is approved by {}", plan.id, name));
  return {};
}

}  // namespace ekshume::cli
