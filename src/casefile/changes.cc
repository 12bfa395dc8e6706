// SPDX-License-Identifier: Apache-2.0
#include "casefile/changes.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/least_of.h"
#include "base/text.h"
#include "casefile/file_hash.h"
#include "casefile/host_findings.h"
#include "fs/overlay/compare.h"

namespace ekshume::casefile {

using fs::overlay::Change;
using fs::overlay::ContentKind;
using fs::overlay::DiffEntry;

namespace {

std::string Notable(const DiffEntry& entry) {
  const size_t slash = entry.path.rfind('/');
  const std::string name = entry.path.substr(slash == std::string::npos ? 0 : slash + 1);
  const bool hidden = name.starts_with('.') || entry.path.find("/.") != std::string::npos;
  if (entry.change == Change::kDeleted) {
    if (entry.with_parent) return {};
    return entry.executable ? "deleted program" : "";
  }
  if (entry.setuid)
    return entry.change == Change::kAdded ? "new set-uid program" : "set-uid program";
  if (entry.setgid) return "set-gid program";
  if (entry.change != Change::kMetadata) {
    const std::string_view verb = entry.change == Change::kAdded ? "new" : "changed";
    if (entry.kind == ContentKind::kElf) {
      return fmt::format("{}{} program", verb, hidden ? " hidden" : "");
    }
    if (entry.kind == ContentKind::kScript) {
      return fmt::format("{}{} script", verb, hidden ? " hidden" : "");
    }
    // Runtimes create empty mount points with execute bits (/etc/hosts).
    if (entry.executable && entry.stat.size_bytes > 0)
      return fmt::format("{}{} executable file", verb, hidden ? " hidden" : "");
  }
  return std::string(PersistenceKind(entry.path, entry.stat));
}

// Where the runtime mounts something into a container, without leading slashes, with the folders on
// the way there.
std::set<std::string, std::less<>> MountPoints(const runtime::Container& container) {
  std::set<std::string, std::less<>> points;
  for (const runtime::Mount& mount : container.mounts) {
    std::string path;
    for (const std::string_view part : SplitNonEmpty(mount.destination, '/')) {
      if (!path.empty()) path.push_back('/');
      path.append(part);
      points.insert(path);
    }
  }
  return points;
}

bool IsMountPoint(const DiffEntry& entry, const std::set<std::string, std::less<>>& points) {
  const bool empty = entry.stat.type == fs::NodeType::kDirectory ||
                     (entry.stat.type == fs::NodeType::kRegular && entry.stat.size_bytes == 0);
  return entry.change == Change::kAdded && empty && !entry.setuid &&
         points.contains(std::string_view(entry.path));
}

}  // namespace

Result<void> VisitChanges(const runtime::Container& container, const FileView& view,
                          DiagnosticSink& diagnostics,
                          const std::function<void(ContainerChange)>& visit, Progress* progress) {
  if (view.overlay == nullptr || view.own_layer_count == 0) {
    return Fail(ErrorCode::kNotFound, "the container has no layer of its own in the evidence");
  }
  const auto points = MountPoints(container);
  const auto add = [&](DiffEntry entry) {
    ContainerChange change;
    change.is_mount_point = IsMountPoint(entry, points);
    if (!change.is_mount_point) change.notable = Notable(entry);
    change.entry = std::move(entry);
    visit(std::move(change));
  };
  return fs::overlay::VisitDifferences(*view.overlay, view.own_layer_count, diagnostics, add,
                                       progress);
}

Result<Changes> FindChanges(const runtime::Container& container, const FileView& view,
                            DiagnosticSink& diagnostics, Progress* progress, size_t most_ordinary) {
  const auto by_path = [](const ContainerChange& a, const ContainerChange& b) {
    return fs::overlay::PathLess(a.entry.path, b.entry.path);
  };
  Changes changes;
  LeastOf<ContainerChange, decltype(by_path)> ordinary(most_ordinary, by_path);
  const auto add = [&](ContainerChange change) {
    switch (change.entry.change) {
      case Change::kAdded: ++changes.added; break;
      case Change::kModified: ++changes.modified; break;
      case Change::kMetadata: ++changes.metadata; break;
      case Change::kDeleted: ++changes.deleted; break;
    }
    if (change.is_mount_point) ++changes.mount_points;
    if (change.notable.empty()) {
      ordinary.Add(std::move(change));
    } else {
      changes.entries.push_back(std::move(change));
    }
  };
  EKSHUME_TRY(VisitChanges(container, view, diagnostics, add, progress));
  for (ContainerChange& change : ordinary.Take()) changes.entries.push_back(std::move(change));
  std::ranges::stable_sort(changes.entries, by_path);
  return changes;
}

Json ToJson(const ContainerChange& change, const FileView& view, bool hash) {
  const DiffEntry& entry = change.entry;
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
  };
  const bool regular = entry.stat.type == fs::NodeType::kRegular;
  Json json = {
      {"path", "/" + entry.path},
      {"change", ChangeName(entry.change)},
      {"type", std::string(1, NodeTypeLetter(entry.stat.type))},
      {"mode", fmt::format("{:o}", entry.stat.permissions)},
      {"uid", entry.stat.uid},
      {"gid", entry.stat.gid},
      {"size", entry.stat.size_bytes},
      {"mtime", FormatTimestamp(entry.stat.modified)},
      {"ctime", FormatTimestamp(entry.stat.changed)},
      {"crtime", entry.stat.created ? Json(FormatTimestamp(*entry.stat.created)) : Json(nullptr)},
      {"inode", entry.stat.inode},
      {"sha256", nullptr},
      {"executable", entry.executable},
      {"setuid", entry.setuid},
      {"setgid", entry.setgid},
      {"kind", regular ? text_or_null(std::string(ContentKindName(entry.kind))) : Json(nullptr)},
      {"target", text_or_null(entry.target)},
      {"differs", entry.differs},
      {"previous", nullptr},
      {"from_layer", nullptr},
      {"renamed_from", text_or_null(entry.renamed_from)},
      {"renamed_to", text_or_null(entry.renamed_to)},
      {"replaced", entry.replaced},
      {"with_parent", entry.with_parent},
      {"mount_point", change.is_mount_point},
      {"notable", text_or_null(change.notable)},
  };
  if (entry.from) {
    json["from_layer"] = {{"index", entry.from->layer},
                          {"directory", std::string(entry.from->layer_name)},
                          {"path", "/" + entry.from->path}};
  }
  if (entry.previous && entry.change != Change::kDeleted) {
    json["previous"] = {{"type", std::string(1, NodeTypeLetter(entry.previous->type))},
                        {"mode", fmt::format("{:o}", entry.previous->permissions)},
                        {"uid", entry.previous->uid},
                        {"gid", entry.previous->gid},
                        {"size", entry.previous->size_bytes},
                        {"mtime", FormatTimestamp(entry.previous->modified)}};
  }
  if (!hash || !regular) return json;
  if (entry.node) {
    if (const auto digest = HashFile(*view.filesystem, *entry.node, nullptr))
      json["sha256"] = *digest;
  } else if (entry.from && view.overlay != nullptr) {
    // A deleted file: its content is still in the layer below.
    const fs::overlay::Layer& layer = view.overlay->layers()[entry.from->layer];
    if (const auto digest = HashFile(*layer.filesystem, entry.from->node, nullptr)) {
      json["sha256"] = *digest;
    }
  }
  return json;
}

}  // namespace ekshume::casefile
