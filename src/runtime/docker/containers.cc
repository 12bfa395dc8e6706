// SPDX-License-Identifier: Apache-2.0
#include "runtime/docker/containers.h"

#include <algorithm>
#include <cctype>

#include "runtime/labels.h"

namespace ekshume::runtime::docker {
namespace {

void ReadState(const Json& state, Container& container) {
  container.started = Time(Member(state, "StartedAt"));
  container.finished = Time(Member(state, "FinishedAt"));
  if (IsTrue(Member(state, "Running"))) {
    container.state = ContainerState::kRunning;
    container.finished.reset();  // of the run before
  } else if (container.finished) {
    container.state = ContainerState::kExited;
    container.exit_code = Integer(Member(state, "ExitCode"));
  } else {
    container.state = ContainerState::kCreated;
  }
  const auto pid = Integer(Member(state, "Pid"));
  if (pid && *pid != 0) container.pid = pid;
  for (const std::string_view reason : {"OOMKilled", "Dead", "RemovalInProgress"}) {
    if (container.reason.empty() && IsTrue(Member(state, reason))) container.reason = reason;
  }
  container.message = Text(Member(state, "Error"));
}

// "sys_admin", "CAP_SYS_ADMIN" -> "CAP_SYS_ADMIN"; "ALL" stays.
std::string CapabilityName(std::string name) {
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return name == "ALL" || name.starts_with("CAP_") ? name : "CAP_" + name;
}

void ReadHostConfig(const Json& host_config, Container& container) {
  container.privileged = IsTrue(Member(host_config, "Privileged"));
  container.host_pid = Text(Member(host_config, "PidMode")) == "host";
  container.host_ipc = Text(Member(host_config, "IpcMode")) == "host";
  const std::string network = Text(Member(host_config, "NetworkMode"));
  container.host_network = network == "host";
  // A pod's container uses the network of its sandbox.
  constexpr std::string_view kOther = "container:";
  if (network.starts_with(kOther)) container.sandbox = network.substr(kOther.size());
  for (std::string& name : Texts(Member(host_config, "CapAdd"))) {
    container.capabilities.push_back(CapabilityName(std::move(name)));
  }
  std::ranges::sort(container.capabilities);
  for (const std::string& option : Texts(Member(host_config, "SecurityOpt"))) {
    // "seccomp=unconfined"; before Docker 1.11 "seccomp:unconfined".
    if (option.starts_with("seccomp"))
      container.seccomp = option.substr(std::min<size_t>(8, option.size()));
  }
  if (container.seccomp.starts_with('{')) container.seccomp = "custom";  // the profile itself
}

void ReadMounts(const Json& mount_points, Container& container) {
  if (!mount_points.is_object()) return;
  for (const auto& [destination, point] : mount_points.items()) {
    Mount mount{.source = Text(Member(point, "Source")),
                .destination = destination,
                .type = Text(Member(point, "Type")),
                .options = {IsTrue(Member(point, "RW")) ? "rw" : "ro"}};
    if (const std::string mode = Text(Member(point, "Propagation")); !mode.empty()) {
      mount.options.push_back(mode);
    }
    container.mounts.push_back(std::move(mount));
  }
}

}  // namespace

Container ReadContainer(const std::string& id, const Json& config, const Json& host_config,
                        const Location& root) {
  Container container{.id = id,
                      .name = Text(Member(config, "Name")),
                      .runtime = "docker",
                      .runtime_namespace = "",
                      .created = Time(Member(config, "Created")),
                      .store = root};
  if (container.name.starts_with('/')) container.name.erase(0, 1);
  const Json& run = Member(config, "Config");
  container.image = Text(Member(run, "Image"));
  container.image_digest = Text(Member(config, "ImageManifest", "digest"));
  if (container.image_digest.empty()) container.image_digest = Text(Member(config, "Image"));
  ReadState(Member(config, "State"), container);
  container.snapshotter = Text(Member(config, "Driver"));
  if (const std::string path = Text(Member(config, "Path")); !path.empty()) {
    container.arguments.push_back(path);
  }
  for (std::string& argument : Texts(Member(config, "Args"))) {
    container.arguments.push_back(std::move(argument));
  }
  container.environment = Texts(Member(run, "Env"));
  container.working_directory = Text(Member(run, "WorkingDir"));
  container.user = Text(Member(run, "User"));
  container.hostname = Text(Member(run, "Hostname"));
  container.apparmor = Text(Member(config, "AppArmorProfile"));
  container.log_path = Text(Member(config, "LogPath"));
  container.restart_count = Integer(Member(config, "RestartCount"));
  ReadHostConfig(host_config, container);
  ReadMounts(Member(config, "MountPoints"), container);
  container.labels = TextMembers(Member(run, "Labels"));
  for (const auto& [name, value] : container.labels) {
    if (!name.starts_with(kDockerAnnotationPrefix)) continue;
    container.annotations[name.substr(kDockerAnnotationPrefix.size())] = value;
  }
  const Json& networks = Member(config, "NetworkSettings", "Networks");
  if (networks.is_object()) {
    for (const auto& [name, network] : networks.items()) {
      if (container.ip_address.empty()) container.ip_address = Text(Member(network, "IPAddress"));
    }
  }
  ReadLabels(container);
  if (const std::string sandbox = LabelValue(container.labels, kDockerSandboxLabel);
      !sandbox.empty()) {
    container.sandbox = sandbox;
  }
  if (container.kind == ContainerKind::kSandbox) container.sandbox = id;
  return container;
}

}  // namespace ekshume::runtime::docker
