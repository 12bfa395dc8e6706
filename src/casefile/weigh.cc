// SPDX-License-Identifier: Apache-2.0
#include "casefile/weigh.h"

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

bool HasText(const Json* json, std::string_view text) {
  if (json == nullptr) return false;
  if (json->is_string()) return json->get_ref<const std::string&>() == text;
  return json->is_array() &&
         std::ranges::any_of(*json, [&](const Json& item) { return HasText(&item, text); });
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

}  // namespace

Result<void> WeighFindings(std::vector<detect::Finding>& findings, event::Store& store) {
  Result<void> result;
  detect::WeighAdministration(findings, [&](const detect::Finding& finding) {
    if (!result || finding.events.empty()) return false;
    const Result<std::optional<std::string>> record = store.Record(finding.events.front());
    if (!record) {
      result = record.error();
      return false;
    }
    if (!*record) return false;
    const Json json = Json::parse(**record, nullptr, false);
    return json.is_object() && IsAdministrator(json);
  });
  EKSHUME_TRY(std::move(result));
  detect::SortFindings(findings);
  return {};
}

}  // namespace ekshume::casefile
