// SPDX-License-Identifier: Apache-2.0
#include "server/response_plans.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <vector>

#include "casefile/atomic_file.h"
#include "live/respond/aws_change.h"
#include "live/respond/runner.h"

namespace ekshume::server {

namespace respond = live::respond;
using casefile::Json;

namespace {

// Files only: a link or a pipe of that name is none of ours.
std::vector<std::filesystem::path> PlanFiles(const std::string& case_directory) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::absolute(case_directory, error) / "respond";
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    std::error_code unknown;
    const auto status = entry.symlink_status(unknown);
    if (entry.path().extension() == ".yaml" && std::filesystem::is_regular_file(status)) {
      paths.push_back(entry.path());
    }
  }
  std::ranges::sort(paths);
  return paths;
}

Result<respond::Plan> ReadPlanFile(const std::filesystem::path& path) {
  const std::string text = EKSHUME_TRY(casefile::ReadOwnFile(path.string()));
  return respond::ReadPlan(text);
}

// What is asked of the cluster or of AWS: what a step is, whatever is said about it.
Json RequestJson(const respond::Step& step) {
  Json json = Json::object();
  if (!step.path.empty()) json["path"] = step.path;
  if (!step.body.is_null()) json["body"] = step.body;
  if (step.kind == respond::StepKind::kAws) {
    json["aws"] = respond::EssenceOf(step.aws);
    json["calls"] = step.aws.calls;
  }
  if (!step.settings.empty()) json["settings"] = step.settings;
  return json;
}

Json StepJson(const respond::Step& step, const respond::StepState& state, bool needs_words) {
  return {{"id", step.id},
          {"phase", step.phase},
          {"kind", NameOf(step.kind)},
          {"what", step.what},
          {"reason", step.reason},
          {"effect", NameOf(step.effect)},
          {"undo", step.undo},
          {"can_be_undone", respond::CanBeUndone(step.kind)},
          {"object", step.object},
          {"request", RequestJson(step)},
          {"enabled", step.enabled},
          {"needs_approval", step.needs_approval},
          {"missing", step.missing},
          {"confirm", needs_words ? respond::WordsToConfirm(step) : ""},
          {"state", NameOf(state.at)},
          {"error", state.error},
          {"since", state.since},
          {"by", state.by}};
}

Result<Json> PlanJson(const std::string& case_directory, const std::filesystem::path& path,
                      const std::string& analyst) {
  const respond::Plan plan = EKSHUME_TRY(ReadPlanFile(path));
  auto states = EKSHUME_TRY(StatesOfPlan(case_directory, plan));
  const std::string digest = respond::Digest(plan);
  Json steps = Json::array();
  for (const respond::Step& step : plan.steps) {
    const bool needs_words = respond::NeedsWords(plan, states, step);
    steps.push_back(StepJson(step, states[step.id], needs_words));
  }
  Json approvals = Json::array();
  for (const respond::Approval& approval : plan.approvals) {
    approvals.push_back({{"by", approval.by},
                         {"time", approval.time},
                         {"of_this_plan", approval.digest == digest}});
  }
  return Json{{"id", plan.id},
              {"digest", digest},
              {"target", plan.target},
              {"created", plan.created},
              {"by", plan.by},
              {"server", plan.server},
              {"account", plan.account},
              {"warnings", plan.warnings},
              {"approvals", approvals},
              {"is_approved_for_you", respond::IsApproved(plan, analyst)},
              {"is_yours", plan.by == analyst},
              {"steps", steps},
              {"problem", nullptr}};
}

}  // namespace

Result<KeptPlan> FindPlan(const std::string& case_directory, const std::string& id,
                          const std::string& digest) {
  std::optional<KeptPlan> found;
  for (const std::filesystem::path& path : PlanFiles(case_directory)) {
    Result<respond::Plan> plan = ReadPlanFile(path);
    if (!plan || plan->id != id) continue;
    const bool is_meant = respond::Digest(*plan) == digest;
    if (is_meant || !found) found = KeptPlan{path.string(), std::move(*plan)};
    if (is_meant) break;
  }
  if (!found) return Fail(ErrorCode::kNotFound, "there is no plan " + id);
  return std::move(*found);
}

Result<std::map<std::string, respond::StepState>> StatesOfPlan(const std::string& case_directory,
                                                               const respond::Plan& plan) {
  const auto records = respond::Journal::Read(case_directory + "/respond/" + plan.id + ".jsonl");
  if (!records && records.error().code != ErrorCode::kNotFound) return records.error();
  return records ? respond::StatesOf(*records) : std::map<std::string, respond::StepState>();
}

Json PlansJson(const std::string& case_directory, const std::string& analyst) {
  Json plans = Json::array();
  for (const std::filesystem::path& path : PlanFiles(case_directory)) {
    Result<Json> plan = PlanJson(case_directory, path, analyst);
    // A plan that cannot be read is still a plan that is there.
    plans.push_back(plan ? std::move(*plan)
                         : Json{{"id", path.stem().string()}, {"problem", plan.error().message}});
  }
  return plans;
}

}  // namespace ekshume::server
