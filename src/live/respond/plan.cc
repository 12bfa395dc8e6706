// SPDX-License-Identifier: Apache-2.0
#include "live/respond/plan.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/byte_view.h"
#include "base/hash.h"
#include "live/respond/aws_change.h"
#include "runtime/yaml.h"

namespace ekshume::live::respond {
namespace {

using kubernetes::Permission;
using kubernetes::PermissionFor;

constexpr int kVersion = 1;
constexpr std::array<std::string_view, 13> kKinds = {
    "patch",   "create", "delete", "remove", "evict",  "replace", "save",
    "acquire", "probe",  "freeze", "kill",   "manual", "aws"};
constexpr std::array<std::string_view, 3> kEffects = {"preserves", "alters", "destroys"};

Error BadPlan(std::string_view why) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format("the plan: {}", why));
}

bool CallsApi(StepKind kind) { return kind < StepKind::kSave; }

Result<Step> ReadStep(const runtime::Json& json) {
  if (!json.is_object()) return BadPlan("a step is no mapping");
  Step step;
  std::string kind;
  std::string effect;
  std::string body;
  std::string enabled = "true";
  std::string approval = "false";
  const std::map<std::string_view, std::string*> texts = {
      {"id", &step.id},      {"phase", &step.phase},        {"kind", &kind},
      {"what", &step.what},  {"reason", &step.reason},      {"evidence", &effect},
      {"undo", &step.undo},  {"path", &step.path},          {"body", &body},
      {"uid", &step.uid},    {"object", &step.object},      {"fingerprint", &step.fingerprint},
      {"enabled", &enabled}, {"needs_approval", &approval},
  };
  for (const auto& [name, value] : json.items()) {
    if (name == "missing" && value.is_array()) {
      for (const auto& text : value) {
        if (text.is_string()) step.missing.push_back(text.get<std::string>());
      }
      continue;
    }
    if (name == "aws") {
      step.aws = EKSHUME_TRY(ReadAwsChange(value));
      continue;
    }
    if (name == "settings" && value.is_object()) {
      for (const auto& [key, text] : value.items()) {
        if (!text.is_string()) return BadPlan(fmt::format("setting {} is no text", key));
        step.settings[key] = text.template get<std::string>();
      }
      continue;
    }
    const auto place = texts.find(name);
    if (place == texts.end()) return BadPlan(fmt::format("a step has no member {}", name));
    if (!value.is_string()) return BadPlan(fmt::format("{} of a step is no text", name));
    *place->second = value.template get<std::string>();
  }
  if (step.id.empty()) return BadPlan("a step has no id");
  const auto bad = [&](std::string_view why) {
    return BadPlan(fmt::format("step {}: {}", step.id, why));
  };
  const auto known_kind = std::ranges::find(kKinds, kind);
  if (known_kind == kKinds.end()) return bad(fmt::format("unknown kind \"{}\"", kind));
  step.kind = static_cast<StepKind>(known_kind - kKinds.begin());
  const auto known_effect = std::ranges::find(kEffects, effect);
  if (known_effect == kEffects.end()) return bad("evidence is preserves, alters or destroys");
  step.effect = static_cast<Effect>(known_effect - kEffects.begin());
  for (const auto& [text, flag] :
       {std::pair(&enabled, &step.enabled), {&approval, &step.needs_approval}}) {
    if (*text != "true" && *text != "false") return bad("enabled, needs_approval: true or false");
    *flag = *text == "true";
  }
  if (!body.empty()) {
    step.body = Json::parse(body, nullptr, false);
    if (!step.body.is_object()) return bad("the body is no JSON object");
  }
  if (CallsApi(step.kind) && !step.path.starts_with("/api")) return bad("has no path of the API");
  if ((step.kind == StepKind::kAws) == step.aws.resource.empty()) {
    return bad("a step of kind aws, and only one, has a member aws");
  }
  if ((step.kind == StepKind::kPatch || step.kind == StepKind::kCreate) && step.body.empty()) {
    return bad("has no body");
  }
  return step;
}

