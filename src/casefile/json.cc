// SPDX-License-Identifier: Apache-2.0
#include "casefile/json.h"

#include <algorithm>

#include "base/time.h"

namespace ekshume::casefile {
namespace {

template <typename T>
Json ValueOrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json LabelsJson(const runtime::Labels& labels) {
  Json json = Json::object();
  for (const auto& [key, value] : labels) json[key] = value;
  return json;
}

// A directory of a layer as a path on its filesystem.
Json LocationJson(const runtime::Location& location) {
  return location.filesystem == nullptr ? Json(nullptr) : Json("/" + location.path);
}

Json LayersJson(const std::vector<runtime::Location>& layers) {
  Json json = Json::array();
  for (const runtime::Location& layer : layers) json.push_back(LocationJson(layer));
  return json;
}

Json MountsJson(const std::vector<runtime::Mount>& mounts) {
  Json json = Json::array();
  for (const runtime::Mount& mount : mounts) {
    json.push_back({{"source", mount.source},
                    {"destination", mount.destination},
                    {"type", mount.type},
                    {"options", mount.options}});
  }
  return json;
}

}  // namespace

Json TextOrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json TimeOrNull(const std::optional<Timestamp>& time) {
  return time ? Json(FormatTimestamp(*time)) : Json(nullptr);
}

Json ToJson(const runtime::Container& container) {
  Json json = {
      {"id", container.id},
      {"name", container.name},
      {"kind", container.kind == runtime::ContainerKind::kSandbox ? "sandbox" : "container"},
      {"runtime", container.runtime},
      {"runtime_namespace", TextOrNull(container.runtime_namespace)},
      {"image", TextOrNull(container.image)},
      {"image_digest", TextOrNull(container.image_digest)},
      {"pod", nullptr},
      {"ecs", nullptr},
      {"sandbox", TextOrNull(container.sandbox)},
      {"state", runtime::ContainerStateName(container.state)},
      {"created", TimeOrNull(container.created)},
      {"started", TimeOrNull(container.started)},
      {"finished", TimeOrNull(container.finished)},
      {"exit_code", ValueOrNull(container.exit_code)},
      {"reason", TextOrNull(container.reason)},
      {"message", TextOrNull(container.message)},
      {"pid", ValueOrNull(container.pid)},
      {"restart_count", ValueOrNull(container.restart_count)},
      {"snapshotter", TextOrNull(container.snapshotter)},
      {"upper", nullptr},
      {"lower", LayersJson(container.layers.lower)},
      {"missing_layers", container.layers.missing},
      {"arguments", container.arguments},
      {"environment", container.environment},
      {"working_directory", TextOrNull(container.working_directory)},
      {"user", TextOrNull(container.user)},
      {"privileged", container.privileged},
      {"capabilities", container.capabilities},
      {"host_pid", container.host_pid},
      {"host_network", container.host_network},
      {"host_ipc", container.host_ipc},
      {"seccomp", TextOrNull(container.seccomp)},
      {"apparmor", TextOrNull(container.apparmor)},
      {"mounts", MountsJson(container.mounts)},
      {"labels", LabelsJson(container.labels)},
      {"annotations", LabelsJson(container.annotations)},
      {"log_path", TextOrNull(container.log_path)},
      {"ip_address", TextOrNull(container.ip_address)},
      {"hostname", TextOrNull(container.hostname)},
      {"recovered", !container.recovered.empty()},
      {"recovered_from", TextOrNull(container.recovered)},
      {"store", LocationJson(container.store)},
  };
  if (container.pod) {
    json["pod"] = {{"name", container.pod->name},
                   {"namespace", container.pod->namespace_name},
                   {"uid", container.pod->uid},
                   {"container", TextOrNull(container.pod->container)}};
  }
  if (container.ecs) {
    json["ecs"] = {{"cluster", container.ecs->cluster},
                   {"task_arn", container.ecs->task_arn},
                   {"task_family", container.ecs->task_family},
                   {"task_version", container.ecs->task_version},
                   {"container", container.ecs->container}};
  }
  if (container.layers.upper) {
    json["upper"] = LocationJson(*container.layers.upper);
  } else if (container.native_root) {
    json["upper"] = LocationJson(*container.native_root);
  }
  return json;
}

Json ToJson(const runtime::Image& image) {
  return {
      {"id", image.id},
      {"references", image.references},
      {"digest", TextOrNull(image.digest)},
      {"media_type", TextOrNull(image.media_type)},
      {"runtime", image.runtime},
      {"runtime_namespace", TextOrNull(image.runtime_namespace)},
      {"platform", TextOrNull(image.platform)},
      {"created", TimeOrNull(image.created)},
      {"pulled", TimeOrNull(image.pulled)},
      {"size", ValueOrNull(image.size_bytes)},
      {"diff_ids", image.diff_ids},
      {"history", image.history},
      {"entrypoint", image.entrypoint},
      {"command", image.command},
      {"environment", image.environment},
      {"layer_blobs_present", image.layer_blobs_present},
      {"layers", LayersJson(image.layers.lower)},
      {"missing_layers", image.layers.missing},
      {"labels", LabelsJson(image.labels)},
      {"store", LocationJson(image.store)},
  };
}

Json ToJson(const runtime::Pod& pod) {
  Json volumes = Json::array();
  for (const runtime::PodVolume& volume : pod.volumes) {
    volumes.push_back({{"name", volume.name},
                       {"plugin", volume.plugin},
                       {"path", LocationJson(volume.directory)},
                       {"in_memory", volume.in_memory}});
  }
  return {
      {"name", pod.name},
      {"namespace", pod.namespace_name},
      {"uid", pod.uid},
      {"node", TextOrNull(pod.node)},
      {"service_account", TextOrNull(pod.service_account)},
      {"ip_address", TextOrNull(pod.ip_address)},
      {"hostname", TextOrNull(pod.hostname)},
      {"sandbox", TextOrNull(pod.sandbox)},
      {"containers", pod.containers},
      {"created", TimeOrNull(pod.created)},
      {"static", pod.is_static},
      {"host_network", pod.host_network},
      {"host_pid", pod.host_pid},
      {"host_ipc", pod.host_ipc},
      {"volumes", volumes},
      {"log_directories", pod.log_directories},
      {"labels", LabelsJson(pod.labels)},
      {"annotations", LabelsJson(pod.annotations)},
      {"recovered", !pod.recovered.empty()},
      {"recovered_from", TextOrNull(pod.recovered)},
  };
}

Json ToJson(const runtime::NodeIdentity& node) {
  return {
      {"hostname", TextOrNull(node.hostname)},
      {"node_name", TextOrNull(node.node_name)},
      {"cluster", TextOrNull(node.cluster)},
      {"api_server", TextOrNull(node.api_server)},
      {"region", TextOrNull(node.region)},
      {"instance_id", TextOrNull(node.instance_id)},
      {"operating_system", TextOrNull(node.operating_system)},
      {"kernel", TextOrNull(node.kernel)},
      {"machine_id", TextOrNull(node.machine_id)},
      {"kubelet_version", TextOrNull(node.kubelet_version)},
      {"container_runtime", TextOrNull(node.container_runtime)},
      {"labels", LabelsJson(node.labels)},
  };
}

Json ToJson(const Diagnostic& diagnostic) {
  return {
      {"code", DiagnosticCodeName(diagnostic.code)},
      {"severity", SeverityName(DiagnosticSeverity(diagnostic.code))},
      {"meaning", DiagnosticSentence(diagnostic.code)},
      {"evidence", TextOrNull(diagnostic.evidence)},
      {"offset", ValueOrNull(diagnostic.offset_bytes)},
      {"detail", TextOrNull(diagnostic.detail)},
  };
}

namespace {

Json FilesystemJson(const fs::FilesystemInfo& info) {
  return {
      {"type", info.type},
      {"label", TextOrNull(info.label)},
      {"uuid", TextOrNull(info.uuid)},
      {"block_size", info.block_bytes},
      {"size", info.total_bytes},
      {"log", TextOrNull(info.log_state)},
      {"features", info.features},
      {"last_mounted_on", TextOrNull(info.last_mounted_on)},
      {"made", TimeOrNull(info.made)},
      {"last_mounted", TimeOrNull(info.last_mounted)},
      {"last_written", TimeOrNull(info.last_written)},
  };
}

Json VolumeJson(const Volume& volume) {
  const volume::Partition& partition = volume.partition;
  return {
      {"number", partition.number},
      {"offset", partition.offset_bytes},
      {"size", partition.size_bytes},
      {"type", TextOrNull(partition.type)},
      {"type_name", TextOrNull(partition.type_name)},
      {"label", TextOrNull(partition.label)},
      {"uuid", TextOrNull(partition.uuid)},
      {"filesystem", volume.filesystem ? FilesystemJson(volume.filesystem->info()) : Json(nullptr)},
      {"problem", TextOrNull(volume.problem)},
  };
}

// Of which kind the live evidence at this path is; null for disks.
Json LiveFormat(const Evidence& evidence, const std::string& path) {
  for (const auto& live : evidence.live()) {
    if (live->path == path) return live->state.format;
  }
  return nullptr;
}

}  // namespace

Json ToJson(const Evidence& evidence) {
  Json all = Json::array();
  for (size_t i = 0; i < evidence.disks().size(); ++i) {
    const Disk& disk = evidence.disks()[i];
    Json partitions = Json::array();
    for (const Volume& volume : evidence.volumes()) {
      if (volume.disk == i) partitions.push_back(VolumeJson(volume));
    }
    all.push_back({
        {"path", disk.path},
        {"format", disk.opened.format},
        {"size", disk.opened.image->size_bytes()},
        {"stored_size", disk.opened.stored_bytes},
        {"files", disk.opened.files},
        {"partition_table", disk.table.kind},
        {"sector_size", disk.table.sector_bytes},
        {"disk_uuid", TextOrNull(disk.table.disk_uuid)},
        {"partitions", std::move(partitions)},
        {"live", LiveFormat(evidence, disk.path)},
    });
  }
  for (const Volume& volume : evidence.volumes()) {
    if (volume.disk || volume.is_of_live) continue;
    all.push_back({{"path", volume.name}, {"format", "folder"}});
  }
  for (const auto& live : evidence.live()) {
    const bool is_file = std::ranges::any_of(
        evidence.disks(), [&](const Disk& disk) { return disk.path == live->path; });
    if (is_file) continue;
    all.push_back({{"path", live->path}, {"format", "folder"}, {"live", live->state.format}});
  }
  return all;
}

std::string Dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace ekshume::casefile
