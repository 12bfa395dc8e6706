// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "live/cloud_state/resource.h"
#include "live/wire/page_count.h"

namespace ekshume::live::cloud_state {
namespace {

std::vector<Resource> MakeList() {
  std::vector<Resource> all;
  for (auto* list : {InstanceResources, NetworkResources, SnapshotResources, ScalingResources,
                     IdentityResources, ClusterResources, ImageResources}) {
    for (Resource& resource : list()) all.push_back(std::move(resource));
  }
  return all;
}

}  // namespace

std::span<const Resource> AllResources() {
  static const std::vector<Resource> kAll = MakeList();
  return kAll;
}

const Resource* FindResource(std::string_view name) {
  const std::span<const Resource> all = AllResources();
  const auto found = std::ranges::find(all, name, &Resource::name);
  return found == all.end() ? nullptr : &*found;
}

Result<Json> Asker::Ask(const char* service, const char* operation, Json parameters,
                        std::string* code) const {
  aws::ServiceError failure;
  Result<Json> answer =
      aws::CallService(client_, {service, operation, std::move(parameters)}, region_, &failure);
  if (code != nullptr) *code = failure.code;
  return answer;
}

Result<Json> Asker::AskAll(const char* service, const char* operation, Json parameters,
                           const char* list, const char* token, const char* token_parameter) const {
  Json items = Json::array();
  for (wire::PageCount pages(std::string(service) + ":" + operation);;) {
    EKSHUME_TRY(pages.Another());
    const Json answer = EKSHUME_TRY(Ask(service, operation, parameters));
    for (const Json& item : wire::ArrayOf(answer, list)) items.push_back(item);
    const std::string next = wire::TextOf(answer, token);
    if (next.empty() || next == wire::TextOf(parameters, token_parameter)) return items;
    parameters[token_parameter] = next;
  }
}

ServiceCall Changing(const char* service, const char* operation, Json parameters) {
  return {service, operation, std::move(parameters), true};
}

bool IsTrue(const Json& state, const char* member) {
  return wire::TextOf(state, member) == "true" ||
         (state.is_object() && state.contains(member) && state[member] == true);
}

const Json& Among(const Json& list, const char* name, std::string_view value) {
  static const Json kNone;
  if (!list.is_array()) return kNone;
  const auto found =
      std::ranges::find_if(list, [&](const Json& one) { return wire::TextOf(one, name) == value; });
  return found == list.end() ? kNone : *found;
}

Json Without(const Json& all, const Json& others) {
  Json out = Json::array();
  if (!all.is_array()) return out;
  for (const Json& one : all) {
    if (!others.is_array() || std::ranges::find(others, one) == others.end()) out.push_back(one);
  }
  return out;
}

Result<Json> NullWhenMissing(Result<Json> state) {
  if (!state && state.error().code == ErrorCode::kNotFound) return Json();
  return state;
}

}  // namespace ekshume::live::cloud_state
