// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "live/respond/runner.h"
#include "server/response_plans.h"
#include "server/routes.h"

namespace ekshume::server {
namespace {

namespace respond = live::respond;
using respond::Step;
using respond::StepKind;

constexpr std::string_view kOff =
    "plans are applied on the command line only: this server was started without --allow-response";

ApiReply Off() { return ApiReply::Refusal(403, "off", kOff); }

Result<std::string> TextOf(const Json& body, const char* name) {
  const Json value = body.is_object() ? body.value(name, Json()) : Json();
  if (!value.is_string()) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{}: a text", name));
  }
  return value.get<std::string>();
}

// A list of texts, each of which `is_known`; empty without one.
Result<std::vector<std::string>> TextsOf(const Json& body, const char* name, const auto& is_known) {
  const Json values = body.value(name, Json::array());
  if (!values.is_array()) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{}: a list of texts", name));
  }
  std::vector<std::string> texts;
  for (const Json& value : values) {
    if (!value.is_string() || !is_known(value.get<std::string>())) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: {} is none of this plan", name, casefile::Dump(value)));
    }
    std::string text = value.get<std::string>();
    if (std::ranges::find(texts, text) == texts.end()) texts.push_back(std::move(text));
  }
  return texts;
}

// Whatever the child would stop at half way, known before: approvals and words that are not there.
// Empty: nothing. Steps that will be done count as done for those behind them.
std::string WhyNot(const respond::Plan& plan, std::map<std::string, respond::StepState> states,
                   const std::vector<std::string>& steps, const std::vector<std::string>& confirmed,
                   const std::string& analyst) {
  const auto has = [](const std::vector<std::string>& texts, const std::string& text) {
    return std::ranges::find(texts, text) != texts.end();
  };
  const bool is_approved = respond::IsApproved(plan, analyst);
  for (const Step& step : plan.steps) {
    const bool is_chosen = steps.empty() ? step.enabled : has(steps, step.id);
    if (!is_chosen || step.kind == StepKind::kManual) continue;
    respond::StepState& state = states[step.id];
    if (state.at == respond::StepState::At::kDone) continue;
    if (!step.enabled) return fmt::format("{} is not enabled in the plan", step.id);
    if (step.needs_approval && !is_approved) {
      return fmt::format(
          "{} needs an approval of the plan as it is, by somebody who neither made it nor applies "
          "it",
          step.id);
    }
    const std::string words = respond::WordsToConfirm(step);
    if (respond::NeedsWords(plan, states, step) && !has(confirmed, words)) {
      return fmt::format("{} destroys evidence that was not acquired under this plan: confirm {}",
                         step.id, words);
    }
    state.at = respond::StepState::At::kDone;
  }
  return "";
}

Json StateOf(const JobDesk& desk, const ResponseAccess& access) {
  Json json = desk.State();
  json["is_on"] = access.is_on;
  json["off_because"] = access.is_on ? Json(nullptr) : Json(kOff);
  return json;
}

