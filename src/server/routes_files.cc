// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/hex.h"
#include "base/text.h"
#include "casefile/file_hash.h"
#include "casefile/whois.h"
#include "fs/path.h"
#include "server/file_request.h"
#include "server/limits.h"
#include "server/routes.h"

namespace ekshume::server {
namespace {

using View = FileViews::View;

Json StatJson(const fs::Filesystem& filesystem, fs::NodeId node, const fs::Stat& stat) {
  Json json = {{"type", std::string(1, fs::NodeTypeLetter(stat.type))},
               {"mode", fmt::format("{:o}", stat.permissions)},
               {"uid", stat.uid},
               {"gid", stat.gid},
               {"size", stat.size_bytes},
               {"mtime", FormatTimestamp(stat.modified)},
               {"ctime", FormatTimestamp(stat.changed)},
               {"atime", FormatTimestamp(stat.accessed)},
               {"crtime", stat.created ? Json(FormatTimestamp(*stat.created)) : Json(nullptr)},
               {"inode", stat.inode},
               {"links", stat.links},
               {"target", nullptr}};
  if (stat.type == fs::NodeType::kSymlink) {
    if (const auto target = filesystem.ReadSymlink(node)) AddName(json, "target", *target);
  }
  return json;
}

// What the container did to it.
void AddChange(const View& view, const std::string& path, Json& json) {
  const auto found = view.changes.find(path);
  const bool is_there = found != view.changes.end();
  json["change"] = is_there ? Json(ChangeName(found->second.entry.change)) : Json(nullptr);
  json["notable"] = is_there ? casefile::TextOrNull(found->second.notable) : Json(nullptr);
  json["mount_point"] = is_there && found->second.is_mount_point;
  const auto below = view.changes_below.find(path);
  json["changes_below"] = below == view.changes_below.end() ? 0 : below->second;
}

// The names that a container took out of a directory, which the merged view does not have any more.
void AddDeleted(const View& view, const std::string& directory, Json& entries) {
  const std::string prefix = directory == "/" ? "/" : directory + "/";
  for (auto at = view.changes.lower_bound(prefix);
       at != view.changes.end() && at->first.starts_with(prefix); ++at) {
    const auto& [path, change] = *at;
    if (change.entry.change != fs::overlay::Change::kDeleted) continue;
    if (path.find('/', prefix.size()) != std::string::npos) continue;
    Json json = Json::object();
    AddName(json, "name", path.substr(prefix.size()));
    AddName(json, "path", path);
    json.update(StatJson(*view.filesystem, {}, change.entry.stat));
    AddChange(view, path, json);
    entries.push_back(std::move(json));
    if (entries.size() >= limits::kMostDirectoryRows * 2) return;
  }
}

Result<ApiReply> List(CaseService& service, const ApiRequest& request) {
  const AskedFile asked = EKSHUME_TRY(FindFile(service, request, fs::FollowLast::kYes));
  const uint64_t offset = EKSHUME_TRY(request.Number("offset", 0, UINT32_MAX));
  const auto all = EKSHUME_TRY(fs::ListDirectory(*asked.filesystem, asked.node));
  Json entries = Json::array();
  const size_t end = std::min<size_t>(all.size(), offset + limits::kMostDirectoryRows);
  for (size_t i = offset; i < end; ++i) {
    const std::string path = fs::JoinPath(asked.path == "/" ? "" : asked.path, all[i].name);
    const std::string absolute = path.starts_with('/') ? path : "/" + path;
    Json json = Json::object();
    AddName(json, "name", all[i].name);
    AddName(json, "path", absolute);
    if (const auto stat = asked.filesystem->GetStat(all[i].node)) {
      json.update(StatJson(*asked.filesystem, all[i].node, *stat));
      json["problem"] = nullptr;
    } else {
      json["problem"] = stat.error().message;
    }
    AddChange(*asked.view, absolute, json);
    entries.push_back(std::move(json));
  }
  if (offset == 0 && request.Value("version") != "old") {
    AddDeleted(*asked.view, asked.path, entries);
  }
  Json reply = {{"total", all.size()}, {"offset", offset}, {"entries", entries}};
  AddName(reply, "path", asked.path);
  return ApiReply::Of(reply);
}

Json XattrsJson(const fs::Filesystem& filesystem, fs::NodeId node) {
  Json json = Json::array();
  const auto xattrs = filesystem.ReadXattrs(node);
  if (!xattrs) return json;
  for (const fs::Xattr& xattr : *xattrs) {
    json.push_back({{"name", xattr.name}, {"value_hex", ToHex(ByteView::Of(xattr.value))}});
  }
  return json;
}

Result<ApiReply> Stat(CaseService& service, const ApiRequest& request) {
  const AskedFile asked = EKSHUME_TRY(FindFile(service, request, fs::FollowLast::kNo));
  const fs::Stat stat = EKSHUME_TRY(asked.filesystem->GetStat(asked.node));
  Json json = Json::object();
  AddName(json, "path", asked.path);
  json.update(StatJson(*asked.filesystem, asked.node, stat));
  json["allocated"] = stat.allocated_bytes;
  json["sha256"] = nullptr;
  json["kind"] = nullptr;
  if (stat.type == fs::NodeType::kRegular) {
    if (const auto hash = casefile::HashFile(*asked.filesystem, asked.node, nullptr)) {
      json["sha256"] = *hash;
    }
    if (const auto kind = casefile::FileKind(*asked.filesystem, asked.node)) json["kind"] = *kind;
  }
  json["xattrs"] = XattrsJson(*asked.filesystem, asked.node);
  AddChange(*asked.view, asked.path, json);
  const auto change = asked.view->changes.find(asked.path);
  const bool has_change = change != asked.view->changes.end();
  json["change_detail"] =
      has_change ? ToJson(change->second, asked.view->merged, false) : Json(nullptr);
  json["has_old_version"] = false;
  if (asked.view->before && has_change) {
    json["has_old_version"] = fs::ResolvePath(*asked.view->before, asked.path).has_value();
  }
  json["layer"] = nullptr;
  if (asked.view->merged.overlay != nullptr && asked.filesystem == asked.view->filesystem) {
    if (const auto origins = asked.view->merged.overlay->Origins(asked.node);
        origins && !origins->empty()) {
      const fs::overlay::Origin& origin = origins->front();
      json["layer"] = {
          {"index", origin.layer},
          {"directory", std::string(origin.layer_name)},
          {"of", origin.layer < asked.view->merged.own_layer_count ? "container" : "image"}};
    }
  }
  return ApiReply::Of(json);
}

Result<ApiReply> Whois(CaseService& service, const ApiRequest& request) {
  const FileViews::Opened* opened = EKSHUME_TRY(service.files().OpenEvidence());
  const std::string path = EKSHUME_TRY(PathOf(request));
  Json owners = Json::array();
  for (const casefile::Ownership& owner : casefile::WhoOwns(opened->inventory, path)) {
    owners.push_back({{"relation", owner.relation},
                      {"container_id", casefile::TextOrNull(owner.container_id)},
                      {"pod", casefile::TextOrNull(owner.pod)},
                      {"pod_uid", casefile::TextOrNull(owner.pod_uid)},
                      {"image", casefile::TextOrNull(owner.image)},
                      {"path_inside", casefile::TextOrNull(owner.path_inside)},
                      {"detail", casefile::TextOrNull(owner.detail)}});
  }
  return ApiReply::Of({{"path", path}, {"owners", owners}});
}

Result<ApiReply> Volumes(CaseService& service) {
  const FileViews::Opened* opened = EKSHUME_TRY(service.files().OpenEvidence());
  Json volumes = Json::array();
  for (const casefile::Volume& volume : opened->evidence->volumes()) {
    volumes.push_back(
        {{"name", volume.name},
         {"partition", volume.partition.number},
         {"filesystem", volume.filesystem ? Json(volume.filesystem->info().type) : Json(nullptr)},
         {"problem", casefile::TextOrNull(volume.problem)}});
  }
  return ApiReply::Of({{"volumes", volumes}});
}

}  // namespace

void AddFileRoutes(Router& router, CaseService& service) {
  router.Add(
      {"GET", "/volumes", "The filesystems of the evidence.", {}, "", [&](const ApiRequest&) {
         return Volumes(service);
       }});
  router.Add({"GET", "/files/ls", "A directory, with what a container changed in it.",
              FileParameters({{"offset", "leave out so many names"}}), "",
              [&](const ApiRequest& request) { return List(service, request); }});
  router.Add({"GET", "/files/stat", "Everything about one file, with its SHA-256.",
              FileParameters({}), "",
              [&](const ApiRequest& request) { return Stat(service, request); }});
  router.Add({"GET",
              "/files/whois",
              "What of Kubernetes or a runtime a path on the host belongs to.",
              {{"path", "a path on the host", true}},
              "",
              [&](const ApiRequest& request) { return Whois(service, request); }});
  AddFileByteRoutes(router, service);
}

}  // namespace ekshume::server
