// SPDX-License-Identifier: Apache-2.0
#include "live/respond/own_changes.h"

#include <algorithm>
#include <map>

#include "live/respond/aws_change.h"

namespace ekshume::live::respond {
namespace {

using wire::TextOf;

// Whether what a step began was a change of a part of the thing.
bool IsOfPart(const Json& begun, const cloud_state::Resource& part, const Thing& whole) {
  if (part.part_of != whole.resource->name || part.with_part == nullptr) return false;
  if (TextOf(begun, "region") != whole.region) return false;
  const Json& parameters = wire::ObjectOf(begun, "parameters");
  return std::ranges::all_of(whole.resource->parameters, [&](std::string_view name) {
    const std::string member(name);
    return TextOf(parameters, member.c_str()) == TextOf(whole.parameters, member.c_str());
  });
}

}  // namespace

std::string ExpectedFingerprint(const std::vector<Json>& records, const Step& step,
                                const Thing& thing) {
  std::string fingerprint = step.fingerprint;
  Json state = step.aws.state;
  std::map<std::string, const Json*> begun;
  for (const Json& record : records) {
    const std::string id = TextOf(record, "step");
    const std::string event = TextOf(record, "event");
    if (event == "begun") begun[id] = &record;
    const bool ended = event == "done" || event == "undone";
    if (!ended || !record.contains("fingerprint")) continue;
    if (TextOf(record, "path") == thing.path) {
      fingerprint = TextOf(record, "fingerprint");
      state = record.value("after", Json());
      continue;
    }
    const auto start = begun.find(id);
    if (start == begun.end() || fingerprint.empty() || !record.contains("after")) continue;
    const auto* resource = cloud_state::FindResource(TextOf(*start->second, "resource"));
    if (resource == nullptr || !IsOfPart(*start->second, *resource, thing)) continue;
    state =
        resource->with_part(state, wire::ObjectOf(*start->second, "parameters"), record["after"]);
    fingerprint = StateFingerprint(state);
  }
  return fingerprint;
}

}  // namespace ekshume::live::respond
