// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "base/clock.h"
#include "base/text.h"
#include "casefile/analyst.h"
#include "casefile/atomic_file.h"
#include "casefile/json.h"
#include "cli/acquire_kubernetes.h"
#include "cli/respond_work.h"
#include "live/respond/journal.h"
#include "live/respond/playbook.h"
#include "live/respond/runner.h"

namespace ekshume::cli {
namespace {

namespace kubernetes = live::kubernetes;
namespace respond = live::respond;
using respond::Plan;
using respond::Step;
using respond::StepKind;

struct RespondOptions {
  std::string case_directory;
  std::string plan_path;
  std::string operator_name;
  KubernetesOptions kubernetes;
  respond::PlanRequest request;
  std::string image = kDefaultImage;
  std::vector<std::string> steps;
  std::string up_to;
  std::vector<std::string> done;
  std::vector<std::string> confirmed;
  bool yes = false;
  bool force = false;
};

std::string OperatorOf(const RespondOptions& options) {
  return options.operator_name.empty() ? casefile::CurrentAnalyst().user : options.operator_name;
}

Result<Plan> OpenPlan(const RespondOptions& options) {
  const std::string text = EKSHUME_TRY(casefile::ReadOwnFile(options.plan_path));
  return respond::ReadPlan(text);
}

Result<void> SavePlan(const Plan& plan, const std::string& path) {
  const auto file = EKSHUME_TRY(casefile::AtomicFile::Create(path));
  EKSHUME_TRY(file->Write(respond::WritePlan(plan)));
  return file->Commit();
}

// The case of --case, or that in whose folder respond/ the plan lies.
Result<std::string> CaseOf(const RespondOptions& options) {
  if (!options.case_directory.empty()) return options.case_directory;
  const std::filesystem::path path = std::filesystem::absolute(options.plan_path);
  const std::string folder = path.parent_path().parent_path().string();
  if (path.parent_path().filename() == "respond" && casefile::Case::IsCase(folder)) return folder;
  return Fail(ErrorCode::kInvalidArgument, "which case? The journal lies there: --case DIR");
}

Result<void> Record(Program& program, const std::string& case_directory, std::string action) {
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

// --- plan, show, approve ---------------------------------------------------------------------

Result<void> MakeThePlan(Program& program, RespondOptions& options) {
  const auto opened = EKSHUME_TRY(casefile::Case::OpenOrCreate(options.case_directory));
  const KubernetesConnection connection = EKSHUME_TRY(ConnectKubernetes(
      program, options.kubernetes,
      {.kind = "", .target = "", .case_directory = options.case_directory, .output_folder = ""}));
  options.request.case_id = opened->id();
  options.request.by = OperatorOf(options);
  const Plan plan = EKSHUME_TRY(respond::MakePlan(options.request, *connection.client));
  std::string path = options.plan_path;
  if (path.empty()) {
    const std::string folder = options.case_directory + "/respond";
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    path = fmt::format("{}/{}.yaml", folder, plan.id);
  }
  EKSHUME_TRY(SavePlan(plan, path));
  EKSHUME_TRY(Record(program, options.case_directory, "respond plan"));
  EKSHUME_TRY(PrintSteps(program, plan, {}));
  for (const std::string& warning : plan.warnings) Say(program, "note: " + warning);
  Say(program, "the plan: " + path);
  return {};
}

Result<void> ShowPlan(Program& program, const RespondOptions& options) {
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
  for (const std::string& warning : plan.warnings) Say(program, "note: " + warning);
  for (const respond::Approval& approval : plan.approvals) {
    Say(program,
        fmt::format(
            "{} by {} at {}",
            approval.digest == respond::Digest(plan) ? "approved" : "approved, but changed since,",
            approval.by, approval.time));
  }
  return {};
}

Result<void> ApprovePlan(Program& program, const RespondOptions& options) {
  Plan plan = EKSHUME_TRY(OpenPlan(options));
  const std::string name = OperatorOf(options);
  if (name == plan.by) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{} made the plan: somebody else approves it", name));
  }
  plan.approvals.push_back({name, FormatTimestamp(Now()), respond::Digest(plan)});
  EKSHUME_TRY(SavePlan(plan, options.plan_path));
  const Result<std::string> case_directory = CaseOf(options);
  if (case_directory) EKSHUME_TRY(Record(program, *case_directory, "respond approve"));
  Say(program, fmt::format("{} is approved by {}", plan.id, name));
  return {};
}

// --- apply, verify, undo ---------------------------------------------------------------------

// Asks on the terminal for the object's name, or looks whether --confirm gave it.
bool IsConfirmed(const RespondOptions& options, const Step& step) {
  if (std::ranges::find(options.confirmed, step.object) != options.confirmed.end()) return true;
  if (isatty(STDIN_FILENO) != 1) return false;
  std::cerr << fmt::format(
      "{} destroys evidence of {} that was not acquired under this plan.\nType {} to go on: ",
      step.id, step.object, step.object);
  std::string typed;
  return std::getline(std::cin, typed) && typed == step.object;
}

struct Session {
  Plan plan;
  std::string case_directory;
  KubernetesConnection connection;
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
  session.connection = EKSHUME_TRY(ConnectKubernetes(
      program, options.kubernetes,
      {.kind = "", .target = "", .case_directory = session.case_directory, .output_folder = ""}));
  const std::string& server = session.connection.client->access().server;
  if (server != session.plan.server) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("the plan is for the cluster at {}, not for {}", session.plan.server, server));
  }
  session.journal = EKSHUME_TRY(respond::Journal::Open(session.case_directory, session.plan.id));
  return session;
}

