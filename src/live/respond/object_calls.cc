// SPDX-License-Identifier: Apache-2.0
#include "live/respond/object_calls.h"

#include <fmt/format.h>

#include "base/base64.h"
#include "base/byte_view.h"
#include "base/hash.h"
#include "live/respond/aws_auth.h"
#include "live/respond/change.h"

namespace ekshume::live::respond {
namespace {

constexpr const char* kMergePatch = "application/merge-patch+json";
constexpr const char* kPlanAnnotation = "ekshume.dev/plan";
constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

std::string HashOf(const std::string& bytes) {
  Sha256 hash;
  hash.Update(ByteView::Of(bytes));
  return "sha256:" + ToHex(hash.Finish());
}

}  // namespace

std::string UidOf(const Json& object) {
  return wire::TextOf(wire::ObjectOf(object, "metadata"), "uid");
}

std::string VersionOf(const Json& object) {
  return wire::TextOf(wire::ObjectOf(object, "metadata"), "resourceVersion");
}

std::string CollectionOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

Json DeleteOptionsFor(const Json& object, bool dry_run) {
  Json options = {
      {"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"preconditions", {{"uid", UidOf(object)}}}};
  if (dry_run) options["dryRun"] = {"All"};
  return options;
}

bool IsOurs(const Plan& plan, const Step& step, const Json& object) {
  const Json& annotations = wire::ObjectOf(wire::ObjectOf(object, "metadata"), "annotations");
  return wire::TextOf(annotations, kPlanAnnotation) == fmt::format("{}/{}", plan.id, step.id);
}

Json AsOurs(const Plan& plan, const Step& step, Json object) {
  object["metadata"]["annotations"][kPlanAnnotation] = fmt::format("{}/{}", plan.id, step.id);
  return object;
}

Result<Json> ChangeObject(kubernetes::Client& client, const Step& step, const Json& object,
                          const Json& patch, bool dry_run) {
  const std::string path =
      fmt::format("{}?{}{}", ObjectPath(step), kManager, dry_run ? "&dryRun=All" : "");
  Json whole = object;
  whole.merge_patch(patch);
  if (IsAwsAuth(object)) EKSHUME_TRY(CheckNodesStay(object, whole));
  // The whole object has the resourceVersion of when it was read.
  if (SettingOf(step, "by") == "put") return client.Put(path, whole);
  Json versioned = patch;
  versioned["metadata"]["resourceVersion"] = VersionOf(object);
  return client.Patch(path, versioned, kMergePatch);
}

Json ForJournal(Json object) {
  if (!object.is_object() || wire::TextOf(object, "kind") != "Secret") return object;
  for (const char* values : {"data", "stringData"}) {
    if (!object.contains(values) || !object[values].is_object()) continue;
    for (auto& [name, value] : object[values].items()) {
      const std::string text = value.is_string() ? value.template get<std::string>() : "";
      const auto bytes = std::string_view(values) == "data" ? DecodeBase64(text) : std::nullopt;
      value = HashOf(bytes ? *bytes : text);
    }
  }
  // kubectl apply writes the values there once more.
  if (wire::ObjectOf(object, "metadata").contains("annotations")) {
    Json& annotations = object["metadata"]["annotations"];
    if (annotations.is_object() && annotations.contains(kLastApplied)) {
      annotations[kLastApplied] = HashOf(wire::TextOf(annotations, kLastApplied));
    }
  }
  return object;
}

}  // namespace ekshume::live::respond