// What the steps do, without what is said about them.
Json Essence(const Plan& plan) {
  Json steps = Json::array();
  for (const Step& step : plan.steps) {
    steps.push_back({{"id", step.id},
                     {"kind", NameOf(step.kind)},
                     {"evidence", NameOf(step.effect)},
                     {"path", step.path},
                     {"body", step.body},
                     {"uid", step.uid},
                     {"fingerprint", step.fingerprint},
                     {"object", step.object},
                     {"settings", step.settings},
                     {"enabled", step.enabled},
                     {"needs_approval", step.needs_approval}});
    if (step.kind == StepKind::kAws) steps.back()["aws"] = EssenceOf(step.aws);
  }
  Json essence = {{"id", plan.id},
                  {"target", plan.target},
                  {"case", plan.case_id},
                  {"by", plan.by},
                  {"server", plan.server},
                  {"created", plan.created},
                  {"steps", std::move(steps)}};
  if (!plan.account.empty()) essence["account"] = plan.account;
  return essence;
}

void EmitStep(YAML::Emitter& out, const Step& step) {
  const auto text = [&](const char* name, std::string_view value) {
    if (!value.empty()) out << YAML::Key << name << YAML::Value << std::string(value);
  };
  out << YAML::BeginMap;
  text("id", step.id);
  text("phase", step.phase);
  text("kind", NameOf(step.kind));
  text("what", step.what);
  text("object", step.object);
  text("reason", step.reason);
  text("evidence", NameOf(step.effect));
  text("undo", step.undo);
  out << YAML::Key << "enabled" << YAML::Value << step.enabled;
  out << YAML::Key << "needs_approval" << YAML::Value << step.needs_approval;
  text("path", step.path);
  text("uid", step.uid);
  text("fingerprint", step.fingerprint);
  if (!step.body.is_null()) {
    out << YAML::Key << "body" << YAML::Value << YAML::Literal
        << step.body.dump(2, ' ', false, Json::error_handler_t::replace);
  }
  if (step.kind == StepKind::kAws) {
    out << YAML::Key << "aws" << YAML::Value;
    EmitAwsChange(out, step.aws);
  }
  if (!step.settings.empty()) {
    out << YAML::Key << "settings" << YAML::Value << YAML::BeginMap;
    for (const auto& [name, value] : step.settings) text(name.c_str(), value);
    out << YAML::EndMap;
  }
  if (!step.missing.empty()) out << YAML::Key << "missing" << YAML::Value << step.missing;
  out << YAML::EndMap;
}

}  // namespace

const Step* Plan::Find(std::string_view step_id) const {
  const auto found = std::ranges::find(steps, step_id, &Step::id);
  return found == steps.end() ? nullptr : &*found;
}

bool CanBeUndone(StepKind kind) {
  return kind != StepKind::kRemove && kind != StepKind::kEvict && kind != StepKind::kReplace &&
         kind != StepKind::kKill;
}

std::string_view NameOf(StepKind kind) { return kKinds[static_cast<size_t>(kind)]; }
std::string_view NameOf(Effect effect) { return kEffects[static_cast<size_t>(effect)]; }

std::string SettingOf(const Step& step, const std::string& name, std::string otherwise) {
  const auto found = step.settings.find(name);
  return found == step.settings.end() ? std::move(otherwise) : found->second;
}

std::string WordsToConfirm(const Step& step) {
  const std::string pid = SettingOf(step, "pid");
  return step.kind == StepKind::kKill && !pid.empty() ? fmt::format("{}/{}", step.object, pid)
                                                      : step.object;
}

std::string ObjectPath(const Step& step) {
  if (step.kind != StepKind::kCreate) return step.path;
  return step.path +
         kubernetes::PathOf({wire::TextOf(wire::ObjectOf(step.body, "metadata"), "name")});
}

std::vector<Permission> PermissionsOf(const Step& step) {
  switch (step.kind) {
    case StepKind::kPatch:
      return {PermissionFor("GET", step.path),
              PermissionFor(step.settings.contains("by") ? "PUT" : "PATCH", step.path)};
    case StepKind::kCreate:
      return {PermissionFor("GET", ObjectPath(step)), PermissionFor("POST", step.path)};
    case StepKind::kDelete:
    case StepKind::kRemove:
      return {PermissionFor("GET", step.path), PermissionFor("DELETE", step.path)};
    case StepKind::kEvict:
      return {PermissionFor("GET", step.path), PermissionFor("POST", step.path + "/eviction")};
    case StepKind::kReplace:
      return {PermissionFor("GET", step.path), PermissionFor("DELETE", step.path),
              PermissionFor("POST", step.path.substr(0, step.path.rfind('/')))};
    default: return {};
  }
}

