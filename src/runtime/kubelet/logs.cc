// SPDX-License-Identifier: Apache-2.0
#include "runtime/kubelet/logs.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <set>

#include "base/limits.h"
#include "base/text.h"
#include "fs/path.h"
#include "runtime/kubelet/format.h"
#include "runtime/location.h"
#include "runtime/well_known.h"

namespace ekshume::runtime::kubelet {
namespace {

// "<namespace>_<name>_<uid>"; none of them holds an underscore.
std::optional<PodReference> ParsePodDirectory(std::string_view name) {
  const auto parts = SplitNonEmpty(name, '_');
  if (parts.size() != 3) return std::nullopt;
  return PodReference{.name = std::string(parts[1]),
                      .namespace_name = std::string(parts[0]),
                      .uid = std::string(parts[2]),
                      .container = ""};
}

std::optional<int64_t> ParseCount(std::string_view text) {
  int64_t count = 0;
  const char* end = std::to_address(text.end());
  const auto parsed = std::from_chars(std::to_address(text.begin()), end, count);
  if (parsed.ec != std::errc() || parsed.ptr != end || count < 0) return std::nullopt;
  return count;
}

// What a link of /var/log/containers tells.
struct LogLink {
  std::string container_id;
  PodReference pod;
  std::optional<int64_t> restart_count;
  std::string target;
};

// "<pod>_<namespace>_<container>-<id>.log" -> ".../<namespace>_<pod>_<uid>/<container>/<n>.log"
std::optional<LogLink> ParseLink(std::string_view name, const std::string& target) {
  constexpr std::string_view kSuffix = ".log";
  if (!name.ends_with(kSuffix)) return std::nullopt;
  name.remove_suffix(kSuffix.size());
  const size_t dash = name.rfind('-');
  const auto parts = SplitNonEmpty(target, '/');
  if (dash == std::string_view::npos || parts.size() < 3) return std::nullopt;
  LogLink link{.container_id = std::string(name.substr(dash + 1)),
               .pod = {},
               .restart_count = std::nullopt,
               .target = target};
  auto pod = ParsePodDirectory(parts[parts.size() - 3]);
  if (!pod || !IsHex64(link.container_id)) return std::nullopt;
  link.pod = *std::move(pod);
  link.pod.container = parts[parts.size() - 2];
  const std::string_view file = parts.back();
  link.restart_count = ParseCount(file.substr(0, file.find('.')));
  return link;
}

// Adds what the logs tell to the inventory.
class LogReader {
 public:
  LogReader(Inventory& inventory, DiagnosticSink& diagnostics)
      : inventory_(inventory), diagnostics_(diagnostics) {
    for (size_t i = 0; i < inventory.containers.size(); ++i) {
      const Container& container = inventory.containers[i];
      ids_.insert(container.id);
      if (!container.pod) continue;
      names_.emplace(container.pod->uid, container.pod->container);
      if (container.recovered == "pod folder") {
        without_id_.emplace(std::pair(container.pod->uid, container.pod->container), i);
      }
    }
  }

  void ReadLinks(const Location& directory) {
    for (const auto& entry : List(directory, diagnostics_)) {
      const auto node = fs::ResolvePath(*directory.filesystem, Below(directory, entry.name).path,
                                        fs::FollowLast::kNo);
      const auto target =
          node ? directory.filesystem->ReadSymlink(*node) : Result<std::string>(node.error());
      if (!target) continue;  // a log that is no link has no name of a pod to tell
      auto link = ParseLink(entry.name, *target);
      if (!link || !ids_.insert(link->container_id).second) continue;
      if (link->pod.container.empty()) continue;
      Add(link->container_id, std::move(link->pod), link->restart_count, link->target, directory);
    }
  }

  void ReadPods(const Location& directory) {
    for (const auto& entry : List(directory, diagnostics_)) {
      auto pod = ParsePodDirectory(entry.name);
      if (!pod) continue;
      const Location logs = Below(directory, entry.name);
      for (const auto& container : List(logs, diagnostics_)) {
        if (names_.contains({pod->uid, container.name})) continue;
        PodReference reference = *pod;
        reference.container = container.name;
        const Location files = Below(logs, container.name);
        if (!IsDirectory(files)) continue;
        Add(pod->uid + "/" + container.name, std::move(reference), NewestLog(files),
            Describe(files), directory);
      }
      inventory_.pods.push_back({.name = pod->name,
                                 .namespace_name = pod->namespace_name,
                                 .uid = pod->uid,
                                 .log_directories = {Describe(logs)},
                                 .recovered = "log directory"});
    }
  }

 private:
  // The highest number of the files "<restart>.log".
  std::optional<int64_t> NewestLog(const Location& files) {
    std::optional<int64_t> newest;
    for (const auto& file : List(files, diagnostics_)) {
      newest = std::max(newest, ParseCount(file.name.substr(0, file.name.find('.'))));
    }
    return newest;
  }

  void Add(std::string id, PodReference pod, std::optional<int64_t> restart_count,
           std::string log_path, const Location& store) {
    if (inventory_.containers.size() >= limits::kMaxContainers) {
      diagnostics_.Report(DiagnosticCode::kRuntimeStoreUnreadable, Describe(store),
                          "kMaxContainers: more containers than are read");
      return;
    }
    // The pod's folder told of the same container; only the log knows its id.
    const auto known = without_id_.find({pod.uid, pod.container});
    if (known != without_id_.end()) {
      Container& container = inventory_.containers[known->second];
      container.id = std::move(id);
      container.pod = std::move(pod);
      container.restart_count = restart_count;
      container.log_path = std::move(log_path);
      without_id_.erase(known);
      return;
    }
    names_.emplace(pod.uid, pod.container);
    inventory_.containers.push_back({.id = std::move(id),
                                     .name = pod.container,
                                     .runtime = "kubelet",
                                     .runtime_namespace = "",
                                     .pod = std::move(pod),
                                     .restart_count = restart_count,
                                     .log_path = std::move(log_path),
                                     .recovered = "log directory",
                                     .store = store});
  }

  Inventory& inventory_;
  DiagnosticSink& diagnostics_;
  std::set<std::string> ids_;
  std::set<std::pair<std::string, std::string>> names_;               // pod uid, container name
  std::map<std::pair<std::string, std::string>, size_t> without_id_;  // found by the pod's folder
};

}  // namespace

void ReadPodLogs(const NodeFilesystems& node, Inventory& inventory, DiagnosticSink& diagnostics) {
  LogReader reader(inventory, diagnostics);
  // The links first: they know ids.
  for (const Location& place : PlacesOf(kContainerLogsPath, node)) reader.ReadLinks(place);
  std::vector<Location> places = PlacesOf(kPodLogsPath, node);
  for (const fs::Filesystem* filesystem : node.filesystems) {
    // setup-local-disks of EKS binds this to /var/log/pods.
    places.push_back({filesystem, "mnt/k8s-disks/0/pods"});
  }
  for (const Location& place : places) reader.ReadPods(place);
}

}  // namespace ekshume::runtime::kubelet
