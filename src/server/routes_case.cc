// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "casefile/atomic_file.h"
#include "live/respond/journal.h"
#include "live/respond/plan.h"
#include "server/routes.h"

namespace ekshume::server {
namespace {

// report.json without what has routes of its own.
ApiReply CaseOf(CaseService& service, const ApiRequest& request) {
  casefile::Case& opened = service.opened();
  const auto report = service.report();
  Json json = {{"id", opened.id()},
               {"path", opened.directory()},
               {"created", FormatTimestamp(opened.created())},
               {"evidence_paths", service.evidence_paths()},
               {"analyst", request.analyst},
               {"role", NameOf(request.role)},
               {"has_report", !report->empty()}};
  for (const auto& [key, value] : report->items()) {
    if (key == "findings" || key == "containers" || key == "pods" || key == "images" ||
        key == "live" || key == "host") {
      if (value.is_array()) json[key + "_count"] = value.size();
      continue;
    }
    json[key] = value;
  }
  return ApiReply::Of(json);
}

Result<ApiReply> Findings(CaseService& service) {
  const auto report = service.report();
  const auto found = report->find("findings");
  return ApiReply::Of({{"findings", found == report->end() ? Json::array() : *found}});
}

Result<ApiReply> Custody(CaseService& service) {
  Json records = Json::array();
  for (const std::string& record : EKSHUME_TRY(service.opened().CustodyRecords())) {
    Json json = Json::parse(record, nullptr, false);
    if (json.is_object()) records.push_back(std::move(json));
  }
  return ApiReply::Of({{"records", records}});
}

ApiReply Verify(CaseService& service) {
  const Result<size_t> count = service.opened().VerifyCustody();
  if (!count) return ApiReply::Of({{"unbroken", false}, {"problem", count.error().message}});
  return ApiReply::Of({{"unbroken", true}, {"records", *count}});
}

Json StepJson(const live::respond::Step& step, const live::respond::StepState& state) {
  return {{"id", step.id},
          {"phase", step.phase},
          {"kind", NameOf(step.kind)},
          {"what", step.what},
          {"reason", step.reason},
          {"effect", NameOf(step.effect)},
          {"undo", step.undo},
          {"object", step.object},
          {"enabled", step.enabled},
          {"needs_approval", step.needs_approval},
          {"missing", step.missing},
          {"state", NameOf(state.at)},
          {"error", state.error},
          {"since", state.since},
          {"by", state.by}};
}

// A plan as its file says it, with what its journal says became of it.
Result<Json> PlanJson(const std::filesystem::path& path) {
  const std::string text = EKSHUME_TRY(casefile::ReadOwnFile(path.string()));
  const live::respond::Plan plan = EKSHUME_TRY(live::respond::ReadPlan(text));
  std::filesystem::path journal = path;
  journal.replace_extension(".jsonl");
  std::map<std::string, live::respond::StepState> states;
  std::error_code error;
  if (std::filesystem::exists(journal, error)) {
    const auto records = EKSHUME_TRY(live::respond::Journal::Read(journal.string()));
    states = live::respond::StatesOf(records);
  }
  Json steps = Json::array();
  for (const live::respond::Step& step : plan.steps)
    steps.push_back(StepJson(step, states[step.id]));
  Json approvals = Json::array();
  for (const live::respond::Approval& approval : plan.approvals) {
    approvals.push_back({{"by", approval.by},
                         {"time", approval.time},
                         {"of_this_plan", approval.digest == Digest(plan)}});
  }
  return Json{{"id", plan.id},          {"target", plan.target}, {"created", plan.created},
              {"by", plan.by},          {"server", plan.server}, {"warnings", plan.warnings},
              {"approvals", approvals}, {"steps", steps},        {"problem", nullptr}};
}

ApiReply Response(CaseService& service) {
  const std::filesystem::path folder = service.opened().directory() + "/respond";
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  Json plans = Json::array();
  for (const std::filesystem::path& path : paths) {
    Result<Json> plan = PlanJson(path);
    // A plan that cannot be read is still a plan that is there.
    plans.push_back(plan ? std::move(*plan)
                         : Json{{"id", path.stem().string()}, {"problem", plan.error().message}});
  }
  return ApiReply::Of({{"plans", plans}});
}

}  // namespace

void AddCaseRoutes(Router& router, CaseService& service) {
  router.Add({"GET",
              "/case",
              "The case: verdict, incidents, coverage, evidence, diagnostics.",
              {},
              "",
              [&](const ApiRequest& request) { return CaseOf(service, request); }});
  router.Add({"GET",
              "/findings",
              "What rules and checks found, the worst first.",
              {},
              "",
              [&](const ApiRequest&) { return Findings(service); }});
  router.Add({"GET",
              "/custody",
              "The records of the custody ledger, oldest first.",
              {},
              "",
              [&](const ApiRequest&) { return Custody(service); }});
  router.Add({"GET",
              "/custody/verify",
              "Whether the chain of the custody ledger is unbroken.",
              {},
              "",
              [&](const ApiRequest&) { return Verify(service); }});
  router.Add({"GET",
              "/response",
              "The plans of response and how far they are. Read only.",
              {},
              "",
              [&](const ApiRequest&) { return Response(service); }});
}

}  // namespace ekshume::server
