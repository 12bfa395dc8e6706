// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "server/limits.h"
#include "server/routes.h"

namespace ekshume::server {
namespace {

constexpr std::string_view kOff =
    "adding evidence from the page is off: start `ekshume serve` with --evidence FOLDER";

Json StateOf(const JobDesk& desk, const EvidenceFolders& folders, const ApiRequest& request) {
  Json json = desk.State();
  json["is_on"] = !folders.empty();
  json["off_because"] = folders.empty() ? Json(kOff) : Json(nullptr);
  // Where evidence lies is told to whoever may choose some.
  json["folders"] = request.role < Role::kAnalyst ? Json::array() : Json(folders.folders());
  return json;
}

Result<ApiReply> Start(JobDesk& desk, const EvidenceFolders& folders, CaseService& service,
                       const ApiRequest& request) {
  if (folders.empty()) return ApiReply::Refusal(403, "off", kOff);
  const Json evidence = request.body.is_object() ? request.body.value("evidence", Json()) : Json();
  if (!evidence.is_array() || evidence.empty() || evidence.size() > limits::kMostJobEvidence) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("evidence: 1 to {} paths", limits::kMostJobEvidence));
  }
  std::vector<std::string> paths;
  for (const Json& path : evidence) {
    if (!path.is_string()) return Fail(ErrorCode::kInvalidArgument, "evidence: texts");
    std::string found = EKSHUME_TRY(folders.Check(path.get<std::string>()));
    if (std::ranges::find(paths, found) == paths.end()) paths.push_back(std::move(found));
  }
  JobDesk::Task task;
  task.action = "ingest";
  task.analyst = request.analyst;
  task.about = {{"evidence", paths}};
  std::error_code error;
  // Absolute paths begin with a slash: none of them is an option.
  task.request.arguments = {
      "investigate", "--progress-fd=3", "--operator=" + request.analyst,
      "--case=" + std::filesystem::absolute(service.opened().directory(), error).string()};
  task.request.arguments.insert(task.request.arguments.end(), paths.begin(), paths.end());
  task.request.patience = limits::kStoppingTime;
  if (EKSHUME_TRY(desk.Start(std::move(task))) == JobDesk::Started::kBusy) {
    return ApiReply::Refusal(409, "running", "evidence is being added already: one at a time");
  }
  return ApiReply::Of(StateOf(desk, folders, request));
}

}  // namespace

void AddIngestRoutes(Router& router, CaseService& service, JobDesk& desk,
                     const EvidenceFolders& folders) {
  router.Add(
      {"GET",
       "/ingest",
       "Whether evidence is being added, how far that is, and how the last time ended.",
       {},
       "",
       [&](const ApiRequest& request) { return ApiReply::Of(StateOf(desk, folders, request)); }});
  router.Add({"GET",
              "/ingest/evidence",
              "What is in a folder that evidence may be chosen from.",
              {{"path", "the folder, absolute", true}},
              "",
              [&](const ApiRequest& request) -> Result<ApiReply> {
                if (folders.empty()) return ApiReply::Refusal(403, "off", kOff);
                return ApiReply::Of(EKSHUME_TRY(folders.List(request.Value("path"))));
              },
              Role::kAnalyst});
  router.Add({"POST",
              "/ingest",
              "Adds evidence to the case, as `ekshume investigate` does. Events cannot be asked "
              "until it ended; /changes tells that.",
              {},
              "evidence: absolute paths below the folders of /ingest",
              [&](const ApiRequest& request) { return Start(desk, folders, service, request); }});
  router.Add({"POST",
              "/ingest/cancel",
              "Stops adding evidence. What was read whole stays.",
              {},
              "nothing",
              [&](const ApiRequest& request) -> Result<ApiReply> {
                if (!EKSHUME_TRY(desk.Stop(request.analyst))) {
                  return ApiReply::Refusal(409, "idle", "no evidence is being added");
                }
                return ApiReply::Of(StateOf(desk, folders, request));
              }});
}

}  // namespace ekshume::server
