// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/findings_json.h"

namespace ekshume::casefile {
namespace {

using detect::Finding;

struct TextMember {
  const char* key;
  std::string Finding::* text;
};

constexpr TextMember kPlaces[] = {
    {"actor", &Finding::actor},
    {"object", &Finding::object},
    {"cluster", &Finding::cluster},
    {"node", &Finding::node},
    {"namespace", &Finding::name_space},
    {"pod", &Finding::pod},
    {"container_id", &Finding::container_id},
    {"path", &Finding::path},
    {"source_ip", &Finding::source_ip},
};

}  // namespace

Json ToJson(const Finding& finding) {
  Json json = {{"id", finding.id},
               {"detector", finding.detector},
               {"rule", finding.rule},
               {"title", finding.title},
               {"level", finding.level},
               {"rule_level", finding.rule_level.empty() ? finding.level : finding.rule_level},
               {"tags", finding.tags},
               {"first", TimeOrNull(finding.first)},
               {"last", TimeOrNull(finding.last)},
               {"count", finding.count}};
  for (const auto& [key, text] : kPlaces) {
    json[key] = (finding.*text).empty() ? Json(nullptr) : Json(finding.*text);
  }
  json["events"] = finding.events;
  json["explanation"] = finding.explanation;
  return json;
}

Json FindingsJson(const std::vector<Finding>& findings) {
  Json list = Json::array();
  for (const Finding& finding : findings) list.push_back(ToJson(finding));
  return list;
}

}  // namespace ekshume::casefile
