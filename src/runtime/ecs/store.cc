// SPDX-License-Identifier: Apache-2.0
#include "runtime/ecs/store.h"

#include <map>
#include <memory>

#include "base/limits.h"
#include "runtime/ecs/format.h"
#include "runtime/location.h"
#include "runtime/open_database.h"

namespace ekshume::runtime::ecs {
namespace {

bool Sniff(const Location& location) { return IsFile(Below(location, kDatabasePath)); }

void SetIfEmpty(std::string& to, const std::string& value) {
  if (to.empty()) to = value;
}

// Every JSON value of a bucket, by key.
std::map<std::string, Json> ReadDocuments(const bolt::Database& database, std::string_view name,
                                          DiagnosticSink& diagnostics) {
  std::map<std::string, Json> documents;
  const auto bucket = database.root().Child(name);
  if (!bucket) return documents;
  bucket->ForEach([&](const bolt::Item& item) {
    if (item.is_bucket) return true;
    if (documents.size() >= limits::kMaxContainers) {
      diagnostics.Report(DiagnosticCode::kRuntimeStoreUnreadable, database.name(),
                         std::string(name) + ": kMaxContainers: more records than are read");
      return false;
    }
    auto document = ParseJson(item.value);
    if (document) {
      documents[std::string(item.key)] = *std::move(document);
    } else {
      diagnostics.Report(DiagnosticCode::kRuntimeRecordDamaged, database.name(),
                         std::string(name) + ": " + document.error().message);
    }
    return true;
  });
  return documents;
}

EcsReference ReferenceOf(const std::string& task_id, const Json& container, const Json& task,
                         const std::string& cluster) {
  EcsReference reference{.cluster = cluster,
                         .task_arn = Text(Member(task, "Arn")),
                         .task_family = Text(Member(task, "Family")),
                         .task_version = Text(Member(task, "Version")),
                         .container = Text(Member(container, "Container", "Name"))};
  // The task may have been cleaned up before its containers.
  SetIfEmpty(reference.task_arn, Text(Member(container, "Container", "taskARN")));
  SetIfEmpty(reference.task_arn, task_id);
  return reference;
}

void Merge(const EcsReference& from, Container& container) {
  if (!container.ecs) container.ecs.emplace();
  SetIfEmpty(container.ecs->cluster, from.cluster);
  SetIfEmpty(container.ecs->task_arn, from.task_arn);
  SetIfEmpty(container.ecs->task_family, from.task_family);
  SetIfEmpty(container.ecs->task_version, from.task_version);
  SetIfEmpty(container.ecs->container, from.container);
}

Container Recovered(const std::string& id, const Json& document, EcsReference reference,
                    const Location& root) {
  const Json& record = Member(document, "Container");
  Container container{.id = id,
                      .name = Text(Member(document, "DockerName")),
                      .runtime = "docker",
                      .runtime_namespace = "",
                      .image = Text(Member(record, "Image")),
                      .image_digest = Text(Member(record, "ImageID")),
                      .ecs = std::move(reference),
                      .exit_code = Integer(Member(record, "KnownExitCode")),
                      .recovered = "ECS agent",
                      .store = root};
  const std::string status = Text(Member(record, "KnownStatus"));
  if (status == "STOPPED") container.state = ContainerState::kExited;
  return container;
}

}  // namespace

Result<void> ReadStore(const Location& root, const NodeFilesystems& /*node*/, Inventory& inventory,
                       DiagnosticSink& diagnostics) {
  const auto database = OpenDatabase(Below(root, kDatabasePath), diagnostics);
  if (database == nullptr) return {};
  const auto tasks = ReadDocuments(*database, kTasksBucket, diagnostics);
  const auto metadata = ReadDocuments(*database, kMetadataBucket, diagnostics);
  const auto name = metadata.find(std::string(kClusterNameKey));
  const std::string cluster = name == metadata.end() ? "" : Text(name->second);
  std::map<std::string, size_t> by_id;
  for (size_t i = 0; i < inventory.containers.size(); ++i) {
    by_id.emplace(inventory.containers[i].id, i);
  }
  for (const auto& [key, document] : ReadDocuments(*database, kContainersBucket, diagnostics)) {
    const std::string id = Text(Member(document, "DockerId"));
    if (id.empty()) continue;  // not created yet
    const std::string suffix = "-" + Text(Member(document, "Container", "Name"));
    const std::string task_id =
        key.ends_with(suffix) ? key.substr(0, key.size() - suffix.size()) : "";
    const auto task = tasks.find(task_id);
    EcsReference reference =
        ReferenceOf(task_id, document, task == tasks.end() ? Json() : task->second, cluster);
    if (const auto known = by_id.find(id); known != by_id.end()) {
      Merge(reference, inventory.containers[known->second]);
    } else if (inventory.containers.size() >= limits::kMaxContainers) {
      diagnostics.Report(DiagnosticCode::kRuntimeStoreUnreadable, Describe(root),
                         "kMaxContainers: the store names more containers than are read");
    } else {
      by_id.emplace(id, inventory.containers.size());
      inventory.containers.push_back(Recovered(id, document, std::move(reference), root));
    }
  }
  return {};
}

const Format kFormat{
    .name = "ecs-agent",
    .description = "the Amazon ECS agent's state: tasks and clusters of containers",
    .sniff = Sniff,
    .read = ReadStore,
};

}  // namespace ekshume::runtime::ecs
