// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "base/hash.h"
#include "base/hex.h"
#include "base/text.h"
#include "casefile/file_hash.h"
#include "casefile/whois.h"
#include "fs/path.h"
#include "server/limits.h"
#include "server/routes.h"
#include "server/strings.h"

namespace ekshume::server {
namespace {

using View = FileViews::View;

// A file that was asked for: where it is, and its bytes' filesystem.
struct Asked {
  std::shared_ptr<const View> view;
  const fs::Filesystem* filesystem = nullptr;
  fs::NodeId node{};
  std::string path;
};

// Names are bytes: path_hex stands for what is not UTF-8.
Result<std::string> PathOf(const ApiRequest& request) {
  std::string path = request.Value("path");
  if (const std::string hex = request.Value("path_hex"); !hex.empty()) {
    const std::optional<std::string> bytes = FromHex(hex);
    if (!bytes) return Fail(ErrorCode::kInvalidArgument, "path_hex is no hexadecimal text");
    path = *bytes;
  }
  std::string clean;
  for (const std::string_view part : SplitNonEmpty(path, '/')) {
    clean.push_back('/');
    clean.append(part);
  }
  return clean.empty() ? "/" : clean;
}

// `version` old: what a container's image had before the container changed it.
Result<Asked> Find(CaseService& service, const ApiRequest& request, fs::FollowLast follow) {
  Asked asked;
  const std::string place = request.Value("of").empty() ? "host" : request.Value("of");
  asked.view = EKSHUME_TRY(service.files().Open(place));
  asked.path = EKSHUME_TRY(PathOf(request));
  asked.filesystem = asked.view->filesystem;
  if (request.Value("version") == "old") {
    asked.filesystem = asked.view->before.get();
    if (asked.filesystem == nullptr) {
      return Fail(ErrorCode::kNotFound, "there is nothing older: it is of no container's image");
    }
  }
  constexpr std::string_view kInode = "/inode:";
  if (asked.path.starts_with(kInode)) {
    const uint64_t inode = std::strtoull(asked.path.c_str() + kInode.size(), nullptr, 10);
    asked.node = fs::NodeId{inode};
    return asked;
  }
  asked.node = EKSHUME_TRY(fs::ResolvePath(*asked.filesystem, asked.path, follow));
  return asked;
}

void AddName(Json& json, const std::string& key, const std::string& bytes) {
  json[key] = bytes;
  if (!IsUtf8(bytes)) json[key + "_hex"] = ToHex(ByteView::Of(bytes));
}

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
  const Asked asked = EKSHUME_TRY(Find(service, request, fs::FollowLast::kYes));
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
  const Asked asked = EKSHUME_TRY(Find(service, request, fs::FollowLast::kNo));
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

// A file of evidence while it is sent.
class FileSource final : public ByteSource {
 public:
  FileSource(std::shared_ptr<const View> view, std::unique_ptr<fs::File> file)
      : view_(std::move(view)), file_(std::move(file)) {}
  uint64_t size_bytes() const override { return file_->size_bytes(); }
  std::string Read(uint64_t offset, size_t most) override {
    std::string piece(most, '\0');
    const auto count = file_->ReadAt(offset, AsWritableBytes(piece));
    piece.resize(count ? *count : 0);
    return piece;
  }