std::string Digest(const Plan& plan) {
  Sha256 hash;
  const std::string text = wire::DumpJson(Essence(plan));
  hash.Update(ByteView::Of(text));
  return ToHex(hash.Finish());
}

bool IsApproved(const Plan& plan, std::string_view operator_name) {
  const std::string digest = Digest(plan);
  return std::ranges::any_of(plan.approvals, [&](const Approval& approval) {
    return approval.digest == digest && !approval.by.empty() && approval.by != plan.by &&
           approval.by != operator_name;
  });
}

std::string WritePlan(const Plan& plan) {
  YAML::Emitter out;
  out << YAML::Comment(
      "A plan of response by ekshume. Read docs/respond.md; change `enabled` and what you must;\n"
      "every change takes the approvals away.");
  out << YAML::BeginMap;
  const auto text = [&](const char* name, const std::string& value) {
    out << YAML::Key << name << YAML::Value << value;
  };
  text("format", "ekshume-response-plan");
  out << YAML::Key << "version" << YAML::Value << kVersion;
  text("id", plan.id);
  text("target", plan.target);
  text("case", plan.case_id);
  text("created", plan.created);
  text("by", plan.by);
  text("server", plan.server);
  if (!plan.account.empty()) text("account", plan.account);
  if (!plan.warnings.empty()) out << YAML::Key << "warnings" << YAML::Value << plan.warnings;
  out << YAML::Key << "approvals" << YAML::Value << YAML::BeginSeq;
  for (const Approval& approval : plan.approvals) {
    out << YAML::BeginMap;
    text("by", approval.by);
    text("time", approval.time);
    text("digest", approval.digest);
    out << YAML::EndMap;
  }
  out << YAML::EndSeq;
  out << YAML::Key << "steps" << YAML::Value << YAML::BeginSeq;
  for (const Step& step : plan.steps) EmitStep(out, step);
  out << YAML::EndSeq << YAML::EndMap << YAML::Newline;
  return out.c_str();
}

Result<Plan> ReadPlan(std::string_view text) {
  const runtime::Json json = EKSHUME_TRY(runtime::ParseYaml(text));
  if (!json.is_object()) return BadPlan("it is no mapping");
  const auto word = [&](const char* name) {
    return json.contains(name) && json[name].is_string() ? json[name].get<std::string>()
                                                         : std::string();
  };
  if (word("format") != "ekshume-response-plan") return BadPlan("it is no ekshume-response-plan");
  if (word("version") != fmt::format("{}", kVersion)) {
    return Fail(ErrorCode::kUnsupported, fmt::format("the plan has version {}", word("version")));
  }
  Plan plan;
  plan.id = word("id");
  plan.target = word("target");
  plan.case_id = word("case");
  plan.created = word("created");
  plan.by = word("by");
  plan.server = word("server");
  plan.account = word("account");
  if (plan.id.empty() || plan.id.find('/') != std::string::npos || plan.id.front() == '.') {
    return BadPlan("its id makes no sense");
  }
  if (json.contains("warnings") && json["warnings"].is_array()) {
    for (const auto& warning : json["warnings"]) {
      if (warning.is_string()) plan.warnings.push_back(warning.get<std::string>());
    }
  }
  if (json.contains("approvals") && json["approvals"].is_array()) {
    for (const auto& approval : json["approvals"]) {
      const auto of = [&](const char* name) {
        return approval.is_object() && approval.contains(name) && approval[name].is_string()
                   ? approval[name].template get<std::string>()
                   : std::string();
      };
      plan.approvals.push_back({of("by"), of("time"), of("digest")});
    }
  }
  if (!json.contains("steps") || !json["steps"].is_array()) return BadPlan("it has no steps");
  std::set<std::string> ids;
  for (const auto& entry : json["steps"]) {
    Step step = EKSHUME_TRY(ReadStep(entry));
    if (!ids.insert(step.id).second) return BadPlan(fmt::format("two steps are {}", step.id));
    plan.steps.push_back(std::move(step));
  }
  return plan;
}

}  // namespace ekshume::live::respond