void Arm(Session& session, Program& program, const RespondOptions& options) {
  session.runner =
      std::make_unique<respond::Runner>(session.plan, *session.connection.client, *session.journal,
                                        respond::RunnerOptions{.operator_name = OperatorOf(options),
                                                               .case_id = session.plan.case_id,
                                                               .force = options.force},
                                        RespondWork(program, options.image, session.case_directory,
                                                    *session.connection.client, *session.journal));
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

Result<void> ApplyPlan(Program& program, const RespondOptions& options) {
  Session session = EKSHUME_TRY(Begin(program, options));
  Arm(session, program, options);
  respond::Runner& runner = *session.runner;
  const std::vector<const Step*> chosen = EKSHUME_TRY(Chosen(session.plan, options));
  if (options.yes) EKSHUME_TRY(Record(program, session.case_directory, "respond apply"));
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
    if (step->effect == respond::Effect::kDestroys && !runner.IsAcquired(*step) &&
        runner.StateOf(*step).at != respond::StepState::At::kDone && !IsConfirmed(options, *step)) {
      return Fail(ErrorCode::kUnsupported,
                  fmt::format("{} destroys evidence that was not acquired under this plan: --yes "
                              "does not cover it, --confirm {} does",
                              step->id, step->object));
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

Result<void> VerifyPlan(Program& program, const RespondOptions& options) {
  Session session = EKSHUME_TRY(Begin(program, options));
  const auto all = RespondWork(program, options.image, session.case_directory,
                               *session.connection.client, *session.journal);
  EKSHUME_TRY(Record(program, session.case_directory, "respond verify"));
  bool any = false;
  for (const Step& step : session.plan.steps) {
    if (step.kind != StepKind::kProbe || step.phase != "verify") continue;
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

Result<void> UndoPlan(Program& program, const RespondOptions& options) {
  Session session = EKSHUME_TRY(Begin(program, options));
  Arm(session, program, options);
  const auto states = respond::StatesOf(session.journal->records());
  std::vector<const Step*> chosen;
  for (const Step& step : session.plan.steps) {
    const bool is_named = std::ranges::find(options.steps, step.id) != options.steps.end();
    if (is_named || (options.steps.empty() && states.contains(step.id))) chosen.push_back(&step);
  }
  std::ranges::reverse(chosen);
  if (options.yes) EKSHUME_TRY(Record(program, session.case_directory, "respond undo"));
  size_t failed = 0;
  for (const Step* step : chosen) {
    if (!options.yes) {
      Say(program, fmt::format("{}: would undo: {}", step->id, step->undo));
      continue;
    }
    const auto undone = session.runner->Undo(*step);
    if (undone) {
      Say(program, fmt::format("{}: {}", step->id, *undone));
    } else if (step->kind == StepKind::kRemove || step->kind == StepKind::kEvict) {
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
Result<void> ShowStatus(Program& program, const RespondOptions& options) {
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

// --- the command line ------------------------------------------------------------------------

void AddPlanArgument(CLI::App& verb, RespondOptions& options) {
  verb.add_option("plan", options.plan_path, "the plan's file")->required()->type_name("PLAN");
}

void AddCommon(CLI::App& verb, Program& program, RespondOptions& options) {
  verb.add_option("--case", options.case_directory,
                  "the case (default: the one in whose folder respond/ the plan lies)")
      ->type_name("DIR");
  verb.add_option("--operator", options.operator_name,
                  "who answers for it (default: the login name)")
      ->type_name("NAME");
  program.AddOutputOptions(verb);
}

void AddSteps(CLI::App& verb, RespondOptions& options) {
  verb.add_option("--step", options.steps, "only this step (may be repeated)")
      ->type_name("ID")
      ->allow_extra_args(false);
  verb.add_flag("--yes", options.yes, "do it; without it only what would be done is shown");
}

void AddImage(CLI::App& verb, RespondOptions& options) {
  verb.add_option("--image", options.image,
                  fmt::format("of our pod on the node (default {})", kDefaultImage));
}

}  // namespace

void AddRespondVerb(Program& program) {
  CLI::App* group = program.app.add_subcommand(
      "respond", "contain and remediate by a plan that can be read, approved and undone");
  group->require_subcommand(1);
  const auto options = std::make_shared<RespondOptions>();
  const auto add = [&](const char* name, const char* description,
                       Result<void> (*run)(Program&, RespondOptions&)) {
    CLI::App* verb = group->add_subcommand(name, description);
    AddCommon(*verb, program, *options);
    verb->callback([&program, options, run] {
      program.action = [&program, options, run] { return run(program, *options); };
    });
    return verb;
  };

  CLI::App* plan =
      add("plan", "make a plan for a pod, a node or an identity; changes nothing", MakeThePlan);
  plan->footer(
      "The plan is a YAML file: read it, change `enabled`, have it approved, apply it.\n"
      "Examples:\n"
      "  ekshume respond plan pod/shop/web-5d9c7 --case incident-42 --probe 192.0.2.7:443\n"
      "  ekshume respond plan serviceaccount/shop/deployer --case incident-42\n"
      "  ekshume respond plan clusterrolebinding/backdoor --case incident-42 --plan-file p.yaml");
  plan->add_option("target", options->request.target,
                   "pod/NAMESPACE/NAME, node/NAME, serviceaccount/NAMESPACE/NAME, user/NAME, "
                   "group/NAME, clusterrolebinding/NAME, rolebinding/NAMESPACE/NAME")
      ->required()
      ->type_name("TARGET");
  plan->add_option("--plan-file", options->plan_path, "where it goes (default: the case)")
      ->type_name("FILE");
  plan->add_option("--probe", options->request.probes,
                   "what the pod must not reach any more, besides the API server (may be repeated)")
      ->type_name("HOST:PORT")
      ->allow_extra_args(false);
  plan->add_option("--memory", options->request.memory, "memory that is acquired")
      ->check(CLI::IsMember({"none", "anonymous", "all"}));
  AddKubernetesOptions(*plan, program, options->kubernetes);
  plan->get_option("--case")->required();

  AddPlanArgument(*add("show", "the steps of a plan, and what became of them",
                       [](Program& p, RespondOptions& o) { return ShowPlan(p, o); }),
                  *options);
  CLI::App* approve = add("approve", "sign a plan off, as somebody who did not make it",
                          [](Program& p, RespondOptions& o) { return ApprovePlan(p, o); });
  AddPlanArgument(*approve, *options);
  approve->footer("Example:\n  ekshume respond approve incident-42/respond/P.yaml --operator bob");

  CLI::App* apply = add("apply", "carry a plan out, step by step; dry run without --yes",
                        [](Program& p, RespondOptions& o) { return ApplyPlan(p, o); });
  AddPlanArgument(*apply, *options);
  AddSteps(*apply, *options);
  apply->add_option("--up-to", options->up_to, "the steps up to this one")->type_name("ID");
  apply->add_option("--done", options->done, "record that people did this manual step")
      ->type_name("ID")
      ->allow_extra_args(false);
  apply
      ->add_option("--confirm", options->confirmed,
                   "the object whose evidence a step may destroy although it was not acquired")
      ->type_name("OBJECT")
      ->allow_extra_args(false);
  AddImage(*apply, *options);
  AddKubernetesOptions(*apply, program, options->kubernetes);
  apply->footer(
      "Stops at the first step that fails and says what stands. Every request is in the journal\n"
      "CASE/respond/PLAN.jsonl before it is made; after a crash the same command goes on.\n"
      "Examples:\n"
      "  ekshume respond apply incident-42/respond/P.yaml\n"
      "  ekshume respond apply incident-42/respond/P.yaml --up-to acquire-pod --yes\n"
      "  ekshume respond apply incident-42/respond/P.yaml --step delete-pod --yes");

  CLI::App* verify = add("verify", "test in the data plane that a pod is cut off",
                         [](Program& p, RespondOptions& o) { return VerifyPlan(p, o); });
  AddPlanArgument(*verify, *options);
  AddImage(*verify, *options);
  AddKubernetesOptions(*verify, program, options->kubernetes);

  CLI::App* undo = add("undo", "take back what a plan did, last step first; dry run without --yes",
                       [](Program& p, RespondOptions& o) { return UndoPlan(p, o); });
  AddPlanArgument(*undo, *options);
  AddSteps(*undo, *options);
  undo->add_flag("--force", options->force,
                 "put the old values back although others changed them since");
  AddKubernetesOptions(*undo, program, options->kubernetes);

  CLI::App* status = add("status", "what is in force, since when and by whom",
                         [](Program& p, RespondOptions& o) { return ShowStatus(p, o); });
  status->get_option("--case")->required();
}

}  // namespace ekshume::cli