Result<ApiReply> Run(JobDesk& desk, const ResponseAccess& access, CaseService& service,
                     const std::string& verb, const ApiRequest& request) {
  if (!access.is_on) return Off();
  const std::string id = EKSHUME_TRY(TextOf(request.body, "plan"));
  const std::string digest = EKSHUME_TRY(TextOf(request.body, "digest"));
  const std::string& directory = service.opened().directory();
  const KeptPlan kept = EKSHUME_TRY(FindPlan(directory, id, digest));
  if (digest != respond::Digest(kept.plan)) {
    return ApiReply::Refusal(409, "changed", "the plan is another than the one that was shown");
  }
  const std::vector<std::string> steps = EKSHUME_TRY(TextsOf(
      request.body, "steps", [&](const std::string& step) { return kept.plan.Find(step); }));
  const std::vector<std::string> confirmed =
      EKSHUME_TRY(TextsOf(request.body, "confirm", [&](const std::string& words) {
        return std::ranges::any_of(kept.plan.steps,
                                   [&](const Step& step) { return WordsToConfirm(step) == words; });
      }));
  if (verb == "approve" && kept.plan.by == request.analyst) {
    return ApiReply::Refusal(409, "own", "you made this plan: somebody else approves it");
  }
  if (verb == "apply") {
    const auto states = EKSHUME_TRY(StatesOfPlan(directory, kept.plan));
    const std::string why = WhyNot(kept.plan, states, steps, confirmed, request.analyst);
    if (!why.empty()) return ApiReply::Refusal(409, "not_yet", why + "; nothing was done");
  }
  JobDesk::Task task;
  task.action = "respond " + verb;
  task.analyst = request.analyst;
  task.about = {{"plan", id}, {"digest", digest}};
  std::error_code error;
  std::vector<std::string>& arguments = task.request.arguments;
  // --digest: the child reads the file again. Each value is one word with its option: none is taken
  // for another option. An absolute path begins with a slash.
  arguments = {
      "respond",           verb,
      kept.path,           "--case=" + std::filesystem::absolute(directory, error).string(),
      "--progress-fd=3",   "--operator=" + request.analyst,
      "--digest=" + digest};
  if (verb != "approve") {
    arguments.emplace_back("--yes");
    task.about["steps"] = steps;
    for (const std::string& step : steps) arguments.push_back("--step=" + step);
    arguments.insert(arguments.end(), access.arguments.begin(), access.arguments.end());
  }
  if (verb == "apply") {
    task.about["confirmed"] = confirmed;
    for (const std::string& words : confirmed) arguments.push_back("--confirm=" + words);
  }
  // No patience: what changes a cluster is never killed for being slow to stop.
  if (EKSHUME_TRY(desk.Start(std::move(task))) == JobDesk::Started::kBusy) {
    return ApiReply::Refusal(409, "running", "a plan is being worked on already: one at a time");
  }
  return ApiReply::Of(StateOf(desk, access));
}

Result<ApiReply> Stop(JobDesk& desk, const ResponseAccess& access, const ApiRequest& request) {
  if (!access.is_on) return Off();
  if (!EKSHUME_TRY(desk.Stop(request.analyst))) {
    return ApiReply::Refusal(409, "idle", "no plan is being worked on");
  }
  return ApiReply::Of(StateOf(desk, access));
}

}  // namespace

void AddResponseRoutes(Router& router, CaseService& service, JobDesk& desk,
                       const ResponseAccess& access) {
  router.Add({"GET",
              "/response",
              "The plans of response and how far they are.",
              {},
              "",
              [&](const ApiRequest& request) {
                return ApiReply::Of(
                    {{"plans", PlansJson(service.opened().directory(), request.analyst)}});
              }});
  router.Add({"GET",
              "/response/job",
              "Whether a plan is being worked on, how far that is, and how the last time ended.",
              {},
              "",
              [&](const ApiRequest&) { return ApiReply::Of(StateOf(desk, access)); }});
  const auto add = [&](std::string_view path, std::string_view about, const char* verb,
                       std::string_view body) {
    router.Add(
        {"POST",
         path,
         about,
         {},
         body,
         [&, verb](const ApiRequest& request) { return Run(desk, access, service, verb, request); },
         Role::kResponder});
  };
  add("/response/approve", "Signs a plan off, as somebody who did not make it.", "approve",
      "plan: its id; digest: that of the plan that was read");
  add("/response/apply", "Carries a plan out, or some of its steps.", "apply",
      "plan, digest; steps: ids, none for all enabled ones; confirm: the words of steps that "
      "destroy what was not acquired");
  add("/response/undo", "Takes back what a plan did, or some of its steps.", "undo",
      "plan, digest; steps: ids, none for all");
  router.Add({"POST",
              "/response/stop",
              "Stops what is being done, as Ctrl-C does. What was done stands.",
              {},
              "nothing",
              [&](const ApiRequest& request) { return Stop(desk, access, request); },
              Role::kResponder});
}

}  // namespace ekshume::server
