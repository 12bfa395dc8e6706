// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/pod_state.h"

#include <fmt/format.h>

#include <string>

#include "base/ascii.h"
#include "live/wire/uri.h"

namespace ekshume::live::kubernetes {
namespace {

constexpr int kMaxOwners = 16;  // one above the other: pod, replica set, deployment

class PodState {
 public:
  PodState(const Json& pod, Client& client, Acquisition& acquisition)
      : pod_(pod),
        spec_(wire::ObjectOf(pod, "spec")),
        name_(wire::TextOf(wire::ObjectOf(pod, "metadata"), "name")),
        namespace_(wire::TextOf(wire::ObjectOf(pod, "metadata"), "namespace")),
        client_(client),
        acquisition_(acquisition) {}

  void Save() {
    Keep("state/pod.json", PathOf({"api", "v1", "namespaces", namespace_, "pods", name_}), pod_);
    SaveOwners();
    const std::string node = wire::TextOf(spec_, "nodeName");
    if (!node.empty()) Fetch("state/node.json", PathOf({"api", "v1", "nodes", node}));
    account_ = wire::TextOf(spec_, "serviceAccountName");
    if (account_.empty()) account_ = "default";
    Fetch("state/serviceaccount.json",
          PathOf({"api", "v1", "namespaces", namespace_, "serviceaccounts", account_}));
    SaveBindings();
    SaveEvents();
    for (const char* list : {"initContainers", "containers", "ephemeralContainers"}) {
      for (const Json& container : wire::ArrayOf(spec_, list)) {
        SaveLogs(wire::TextOf(container, "name"));
      }
    }
  }

 private:
  void Failed(const std::string& what, const Error& error) {
    acquisition_.Failed(what, error.message, MissingPermission(error));
  }

  void Keep(const std::string& file, const std::string& path, const Json& object) {
    const auto added = acquisition_.Add(file, path, wire::DumpJson(object));
    if (!added) Failed(file, added.error());
  }

  Json Fetch(const std::string& file, const std::string& path) {
    const auto object = client_.Get(path);
    if (!object) {
      Failed(file, object.error());
      return Json::object();
    }
    Keep(file, path, *object);
    return *object;
  }

  void SaveOwners() {
    Json owned = pod_;
    for (int i = 1; i <= kMaxOwners; ++i) {
      const Json& owners = wire::ArrayOf(wire::ObjectOf(owned, "metadata"), "ownerReferences");
      if (owners.empty()) return;
      if (wire::TextOf(owners[0], "kind") == "Node")
        return;  // of a static pod; saved as the pod's node
      owned = Fetch(fmt::format("state/owner-{}.json", i), PathOfOwner(owners[0], namespace_));
    }
  }

  bool AppliesToAccount(const Json& binding) const {
    for (const Json& subject : wire::ArrayOf(binding, "subjects")) {
      const std::string kind = wire::TextOf(subject, "kind");
      const std::string name = wire::TextOf(subject, "name");
      if (kind == "ServiceAccount" && name == account_ &&
          wire::TextOf(subject, "namespace") == namespace_) {
        return true;
      }
      if (kind == "Group" && (name == "system:serviceaccounts" || name == "system:authenticated" ||
                              name == fmt::format("system:serviceaccounts:{}", namespace_))) {
        return true;
      }
      if (kind == "User" &&
          name == fmt::format("system:serviceaccount:{}:{}", namespace_, account_))
        return true;
    }
    return false;
  }

  void SaveList(const std::string& file, const std::string& path, const std::string& query,
                const std::function<bool(const Json&)>& wanted) {
    Json kept = Json::array();
    const auto listed = client_.List(path, query, [&](const Json& item) -> Result<void> {
      if (wanted(item)) kept.push_back(item);
      return {};
    });
    if (!listed) Failed(file, listed.error());
    if (listed || !kept.empty()) Keep(file, path, Json{{"items", kept}});
  }

  void SaveBindings() {
    const auto applies = [this](const Json& item) { return AppliesToAccount(item); };
    const std::string group = PathOf({"apis", "rbac.authorization.k8s.io", "v1"});
    SaveList("state/rolebindings.json", group + PathOf({"namespaces", namespace_, "rolebindings"}),
             "", applies);
    SaveList("state/clusterrolebindings.json", group + "/clusterrolebindings", "", applies);
  }

  void SaveEvents() {
    const std::string selector =
        fmt::format("involvedObject.kind=Pod,involvedObject.name={}", name_);
    SaveList("state/events.json", PathOf({"api", "v1", "namespaces", namespace_, "events"}),
             fmt::format("fieldSelector={}", wire::UriEncode(selector)),
             [](const Json&) { return true; });
  }

  bool HasPrevious(const std::string& container) const {
    for (const char* list : {"containerStatuses", "initContainerStatuses"}) {
      for (const Json& status : wire::ArrayOf(wire::ObjectOf(pod_, "status"), list)) {
        if (wire::TextOf(status, "name") == container &&
            wire::IntegerOf(status, "restartCount") > 0) {
          return true;
        }
      }
    }
    return false;
  }

  void SaveLogs(const std::string& container) {
    SaveLog(container, "current", "false");
    if (HasPrevious(container)) SaveLog(container, "previous", "true");
  }

  void SaveLog(const std::string& container, const char* which, const char* previous) {
    const std::string path = PathOf({"api", "v1", "namespaces", namespace_, "pods", name_, "log"});
    const std::string name = fmt::format("logs/{}.{}.log", container, which);
    auto file = acquisition_.Create(name, fmt::format("{} ({})", path, which));
    if (!file) return Failed(name, file.error());
    auto saved = client_.GetText(path,
                                 fmt::format("container={}&timestamps=true&previous={}",
                                             wire::UriEncode(container), previous),
                                 [&](ByteView bytes) { return (*file)->Write(bytes); });
    if (saved || (*file)->size_bytes() > 0) {
      const auto finished = (*file)->Finish();
      if (!finished) Failed(name, finished.error());
    }
    if (!saved) Failed(name, saved.error());
  }

  const Json& pod_;
  const Json& spec_;
  const std::string name_;
  const std::string namespace_;
  Client& client_;
  Acquisition& acquisition_;
  std::string account_;
};

}  // namespace

bool IsOnFargate(const Json& pod) {
  return wire::TextOf(wire::ObjectOf(pod, "spec"), "nodeName").starts_with("fargate-") ||
         wire::ObjectOf(wire::ObjectOf(pod, "metadata"), "labels")
             .contains("eks.amazonaws.com/fargate-profile");
}

std::string PathOfOwner(const Json& reference, std::string_view in_namespace) {
  const std::string version = wire::TextOf(reference, "apiVersion");
  const std::string plural = AsciiLower(wire::TextOf(reference, "kind")) + 's';
  const size_t slash = version.find('/');
  const std::string root =
      slash == std::string::npos
          ? PathOf({"api", version})
          : PathOf({"apis", version.substr(0, slash), version.substr(slash + 1)});
  return root + PathOf({"namespaces", in_namespace, plural, wire::TextOf(reference, "name")});
}

std::string ContainerIdOf(const Json& status) {
  const std::string id = wire::TextOf(status, "containerID");
  const size_t slashes = id.find("://");
  return slashes == std::string::npos ? "" : id.substr(slashes + 3);
}

void SavePodState(const Json& pod, Client& client, Acquisition& acquisition) {
  PodState(pod, client, acquisition).Save();
}

}  // namespace ekshume::live::kubernetes
