// SPDX-License-Identifier: Apache-2.0
#include "casefile/whois.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "base/text.h"

namespace ekshume::casefile {
namespace {

// "a//b/" -> "a/b": how locations are written.
std::string Clean(std::string_view path) {
  std::string clean;
  for (const std::string_view part : SplitNonEmpty(path, '/')) {
    if (!clean.empty()) clean.push_back('/');
    clean.append(part);
  }
  return clean;
}

// What follows `folder` in `path`, with a leading slash ("/" for the folder itself); nothing when
// the path is not below it.
std::optional<std::string> Below(std::string_view path, std::string_view folder) {
  if (folder.empty() || !path.starts_with(folder)) return std::nullopt;
  const std::string_view rest = path.substr(folder.size());
  if (rest.empty()) return "/";
  if (!rest.starts_with('/')) return std::nullopt;
  return std::string(rest);
}

std::string Join(std::string_view directory, std::string_view rest) {
  std::string joined(directory);
  while (joined.ends_with('/')) joined.pop_back();
  if (rest != "/") joined.append(rest);
  return joined.empty() ? "/" : joined;
}

class Search {
 public:
  Search(const runtime::Inventory& inventory, std::string path)
      : inventory_(inventory), path_(std::move(path)) {}

  std::vector<Ownership> Run() {
    for (const runtime::Container& container : inventory_.containers) Container(container);
    for (const runtime::Image& image : inventory_.images) Image(image);
    for (const runtime::Pod& pod : inventory_.pods) Pod(pod);
    for (const runtime::Snapshot& snapshot : inventory_.snapshots) Snapshot(snapshot);
    const auto key = [](const Ownership& o) {
      return std::tie(o.relation, o.pod, o.container_id, o.image, o.path_inside, o.detail);
    };
    std::ranges::sort(found_, [&](const auto& a, const auto& b) { return key(a) < key(b); });
    const auto [first, last] =
        std::ranges::unique(found_, [&](const auto& a, const auto& b) { return key(a) == key(b); });
    found_.erase(first, last);
    return std::move(found_);
  }

 private:
  static Ownership Of(const runtime::Container& container, std::string relation,
                      std::string path_inside) {
    Ownership owner;
    owner.relation = std::move(relation);
    owner.container_id = container.id;
    owner.image = container.image;
    if (container.pod) {
      owner.pod = container.pod->namespace_name + "/" + container.pod->name;
      owner.pod_uid = container.pod->uid;
    }
    owner.path_inside = std::move(path_inside);
    return owner;
  }

  void Container(const runtime::Container& container) {
    if (container.layers.upper) {
      if (const auto rest = Below(path_, container.layers.upper->path)) {
        found_.push_back(Of(container, "writable layer", *rest));
      }
    }
    if (container.native_root) {
      if (const auto rest = Below(path_, container.native_root->path)) {
        found_.push_back(Of(container, "writable layer", *rest));
      }
    }
    for (const runtime::Mount& mount : container.mounts) {
      const std::string source = Clean(mount.source);
      // A mount of the whole host would claim every path; it is told by `containers show`.
      if (const auto rest = Below(path_, source)) {
        found_.push_back(Of(container, "host mount", Join(mount.destination, *rest)));
      }
    }
    if (Below(path_, Clean(container.log_path))) {
      found_.push_back(Of(container, "container log", ""));
    }
    // Runtimes keep state in folders that are named by the whole id.
    const bool names_id =
        container.id.size() >= 32 && path_.find(container.id) != std::string::npos;
    if (names_id) found_.push_back(Of(container, "runtime state", ""));
  }

  void Image(const runtime::Image& image) {
    for (const runtime::Location& layer : image.layers.lower) {
      const auto rest = Below(path_, layer.path);
      if (!rest) continue;
      Ownership owner;
      owner.relation = "image layer";
      owner.image = image.references.empty() ? image.id : image.references.front();
      owner.path_inside = *rest;
      owner.detail = "/" + layer.path;
      found_.push_back(std::move(owner));
    }
  }

  void Pod(const runtime::Pod& pod) {
    const auto add = [&](std::string relation, std::string detail, std::string rest) {
      Ownership owner;
      owner.relation = std::move(relation);
      owner.pod = pod.namespace_name + "/" + pod.name;
      owner.pod_uid = pod.uid;
      owner.path_inside = std::move(rest);
      owner.detail = std::move(detail);
      found_.push_back(std::move(owner));
    };
    for (const runtime::PodVolume& volume : pod.volumes) {
      if (Below(path_, volume.directory.path)) {
        add("pod volume", volume.plugin + " " + volume.name, "");
      }
    }
    for (const std::string& directory : pod.log_directories) {
      if (Below(path_, Clean(directory))) add("pod log", "/" + Clean(directory), "");
    }
    if (!pod.uid.empty() && path_.find("kubelet/pods/" + pod.uid) != std::string::npos) {
      add("pod folder", "", "");
    }
  }

  void Snapshot(const runtime::Snapshot& snapshot) {
    const auto rest = Below(path_, snapshot.directory.path);
    if (!rest) return;
    Ownership owner;
    owner.relation = "snapshot";
    owner.path_inside = *rest;
    owner.detail = snapshot.key;
    found_.push_back(std::move(owner));
  }

  const runtime::Inventory& inventory_;
  const std::string path_;
  std::vector<Ownership> found_;
};

}  // namespace

std::vector<Ownership> WhoOwns(const runtime::Inventory& inventory, std::string_view path) {
  return Search(inventory, Clean(path)).Run();
}

}  // namespace ekshume::casefile
