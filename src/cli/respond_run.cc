// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "base/text.h"
#include "cli/respond_access.h"
#include "cli/respond_verbs.h"
#include "cli/respond_work.h"
#include "live/respond/runner.h"

namespace ekshume::cli {
namespace {

namespace respond = live::respond;
using respond::Plan;
using respond::Step;
using respond::StepKind;

// Asks on the terminal for these words, or looks whether --confirm gave them.
bool IsConfirmed(const RespondOptions& options, const Step& step) {
  const std::string words = respond::WordsToConfirm(step);
  if (std::ranges::find(options.confirmed, words) != options.confirmed.end()) return true;
  if (isatty(STDIN_FILENO) != 1) return false;
  std::cerr << fmt::format(
      "{} destroys evidence of {} that was not acquired under this plan.\nType {} to go on: ",
      step.id, step.object, words);
  std::string typed;
  return std::getline(std::cin, typed) && typed == words;
}

struct Session {
  Plan plan;
  std::string case_directory;
  RespondAccess access;
  std::unique_ptr<respond::Journal> journal;
  std::unique_ptr<respond::Runner> runner;
};

Result<Session> Begin(Program& program, const RespondOptions& options) {
  Session session;
  session.plan = EKSHUME_TRY(OpenPlan(options));
  session.case_directory = EKSHUME_TRY(CaseOf(options));
  const auto opened = EKSHUME_TRY(casefile::Case::Open(session.case_directory));
  if (!session.plan.case_id.empty() && session.plan.case_id != opened->id()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("the plan is of the case {}, not of {}", session.plan.case_id,
                            session.case_directory));
  }
  session.access =
      EKSHUME_TRY(AccessForPlan(program, options.kubernetes, session.case_directory, session.plan));
  session.journal = EKSHUME_TRY(respond::Journal::Open(session.case_directory, session.plan.id));
  return session;
}

// The work of steps in the plan's cluster, if it has one.
std::map<StepKind, respond::StepWork> WorkOf(Session& session, Program& program,
                                             const RespondOptions& options) {
  if (session.access.cluster.client == nullptr) return {};
  return RespondWork(program, options.image, session.case_directory, *session.access.cluster.client,
                     *session.journal);
}

void Arm(Session& session, Program& program, const RespondOptions& options) {
  session.runner = std::make_unique<respond::Runner>(
      session.plan, session.access.cluster.client.get(), *session.journal,
      respond::RunnerOptions{.operator_name = OperatorOf(options),
                             .case_id = session.plan.case_id,
                             .force = options.force,
                             .caller = session.access.caller},
      WorkOf(session, program, options), session.access.aws);
}

// The steps that --step and --up-to choose, in the plan's order.
Result<std::vector<const Step*>> Chosen(const Plan& plan, const RespondOptions& options) {
  for (const std::string& id : options.steps) {
    if (plan.Find(id) == nullptr) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("the plan has no step {}", id));
    }
  }
  if (!options.up_to.empty() && plan.Find(options.up_to) == nullptr) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("the plan has no step {}", options.up_to));
  }
  std::vector<const Step*> chosen;
  for (const Step& step : plan.steps) {
    const bool is_named = std::ranges::find(options.steps, step.id) != options.steps.end();
    if (is_named || (options.steps.empty() && step.enabled)) chosen.push_back(&step);
    if (step.id == options.up_to) break;
  }
  return chosen;
}

}  // namespace

Result<void> ApplyPlan(Program& program, RespondOptions& options) {
  Session session = EKSHUME_TRY(Begin(program, options));
  Arm(session, program, options);
  respond::Runner& runner = *session.runner;
  const std::vector<const Step*> chosen = EKSHUME_TRY(Chosen(session.plan, options));
  // Known before anything is done, so that nothing is left half done for want of a right.
  const std::vector<std::string> missing = runner.Missing(chosen);
  if (!options.yes) {
    for (const std::string& permission : missing) Say(program, permission);
  } else if (!missing.empty()) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{}; nothing was done", fmt::join(missing, "; ")));
  }
  if (options.yes) EKSHUME_TRY(RecordAct(program, session.case_directory, "respond apply"));
  for (const std::string& id : options.done) {
    const Step* step = session.plan.Find(id);
    if (step == nullptr) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("the plan has no step {}", id));
    }
    Say(program, fmt::format("{}: {}", id, EKSHUME_TRY(runner.MarkDone(*step))));
  }
  if (!options.done.empty() && options.steps.empty() && options.up_to.empty()) return {};
  for (const Step* step : chosen) {
    if (program.progress.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
    if (step->kind == StepKind::kManual) {
      if (runner.StateOf(*step).at != respond::StepState::At::kDone) {
        Say(program,
            fmt::format("{}: by hand: {} (then --done {})", step->id, step->what, step->id));
      }
      continue;
    }
    if (!options.yes) {
      const auto checked = runner.DryRun(*step);
      if (!checked) program.has_failures = true;
      Say(program, fmt::format("{}: would {}{}{}", step->id, step->what,
                               checked && checked->empty() ? "" : ": ",
                               checked ? *checked : "but " + checked.error().message));
      continue;
    }
    if (runner.NeedsWords(*step) && !IsConfirmed(options, *step)) {
      return Fail(ErrorCode::kUnsupported,
                  fmt::format("{} destroys evidence that was not acquired under this plan: --yes "
                              "does not cover it, --confirm {} does",
                              step->id, respond::WordsToConfirm(*step)));
    }
    const auto applied = runner.Apply(*step);
    if (!applied) {
      Say(program,
          "what was done before stands; respond status shows it, respond undo takes it back");
      return WithContext(applied.error(), step->id);
    }
    Say(program, fmt::format("{}: {}", step->id, *applied));
  }
  if (!options.yes) Say(program, "nothing was changed: --yes applies it");
  return {};
}

