// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/weigh.h"

#include <algorithm>
#include <string_view>

#include "base/folded_search.h"
#include "casefile/json.h"
#include "detect/weigh.h"

namespace ekshume::casefile {
namespace {

const Json* Find(const Json& json, const char* pointer) {
  const Json::json_pointer path(pointer);
  return json.contains(path) ? &json[path] : nullptr;
}

bool IsText(const Json& json, std::string_view text) {
  return json.is_string() && json.get_ref<const std::string&>() == text;
}

bool HasText(const Json* json, std::string_view text) {
  return json != nullptr && json->is_array() &&
         std::ranges::any_of(*json, [&](const Json& item) { return IsText(item, text); });
}

// The name of a role in its ARN, or in that of one of its sessions.
std::string_view RoleName(std::string_view arn) {
  for (const std::string_view kind : {":assumed-role/", ":role/"}) {
    const size_t at = arn.find(kind);
    if (at == std::string_view::npos) continue;
    std::string_view name = arn.substr(at + kind.size());
    // A session's name, which anyone may choose, is not the role's.
    if (kind == ":assumed-role/") name = name.substr(0, name.find('/'));
    return name;
  }
  return {};
}

std::string_view TextAt(const Json& record, const char* pointer) {
  const Json* found = Find(record, pointer);
  return found != nullptr && found->is_string() ? found->get_ref<const std::string&>()
                                                : std::string_view();
}

// Whether an account that is a program's was used as programs do: by a controller of the cluster,
// or by a client that is no tool for people.
bool IsProgram(const Json& record) {
  constexpr std::string_view kAccount = "system:serviceaccount:";
  constexpr std::string_view kTools[] = {"kubectl", "curl",    "wget", "python", "go-http-client",
                                         "okhttp",  "mozilla", "helm", "httpie", "busybox"};
  const std::string_view user = TextAt(record, "/user/username");
  if (!user.starts_with(kAccount)) return user == "system:kube-controller-manager";
  const std::string_view agent = TextAt(record, "/userAgent");
  return !agent.empty() && std::ranges::none_of(kTools, [&](std::string_view tool) {
    return ContainsFolded(agent.substr(0, tool.size()), tool);
  });
}

bool IsAdministrator(const Json& record) {
  if (HasText(Find(record, "/user/groups"), "system:masters")) return true;
  std::vector<const Json*> arns = {Find(record, "/userIdentity/arn")};
  for (const char* key : {"/user/extra/arn", "/user/extra/canonicalArn"}) {
    const Json* list = Find(record, key);
    if (list != nullptr && list->is_array() && !list->empty()) arns.push_back(&(*list)[0]);
  }
  return std::ranges::any_of(arns, [](const Json* arn) {
    return arn != nullptr && arn->is_string() &&
           ContainsFolded(RoleName(arn->get_ref<const std::string&>()), "admin");
  });
}

// Whether the column `tags` of each event begins with the word that the reader of GuardDuty's
// findings writes there.
Result<bool> AreSamples(const std::vector<std::string>& events, event::Store& store) {
  std::string ids;
  for (const std::string& id : events) {
    ids += (ids.empty() ? "" : ", ") + event::SqlLiteral(id);
  }
  if (ids.empty()) return false;
  const auto rows = EKSHUME_TRY(
      store.Query("SELECT count(*) FROM events WHERE id IN (" + ids +
                  ") AND (tags IS NULL OR NOT (tags = 'sample' OR starts_with(tags, 'sample ')))"));
  return EKSHUME_TRY(rows->Next()) && rows->Integer(0) == 0;
}

}  // namespace

Result<void> WeighFindings(std::vector<detect::Finding>& findings, event::Store& store) {
  Result<void> result;
  detect::WeighSamples(findings, [&](const detect::Finding& finding) {
    if (!result) return false;
    const Result<bool> samples = AreSamples(finding.events, store);
    if (!samples) result = samples.error();
    return samples.value_or(false);
  });
  EKSHUME_TRY(std::move(result));
  result = {};
  detect::WeighAdministration(findings, [&](const detect::Finding& finding) {
    if (!result || finding.events.empty()) return false;
    const Result<std::optional<std::string>> record = store.Record(finding.events.front());
    if (!record) {
      result = record.error();
      return false;
    }
    if (!*record) return false;
    const Json json = Json::parse(**record, nullptr, false);
    return json.is_object() && (IsAdministrator(json) || IsProgram(json));
  });
  EKSHUME_TRY(std::move(result));
  detect::SortFindings(findings);
  return {};
}

}  // namespace ekshume::casefile
