// SPDX-License-Identifier: Apache-2.0
#include "casefile/investigation.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "casefile/changes.h"
#include "casefile/container_view.h"
#include "casefile/gaps.h"
#include "casefile/host_findings.h"
#include "casefile/live_json.h"
#include "casefile/risks.h"
#include "casefile/version.h"
#include "runtime/format.h"

namespace ekshume::casefile {
namespace {

// The report stays readable: of one container at most this many changes that do not stand out are
// listed; the counts are whole, and `containers diff` lists them all.
constexpr size_t kMaxReportedChanges = 2000;
constexpr int kReportSchema = 1;

Json ChangesJson(const Changes& changes, const FileView& view) {
  Json list = Json::array();
  // What stands out is hashed.
  for (const ContainerChange& change : changes.entries) {
    list.push_back(ToJson(change, view, !change.notable.empty()));
  }
  return {{"added", changes.added},
          {"modified", changes.modified},
          {"metadata", changes.metadata},
          {"deleted", changes.deleted},
          {"mount_points", changes.mount_points},
          {"listed", list.size()},
          {"entries", std::move(list)}};
}

Json ContainerReport(const runtime::Container& container, DiagnosticSink& diagnostics,
                     Progress& progress) {
  Json json = ToJson(container);
  json["host_access"] = HostAccess(container);
  json["changes"] = nullptr;
  json["changes_problem"] = nullptr;
  const auto view = OpenContainer(container, diagnostics);
  if (!view) {
    json["changes_problem"] = view.error().message;
    return json;
  }
  const auto changes = FindChanges(container, *view, diagnostics, &progress, kMaxReportedChanges);
  if (!changes) {
    json["changes_problem"] = changes.error().message;
    return json;
  }
  json["changes"] = ChangesJson(*changes, *view);
  return json;
}

Json HostChangeJson(const HostChange& change) {
  return {
      {"path", change.path},
      {"why", TextOrNull(change.why)},
      {"type", std::string(1, fs::NodeTypeLetter(change.stat.type))},
      {"mode", fmt::format("{:o}", change.stat.permissions)},
      {"uid", change.stat.uid},
      {"gid", change.stat.gid},
      {"size", change.stat.size_bytes},
      {"mtime", FormatTimestamp(change.stat.modified)},
      {"ctime", FormatTimestamp(change.stat.changed)},
      {"crtime", change.stat.created ? Json(FormatTimestamp(*change.stat.created)) : Json(nullptr)},
      {"inode", change.stat.inode},
      {"kind", TextOrNull(change.kind)},
      {"sha256", TextOrNull(change.sha256)},
  };
}

Json DeletedJson(const DeletedFile& file) {
  return {
      {"volume", file.volume},
      {"path", fmt::format("inode:{}", static_cast<uint64_t>(file.node))},
      {"how", file.how},
      {"type", std::string(1, fs::NodeTypeLetter(file.stat.type))},
      {"mode", fmt::format("{:o}", file.stat.permissions)},
      {"uid", file.stat.uid},
      {"size", file.stat.size_bytes},
      {"mtime", FormatTimestamp(file.stat.modified)},
      {"ctime", FormatTimestamp(file.stat.changed)},
      {"kind", TextOrNull(file.kind)},
      {"sha256", TextOrNull(file.sha256)},
  };
}

Json HostJson(const HostFindings& findings) {
  Json changes = Json::array();
  for (const HostChange& change : findings.changes) changes.push_back(HostChangeJson(change));
  Json other = Json::array();
  for (const HostChange& change : findings.other) other.push_back(HostChangeJson(change));
  Json deleted = Json::array();
  for (const DeletedFile& file : findings.deleted) deleted.push_back(DeletedJson(file));
  return {{"since", findings.since ? Json(FormatTimestamp(*findings.since)) : Json(nullptr)},
          {"changes", std::move(changes)},
          {"other_changes_count", findings.other_count},
          {"other_changes", std::move(other)},
          {"deleted", std::move(deleted)}};
}

Json GapsJson(const std::vector<Gap>& gaps) {
  Json list = Json::array();
  for (const Gap& gap : gaps) {
    list.push_back({{"path", gap.path}, {"reason", gap.reason}, {"lost", gap.lost}});
  }
  return list;
}

}  // namespace

Result<NodeInvestigation> Investigate(const Evidence& evidence, DiagnosticSink& diagnostics,
                                      Progress& progress) {
  NodeInvestigation node;
  node.hasher = image::EvidenceHasher::Start(evidence.files(), &progress);
  progress.SetStage("investigating");
  node.inventory = ReadInventory(evidence, diagnostics);
  const runtime::Inventory& inventory = node.inventory;

  Json& report = node.report;
  report = {{"schema", kReportSchema}, {"tool", "ekshume"}, {"version", kVersion}};
  report["evidence"] = ToJson(evidence);
  report["node"] = ToJson(inventory.node);
  report["pods"] = Json::array();
  for (const runtime::Pod& pod : inventory.pods) report["pods"].push_back(ToJson(pod));
  report["containers"] = Json::array();
  for (const runtime::Container& container : inventory.containers) {
    if (progress.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
    report["containers"].push_back(ContainerReport(container, diagnostics, progress));
  }
  report["images"] = Json::array();
  for (const runtime::Image& image : inventory.images) report["images"].push_back(ToJson(image));
  node.host = FindOnHost(evidence, inventory, diagnostics, &progress);
  report["host"] = HostJson(node.host);
  report["live"] = LiveJson(evidence, inventory);
  report["cannot_show"] = GapsJson(FindGaps(evidence, inventory, diagnostics));
  report["diagnostics"] = Json::array();
  for (const Diagnostic& diagnostic : diagnostics.Sorted()) {
    report["diagnostics"].push_back(ToJson(diagnostic));
  }
  report["diagnostics_suppressed"] = diagnostics.Suppressed();
  return node;
}

Result<void> AddDigests(NodeInvestigation& node, Json& report, Progress& progress) {
  progress.SetStage("hashing the evidence");
  const image::EvidenceHash hash = EKSHUME_TRY(node.hasher->Wait());
  Json files = Json::array();
  for (const image::EvidenceHash::File& file : hash.files) {
    files.push_back({{"path", file.path},
                     {"size", file.size_bytes},
                     {"sha256", ToHex(file.sha256)},
                     {"changed_while_read", file.changed}});
  }
  for (Json& item : report["evidence"]) {
    item["hashes"] = Json::array();
    if (!item.contains("files")) continue;
    for (const Json& path : item["files"]) {
      for (const Json& file : files) {
        if (file["path"] == path) item["hashes"].push_back(file);
      }
    }
  }
  return {};
}

}  // namespace ekshume::casefile
