// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/acquire_node.h"

#include <fmt/format.h>

#include <memory>

#include "base/text.h"
#include "live/kubernetes/node_pod.h"
#include "live/wire/uri.h"

namespace ekshume::live::kubernetes {
namespace {

// The node of that name, or that is this instance: its providerID ends with it
// (aws:///eu-central-1a/i-0123).
Result<Json> FindNode(const std::string& name, Client& client) {
  if (!name.starts_with("i-")) return client.Get(PathOf({"api", "v1", "nodes", name}));
  Json found;
  EKSHUME_TRY(client.List("/api/v1/nodes", "", [&](const Json& node) -> Result<void> {
    const std::string id = wire::TextOf(wire::ObjectOf(node, "spec"), "providerID");
    if (id.ends_with(fmt::format("/{}", name))) found = node;
    return {};
  }));
  if (!found.is_object()) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("no node of the cluster is the instance {}", EscapeForTerminal(name)));
  }
  return found;
}

// All items of a list as lines of a file.
void SaveList(const std::string& file_name, const std::string& path, const std::string& selector,
              const char* kind, Client& client, Acquisition& acquisition) {
  std::unique_ptr<AcquiredFile> file;
  Result<void> saved = client.List(path, fmt::format("fieldSelector={}", wire::UriEncode(selector)),
                                   [&](const Json& item) -> Result<void> {
                                     if (!file) {
                                       file = EKSHUME_TRY(acquisition.Create(
                                           file_name, fmt::format("GET {} of {}", path, selector)));
                                     }
                                     Json line = {{"apiVersion", "v1"}, {"kind", kind}};
                                     for (const auto& [key, value] : item.items())
                                       line[key] = value;
                                     return file->Write(wire::DumpJson(line) + "\n");
                                   });
  if (file) {
    const Result<void> finished = file->Finish();
    if (saved && !finished) saved = finished;
  }
  if (!saved)
    acquisition.Failed(file_name, saved.error().message, MissingPermission(saved.error()));
}

}  // namespace

Result<void> AcquireNode(const NodeRequest& request, Client& client, Acquisition& acquisition,
                         DiagnosticSink& diagnostics, const Progress& progress) {
  const Json node = EKSHUME_TRY(FindNode(request.node, client));
  const std::string name = wire::TextOf(wire::ObjectOf(node, "metadata"), "name");
  const std::string path = PathOf({"api", "v1", "nodes", name});
  acquisition.Note("node", name);
  EKSHUME_TRY(
      acquisition.Add("state/node.json", fmt::format("GET {}", path), wire::DumpJson(node)));
  SaveList("state/pods.jsonl", "/api/v1/pods", fmt::format("spec.nodeName={}", name), "Pod", client,
           acquisition);
  SaveList("state/events.jsonl", "/api/v1/events",
           fmt::format("involvedObject.kind=Node,involvedObject.name={}", name), "Event", client,
           acquisition);
  if (name.starts_with("fargate-")) {
    return Fail(ErrorCode::kUnsupported,
                "a node of Fargate is one pod's alone and takes no other: use acquire pod");
  }
  if (const std::string why = EKSHUME_TRY(WhyNoNodePod(client)); !why.empty()) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("only what the API has of the node was acquired: {}", why));
  }
  CollectorRun run(request.collecting, client, acquisition, diagnostics, progress);
  return WithNodePod({.node = name, .image = request.image}, client, acquisition, progress,
                     [&](const Place& place) -> Result<void> {
                       const std::string program = EKSHUME_TRY(run.ReadCollector(name));
                       EKSHUME_TRY(run.Send(place, program));
                       return run.Collect(place);
                     });
}

}  // namespace ekshume::live::kubernetes
