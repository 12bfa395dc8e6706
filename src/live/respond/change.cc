// SPDX-License-Identifier: Apache-2.0
#include "live/respond/change.h"

#include <string_view>

#include "base/byte_view.h"
#include "base/hash.h"

namespace ekshume::live::respond {
namespace {

void Erase(Json& object, std::string_view member) {
  if (object.is_object()) object.erase(std::string(member));
}

std::string EscapePointer(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

void AddDifferences(const Json& object, const Json& patch, const std::string& place,
                    std::vector<std::string>& fields) {
  if (!patch.is_object()) {
    if (object != patch) fields.push_back(place);
    return;
  }
  for (const auto& [name, value] : patch.items()) {
    const bool exists = object.is_object() && object.contains(name) && !object[name].is_null();
    const std::string below = place + "/" + EscapePointer(name);
    if (value.is_null()) {
      if (exists) fields.push_back(below);
    } else if (value.is_object()) {
      AddDifferences(exists ? object[name] : Json(), value, below, fields);
    } else if (value.is_array() && value.empty()) {
      // The API server leaves empty lists out.
      if (exists && object[name] != value) fields.push_back(below);
    } else if (!exists || object[name] != value) {
      fields.push_back(below);
    }
  }
}

bool IsSetByControlPlane(const Json& taint) {
  const std::string key = wire::TextOf(taint, "key");
  return key.starts_with("node.kubernetes.io/") ||
         key.starts_with("node.cloudprovider.kubernetes.io/");
}

}  // namespace

Json InversePatch(const Json& before, const Json& patch) {
  if (!patch.is_object()) return before;
  Json inverse = Json::object();
  for (const auto& [name, value] : patch.items()) {
    const bool exists = before.is_object() && before.contains(name);
    if (value.is_object()) {
      // A map that our patch made goes only as far as its members: others may have joined them.
      inverse[name] = InversePatch(exists ? before[name] : Json(), value);
    } else {
      inverse[name] = exists ? before[name] : Json();
    }
  }
  return inverse;
}

Json PatchBetween(const Json& from, const Json& to) {
  Json patch = Json::object();
  for (const auto& [name, value] : from.items()) {
    if (!to.contains(name)) patch[name] = nullptr;
  }
  for (const auto& [name, value] : to.items()) {
    if (!from.contains(name)) {
      patch[name] = value;
    } else if (from[name].is_object() && value.is_object()) {
      Json below = PatchBetween(from[name], value);
      if (!below.empty()) patch[name] = std::move(below);
    } else if (from[name] != value) {
      patch[name] = value;
    }
  }
  return patch;
}

bool Stands(const Json& object, const Json& patch) {
  return DifferentFields(object, patch).empty();
}

std::vector<std::string> DifferentFields(const Json& object, const Json& patch) {
  std::vector<std::string> fields;
  AddDifferences(object, patch, "", fields);
  return fields;
}

std::string Fingerprint(const Json& object) {
  Json kept = object;
  Erase(kept, "status");
  if (kept.is_object() && kept.contains("metadata")) {
    for (const char* member :
         {"resourceVersion", "generation", "managedFields", "selfLink", "ownerReferences"}) {
      Erase(kept["metadata"], member);
    }
    if (kept["metadata"].contains("annotations")) {
      Json& annotations = kept["metadata"]["annotations"];
      Erase(annotations, "deployment.kubernetes.io/revision");
      if (annotations.empty()) Erase(kept["metadata"], "annotations");
    }
  }
  // Objects of a list have neither.
  Erase(kept, "kind");
  Erase(kept, "apiVersion");
  if (kept.is_object() && kept.contains("spec")) {
    Json taints = Json::array();
    for (const Json& taint : wire::ArrayOf(kept["spec"], "taints")) {
      if (!IsSetByControlPlane(taint)) taints.push_back(taint);
    }
    Erase(kept["spec"], "taints");
    if (!taints.empty()) kept["spec"]["taints"] = std::move(taints);
  }
  Sha256 hash;
  const std::string text = wire::DumpJson(kept);
  hash.Update(ByteView::Of(text));
  return ToHex(hash.Finish());
}

Json AsCreated(Json object) {
  Erase(object, "status");
  if (object.is_object() && object.contains("metadata")) {
    for (const char* member : {"uid", "resourceVersion", "generation", "managedFields", "selfLink",
                               "creationTimestamp", "deletionTimestamp"}) {
      Erase(object["metadata"], member);
    }
  }
  return object;
}

}  // namespace ekshume::live::respond
