// SPDX-License-Identifier: Apache-2.0
#include "live/cluster/acquire_cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace ekshume::live::cluster {
namespace {

using kubernetes::Client;
using kubernetes::Json;
using kubernetes::MissingPermission;
using kubernetes::PathOf;

struct Resource {
  std::string group;    // "" for core
  std::string version;  // "v1"
  std::string name;     // "pods"
  std::string kind;     // "Pod"

  std::string GroupVersion() const {
    return group.empty() ? version : fmt::format("{}/{}", group, version);
  }
  std::string Path() const {
    return group.empty() ? PathOf({"api", version, name}) : PathOf({"apis", group, version, name});
  }
  bool IsSecret() const { return group.empty() && name == "secrets"; }
};

bool CanBeListed(const Json& resource) {
  const Json& verbs = wire::ArrayOf(resource, "verbs");
  return std::ranges::find(verbs, Json("list")) != verbs.end();
}

// The resources of one version of a group. Subresources have a slash in their name.
Result<std::vector<Resource>> ResourcesOf(Client& client, const std::string& group,
                                          const std::string& version) {
  const std::string path =
      group.empty() ? PathOf({"api", version}) : PathOf({"apis", group, version});
  const Json list = EKSHUME_TRY(client.Get(path));
  std::vector<Resource> resources;
  for (const Json& resource : wire::ArrayOf(list, "resources")) {
    const std::string name = wire::TextOf(resource, "name");
    if (name.empty() || name.contains('/') || !CanBeListed(resource)) continue;
    resources.push_back({group, version, name, wire::TextOf(resource, "kind")});
  }
  return resources;
}

// Every resource that can be listed, in the version that the server prefers.
Result<std::vector<Resource>> Discover(Client& client, Acquisition& acquisition) {
  std::vector<Resource> all = EKSHUME_TRY(ResourcesOf(client, "", "v1"));
  const Json groups = EKSHUME_TRY(client.Get("/apis"));
  EKSHUME_TRY(acquisition.Add("groups.json", "GET /apis", wire::DumpJson(groups) + "\n"));
  for (const Json& group : wire::ArrayOf(groups, "groups")) {
    const std::string name = wire::TextOf(group, "name");
    const std::string version = wire::TextOf(wire::ObjectOf(group, "preferredVersion"), "version");
    // The events of the core group again.
    if (name.empty() || version.empty() || name == "events.k8s.io") continue;
    const auto resources = ResourcesOf(client, name, version);
    if (!resources) {
      // An aggregated API whose server is away.
      acquisition.Failed(fmt::format("the API group {}/{}", name, version),
                         resources.error().message, MissingPermission(resources.error()));
      continue;
    }
    all.insert(all.end(), resources->begin(), resources->end());
  }
  return all;
}

// A part of a file's name: what a server calls a group or resource is not to be trusted.
std::string FilePart(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '/' || c == '\0' ? '_' : c;
  return out.starts_with('.') ? fmt::format("_{}", out) : out;
}

Result<void> Save(Client& client, const Resource& resource, Acquisition& acquisition) {
  const std::string file_name =
      fmt::format("objects/{}/{}.jsonl", resource.group.empty() ? "core" : FilePart(resource.group),
                  FilePart(resource.name));
  const std::string path = resource.Path();
  std::unique_ptr<AcquiredFile> file;
  const auto take = [&](const Json& object) -> Result<void> {
    // Items of a list do not say what they are.
    Json line = {{"apiVersion", resource.GroupVersion()}, {"kind", resource.kind}};
    for (const auto& [key, value] : object.items()) line[key] = value;
    if (resource.IsSecret()) {
      line = WithoutValues(std::move(line));
      line["apiVersion"] = resource.GroupVersion();
      line["kind"] = resource.kind;
    }
    if (!file) file = EKSHUME_TRY(acquisition.Create(file_name, fmt::format("GET {}", path)));
    return file->Write(wire::DumpJson(line) + "\n");
  };
  const Result<void> listed =
      resource.IsSecret() ? client.ListMetadata(path, take) : client.List(path, "", take);
  if (!listed) {
    // What came before it is kept.
    acquisition.Failed(fmt::format("all {}", path), listed.error().message,
                       MissingPermission(listed.error()));
  }
  return file ? file->Finish() : Result<void>();
}

}  // namespace

Json WithoutValues(Json secret) {
  Json kept = {{"metadata", wire::ObjectOf(secret, "metadata")}};
  Json& metadata = kept["metadata"];
  if (metadata.contains("annotations") && metadata["annotations"].is_object()) {
    Json& annotations = metadata["annotations"];
    for (auto annotation = annotations.begin(); annotation != annotations.end(); ++annotation) {
      annotation.value() = "";
    }
  }
  return kept;
}

Result<void> AcquireCluster(Client& client, Acquisition& acquisition, const Progress& progress) {
  const auto version = client.Get("/version");
  if (version) {
    EKSHUME_TRY(acquisition.Add("version.json", "GET /version", wire::DumpJson(*version) + "\n"));
  } else {
    acquisition.Failed("the server's version", version.error().message);
  }
  for (const Resource& resource : EKSHUME_TRY(Discover(client, acquisition))) {
    if (progress.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
    EKSHUME_TRY(Save(client, resource, acquisition));
  }
  return {};
}

}  // namespace ekshume::live::cluster