Result<void> VerifyPlan(Program& program, RespondOptions& options) {
  Session session = EKSHUME_TRY(Begin(program, options));
  const auto all = WorkOf(session, program, options);
  EKSHUME_TRY(RecordAct(program, session.case_directory, "respond verify"));
  bool any = false;
  for (const Step& step : session.plan.steps) {
    if (step.kind != StepKind::kProbe || step.phase != "verify" ||
        !all.contains(StepKind::kProbe)) {
      continue;
    }
    any = true;
    const auto result = all.at(StepKind::kProbe)(step);
    EKSHUME_TRY(session.journal->Append({{"plan", session.plan.id},
                                         {"event", "verified"},
                                         {"verified", step.id},
                                         {"operator", OperatorOf(options)},
                                         {"result", result ? *result : live::wire::Json()},
                                         {"error", result ? "" : result.error().message}}));
    if (!result) return WithContext(result.error(), step.id);
    Say(program, fmt::format("{}: {}", step.id, live::wire::TextOf(*result, "sentence")));
  }
  if (!any) Say(program, "the plan has nothing that is verified in the data plane");
  return {};
}

Result<void> UndoPlan(Program& program, RespondOptions& options) {
  Session session = EKSHUME_TRY(Begin(program, options));
  Arm(session, program, options);
  const auto states = respond::StatesOf(session.journal->records());
  std::vector<const Step*> chosen;
  for (const Step& step : session.plan.steps) {
    const bool is_named = std::ranges::find(options.steps, step.id) != options.steps.end();
    if (is_named || (options.steps.empty() && states.contains(step.id))) chosen.push_back(&step);
  }
  std::ranges::reverse(chosen);
  if (options.yes) EKSHUME_TRY(RecordAct(program, session.case_directory, "respond undo"));
  size_t failed = 0;
  for (const Step* step : chosen) {
    if (!options.yes) {
      Say(program, fmt::format("{}: would undo: {}", step->id, step->undo));
      continue;
    }
    if (program.progress.cancelled()) {
      Say(program, "what was not taken back yet stands; the same command goes on");
      return Fail(ErrorCode::kCancelled, "stopped");
    }
    const auto undone = session.runner->Undo(*step);
    if (undone) {
      Say(program, fmt::format("{}: {}", step->id, *undone));
    } else if (!respond::CanBeUndone(step->kind)) {
      Say(program, fmt::format("{}: {}", step->id, undone.error().message));
    } else {
      Say(program, fmt::format("{}: not undone: {}", step->id, undone.error().message));
      ++failed;
    }
  }
  if (!options.yes) Say(program, "nothing was changed: --yes undoes it");
  if (failed > 0) {
    return Fail(ErrorCode::kUnsupported, fmt::format("{} steps could not be undone", failed));
  }
  return {};
}

// Every plan of a case and what of it is in force.
Result<void> ShowStatus(Program& program, RespondOptions& options) {
  const auto opened = EKSHUME_TRY(casefile::Case::Open(options.case_directory));
  const auto output = EKSHUME_TRY(program.OpenOutput());
  RowFormatter rows(program.format);
  std::vector<std::string> journals;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(opened->directory() + "/respond", error)) {
    if (entry.path().extension() == ".jsonl") journals.push_back(entry.path().string());
  }
  std::ranges::sort(journals);
  for (const std::string& path : journals) {
    const auto records = EKSHUME_TRY(respond::Journal::Read(path));
    for (const auto& [step, state] : respond::StatesOf(records)) {
      rows.Begin();
      rows.Text("plan"_key, std::filesystem::path(path).stem().string());
      rows.Text("step"_key, step);
      rows.Text("state"_key, respond::NameOf(state.at));
      rows.Text("object_path"_key, live::wire::TextOf(state.begun, "path"));
      rows.Text("since"_key, state.since);
      rows.Text("by"_key, state.by);
      rows.Text("error"_key, state.error);
      rows.End();
    }
  }
  RowWriter writer(program.format, *output);
  writer.Write(rows.Take(), rows.keys());
  writer.Finish();
  return output->Finish();
}

}  // namespace ekshume::cli
