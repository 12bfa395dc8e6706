// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/api.h"
#include "server/case_service.h"
#include "server/evidence_folders.h"
#include "server/guard.h"
#include "server/job_desk.h"
#include "server/users.h"

// What each route answers. One file for each kind.
namespace ekshume::server {

// The case as a whole: report, custody.
void AddCaseRoutes(Router& router, CaseService& service);
// Further links; `guard` makes them.
void AddLinkRoute(Router& router, CaseService& service, Guard& guard);
// `desk` (null: there are only links) must outlive the router.
void AddLoginRoutes(Router& router, CaseService& service, Guard& guard, LoginDesk* desk);
void AddEventRoutes(Router& router, CaseService& service);
void AddExportRoute(Router& router, CaseService& service);
// Pods, containers, images and processes, as report.json lists them.
void AddObjectRoutes(Router& router, CaseService& service);
// AddFileRoutes adds those of the bytes as well.
void AddFileRoutes(Router& router, CaseService& service);
void AddFileByteRoutes(Router& router, CaseService& service);
void AddAnnotationRoutes(Router& router, CaseService& service);
void AddReportRoutes(Router& router, CaseService& service);
// The response: plans, and with `access` what is done with them. All must outlive the router.
struct ResponseAccess {
  bool is_on = false;
  std::vector<std::string> arguments;  // options of `ekshume respond`: which cluster, as whom
};
void AddResponseRoutes(Router& router, CaseService& service, JobDesk& desk,
                       const ResponseAccess& access);
// Adding evidence from the page. `desk` and `folders` must outlive the router.
void AddIngestRoutes(Router& router, CaseService& service, JobDesk& desk,
                     const EvidenceFolders& folders);

// The condition that the parameters of a request mean: query, from, to, mark. In SQL, to stand in
// parentheses.
Result<std::string> ConditionOf(const ApiRequest& request, event::Store& store,
                                CaseService& service);
inline constexpr std::string_view kQueryAbout =
    "the search language of docs/search.md; empty: all events";
// The parameters of a selection of events, and then `more`.
std::vector<Parameter> SelectionParameters(std::vector<Parameter> more);
// The columns that a request names, between commas; `otherwise` without any. kInvalidArgument.
Result<std::vector<std::string>> ColumnsOf(const ApiRequest& request, std::string_view otherwise);

}  // namespace ekshume::server