 private:
  const std::shared_ptr<const View> view_;
  const std::unique_ptr<fs::File> file_;
};

Result<std::string> ReadPart(const fs::File& file, uint64_t offset, uint64_t most) {
  std::string bytes(most, '\0');
  size_t filled = 0;
  while (filled < bytes.size()) {
    const size_t count = EKSHUME_TRY(file.ReadAt(
        offset + filled, AsWritableBytes(bytes.data() + filled, bytes.size() - filled)));
    if (count == 0) break;
    filled += count;
  }
  bytes.resize(filled);
  return bytes;
}

Result<ApiReply> Content(CaseService& service, const ApiRequest& request) {
  const Asked asked = EKSHUME_TRY(Find(service, request, fs::FollowLast::kYes));
  const auto file = EKSHUME_TRY(asked.filesystem->OpenFile(asked.node));
  const uint64_t offset = EKSHUME_TRY(request.Number("offset", 0, INT64_MAX));
  const uint64_t limit = EKSHUME_TRY(request.Number("limit", 65536, limits::kMostContentBytes));
  const std::string bytes = EKSHUME_TRY(ReadPart(*file, offset, limit));
  return ApiReply::Of({{"size", file->size_bytes()},
                       {"offset", offset},
                       {"base64", EncodeBase64(ByteView::Of(bytes))}});
}

Result<ApiReply> Strings(CaseService& service, const ApiRequest& request) {
  const Asked asked = EKSHUME_TRY(Find(service, request, fs::FollowLast::kYes));
  const auto file = EKSHUME_TRY(asked.filesystem->OpenFile(asked.node));
  const uint64_t offset = EKSHUME_TRY(request.Number("offset", 0, INT64_MAX));
  const uint64_t shortest = EKSHUME_TRY(request.Number("shortest", 6, 64));
  const std::string bytes = EKSHUME_TRY(ReadPart(*file, offset, limits::kMostStringsBytes));
  Json found = Json::array();
  for (const FoundString& text : FindStrings(bytes, std::max<uint64_t>(shortest, 3))) {
    if (found.size() >= limits::kMostStrings) break;
    found.push_back({{"offset", offset + text.offset},
                     {"encoding", text.is_wide ? "utf-16le" : "ascii"},
                     {"text", text.text}});
  }
  const uint64_t end = offset + bytes.size();
  return ApiReply::Of({{"size", file->size_bytes()},
                       {"read_to", end},
                       {"more", end < file->size_bytes() || found.size() >= limits::kMostStrings},
                       {"strings", found}});
}

Result<ApiReply> Download(CaseService& service, const ApiRequest& request) {
  const Asked asked = EKSHUME_TRY(Find(service, request, fs::FollowLast::kYes));
  auto file = EKSHUME_TRY(asked.filesystem->OpenFile(asked.node));
  const std::string place = request.Value("of").empty() ? "host" : request.Value("of");
  EKSHUME_TRY(service.Record("download", request.analyst,
                             {{"of", place}, {"path", asked.path}, {"size", file->size_bytes()}}));
  // Not the attacker's name: a dot for what it ends with would make it run on a double click.
  return ApiReply::File("evidence.bin", std::make_unique<FileSource>(asked.view, std::move(file)));
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

std::vector<Parameter> FileParameters(std::vector<Parameter> more) {
  std::vector<Parameter> parameters = {
      {"of", "host (default), host:PARTITION, container:ID or image:REFERENCE"},
      {"path", "a path in it"},
      {"path_hex", "instead of path: its bytes, for names that are no UTF-8"},
      {"version", "old: of a container, as its image had it"}};
  parameters.insert(parameters.end(), more.begin(), more.end());
  return parameters;
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
  router.Add(
      {"GET", "/files/content", "A part of a file, as base64 in JSON.",
       FileParameters({{"offset", "in bytes"}, {"limit", "in bytes (65536; 1 MiB at most)"}}), "",
       [&](const ApiRequest& request) { return Content(service, request); }});
  router.Add({"GET", "/files/strings", "Texts in a file.",
              FileParameters({{"offset", "in bytes"}, {"shortest", "in characters (6)"}}), "",
              [&](const ApiRequest& request) { return Strings(service, request); }});
  router.Add({"GET", "/files/download", "A whole file. The custody ledger records it.",
              FileParameters({}), "",
              [&](const ApiRequest& request) { return Download(service, request); }});
  router.Add({"GET",
              "/files/whois",
              "What of Kubernetes or a runtime a path on the host belongs to.",
              {{"path", "a path on the host", true}},
              "",
              [&](const ApiRequest& request) { return Whois(service, request); }});
}

}  // namespace ekshume::server
