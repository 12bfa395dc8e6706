// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/checkpoint.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/hash.h"
#include "base/text.h"

namespace ekshume::live::kubernetes {
namespace {

constexpr std::string_view kFolder = "/var/lib/kubelet/checkpoints/";

// checkpoint-POD_NAMESPACE-CONTAINER-2026-11-27T19:00:00Z.tar; it goes into a shell's command.
bool IsArchivePath(std::string_view path) {
  if (!path.starts_with(kFolder)) return false;
  path.remove_prefix(kFolder.size());
  return path.ends_with(".tar") && !path.starts_with('.') &&
         path.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
             "-_.:+") == std::string_view::npos;
}

}  // namespace

Result<std::string> WhyNoCheckpoint(Client& client) {
  const Permission permission{
      .verb = "create", .resource = "nodes/proxy", .group = "", .in_namespace = ""};
  if (EKSHUME_TRY(client.May(permission))) return std::string();
  return fmt::format("the permission to {} is missing", permission.Text());
}

Result<std::string> MakeCheckpoint(const std::string& node, const std::string& in_namespace,
                                   const std::string& pod, const std::string& container,
                                   Client& client) {
  const std::string path =
      PathOf({"api", "v1", "nodes", node, "proxy", "checkpoint", in_namespace, pod, container});
  const auto answer = client.Post(path, Json::object());
  if (!answer) {
    const Error& error = answer.error();
    if (error.code == ErrorCode::kNotFound) {
      return Fail(ErrorCode::kUnsupported,
                  "the kubelet has no checkpoint API: it needs Kubernetes 1.30, or 1.25 with the "
                  "feature gate ContainerCheckpoint");
    }
    if (error.code == ErrorCode::kIo && error.message.find("status 50") != std::string::npos) {
      return Fail(ErrorCode::kUnsupported,
                  fmt::format("the container runtime cannot checkpoint: it needs containerd 2.0 or "
                              "CRI-O, and the program criu on the node ({})",
                              error.message));
    }
    return error;
  }
  const Json& items = wire::ArrayOf(*answer, "items");
  const std::string archive =
      !items.empty() && items[0].is_string() ? items[0].get<std::string>() : std::string();
  if (!IsArchivePath(archive)) {
    return Fail(ErrorCode::kCorrupt, fmt::format("the kubelet answers with no checkpoint: {}",
                                                 EscapeForTerminal(archive)));
  }
  return archive;
}

Result<void> FetchCheckpoint(const std::string& path, const std::string& container,
                             const Place& node_pod, CollectorRun& run, Acquisition& acquisition) {
  const std::string here = fmt::format("/host{}", path);
  const std::string name = fmt::format("checkpoint/{}.tar", container);
  const auto file = EKSHUME_TRY(acquisition.Create(name, path));
  Sha256 hash;
  const ExecOutcome outcome =
      EKSHUME_TRY(run.RunIn(node_pod, {"cat", here}, {}, [&](ByteView bytes) {
        hash.Update(bytes);
        return file->Write(bytes);
      }));
  if (outcome.exit_code != 0) {
    return Fail(ErrorCode::kIo, fmt::format("reading {} on the node ended with {}: {}", path,
                                            outcome.exit_code, EscapeForTerminal(outcome.errors)));
  }
  const std::string there =
      EKSHUME_TRY(run.Shell(node_pod, fmt::format("sha256sum < {0}; wc -c < {0}", here)));
  const std::string ours = fmt::format("{}", ToHex(hash.Finish()));
  if (!there.starts_with(ours) || !there.ends_with(fmt::format("{}", file->size_bytes()))) {
    return Fail(ErrorCode::kIo, fmt::format("what came of {} is not what the node has", path));
  }
  EKSHUME_TRY(file->Finish());
  // The host is mounted read-only; the root of its first process is not.
  const auto removed = run.CleanUp(
      node_pod, fmt::format("rm -f /proc/1/root{}; if [ -e {} ]; then exit 1; fi", path, here));
  if (!removed) {
    acquisition.Failed(fmt::format("deleting {} on the node", path), removed.error().message);
  }
  return {};
}

}  // namespace ekshume::live::kubernetes
