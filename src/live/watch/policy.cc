// SPDX-License-Identifier: Apache-2.0
#include "live/watch/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "runtime/yaml.h"

namespace ekshume::live::watch {
namespace {

using wire::Json;
using wire::ObjectOf;
using wire::TextOf;

Error BadPolicy(std::string_view why) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format("the policy: {}", why));
}

Result<Rule> ReadRule(const runtime::Json& json) {
  if (!json.is_object()) return BadPolicy("a rule is no mapping");
  Rule rule;
  for (const auto& [name, value] : json.items()) {
    if (name == "arguments" && value.is_array()) {
      for (const auto& argument : value) {
        if (!argument.is_string()) return BadPolicy("arguments are a list of texts");
        rule.arguments.push_back(argument.get<std::string>());
      }
      continue;
    }
    if (!value.is_string()) return BadPolicy(fmt::format("{} of a rule is no text", name));
    const auto& text = value.template get_ref<const std::string&>();
    if (name == "type") {
      rule.type = text;
    } else if (name == "acquire") {
      rule.acquire = text;
    } else if (name == "min_severity") {
      const auto [end, error] =
          std::from_chars(text.data(), text.data() + text.size(), rule.min_severity);
      if (error != std::errc() || end != text.data() + text.size()) {
        return BadPolicy(fmt::format("min_severity {} is no number", text));
      }
    } else {
      return BadPolicy(fmt::format("a rule has no member {}", name));
    }
  }
  if (rule.acquire != "pod" && rule.acquire != "node" && rule.acquire != "snapshot") {
    return BadPolicy(fmt::format("acquire: pod, node or snapshot, not \"{}\"", rule.acquire));
  }
  return rule;
}

// A name that can stand on a command line: findings tell what attackers chose.
bool IsPlainName(std::string_view name) {
  return !name.empty() && name.size() < 254 && name.front() != '-' &&
         std::ranges::all_of(
             name,
             [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.';
             });
}

}  // namespace

Result<Policy> ReadPolicy(std::string_view text) {
  const runtime::Json json = EKSHUME_TRY(runtime::ParseYaml(text));
  if (!json.is_object()) return BadPolicy("it is no mapping");
  Policy policy;
  for (const auto& [name, value] : json.items()) {
    if (name == "webhook" && value.is_string()) {
      policy.webhook = value.template get<std::string>();
    } else if (name == "rules" && value.is_array()) {
      for (const auto& rule : value) policy.rules.push_back(EKSHUME_TRY(ReadRule(rule)));
    } else {
      return BadPolicy(fmt::format("{} is neither webhook (a text) nor rules (a list)", name));
    }
  }
  if (policy.rules.empty()) return BadPolicy("it has no rules");
  if (!policy.webhook.empty() && !policy.webhook.starts_with("https://") &&
      !policy.webhook.starts_with("http://")) {
    return BadPolicy("the webhook is no URL");
  }
  return policy;
}

bool FitsPattern(std::string_view text, std::string_view pattern) {
  size_t t = 0;
  size_t p = 0;
  size_t star = std::string_view::npos;
  size_t after = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++after;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::optional<FindingObject> ReadFinding(const Json& finding) {
  FindingObject out;
  out.finding_id = TextOf(finding, "id");
  out.type = TextOf(finding, "type");
  if (out.finding_id.empty() || out.type.empty()) return std::nullopt;
  if (const auto severity = finding.find("severity");
      severity != finding.end() && severity->is_number()) {
    out.severity = severity->get<double>();
  }
  const Json& service = ObjectOf(finding, "service");
  const auto archived = service.find("archived");
  out.archived = archived != service.end() && archived->is_boolean() && archived->get<bool>();
  const Json& more = ObjectOf(service, "additionalInfo");
  const auto sample = more.find("sample");
  out.sample = sample != more.end() && sample->is_boolean() && sample->get<bool>();

  const Json& resource = ObjectOf(finding, "resource");
  out.cluster = TextOf(ObjectOf(resource, "eksClusterDetails"), "name");
  const Json& workload =
      ObjectOf(ObjectOf(resource, "kubernetesDetails"), "kubernetesWorkloadDetails");
  const std::string pod_namespace = TextOf(workload, "namespace");
  const std::string name = TextOf(workload, "name");
  if (TextOf(workload, "type") == "pods" && IsPlainName(name) && IsPlainName(pod_namespace)) {
    out.pod = fmt::format("{}/{}", pod_namespace, name);
  }
  const std::string instance = TextOf(ObjectOf(resource, "instanceDetails"), "instanceId");
  if (instance.starts_with("i-") && IsPlainName(instance)) out.instance = instance;
  return out;
}

std::vector<Task> TasksFor(const Policy& policy, const FindingObject& finding) {
  std::vector<Task> tasks;
  if (finding.archived || finding.sample) return tasks;
  for (const Rule& rule : policy.rules) {
    if (finding.severity < rule.min_severity || !FitsPattern(finding.type, rule.type)) continue;
    const std::string& object = rule.acquire == "pod" ? finding.pod : finding.instance;
    const bool known = std::ranges::any_of(tasks, [&](const Task& task) {
      return task.acquire == rule.acquire && task.object == object;
    });
    if (object.empty() || known) continue;
    Task task{rule.acquire, object, {"acquire", rule.acquire, object}};
    // A finding names an instance, which SSM reaches without any cluster.
    const bool says_how = std::ranges::any_of(
        rule.arguments, [](const std::string& argument) { return argument.starts_with("--via"); });
    if (rule.acquire == "node" && !says_how) {
      task.arguments.insert(task.arguments.end(), {"--via", "ssm"});
    }
    task.arguments.insert(task.arguments.end(), rule.arguments.begin(), rule.arguments.end());
    tasks.push_back(std::move(task));
  }
  return tasks;
}

}  // namespace ekshume::live::watch
