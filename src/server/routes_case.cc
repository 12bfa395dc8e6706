// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "casefile/atomic_file.h"
#include "server/routes.h"

namespace ekshume::server {
namespace {

// report.json without what has routes of its own.
ApiReply CaseOf(CaseService& service, const ApiRequest& request) {
  casefile::Case& opened = service.opened();
  const auto report = service.report();
  Json json = {{"id", opened.id()},
               {"path", opened.directory()},
               {"created", FormatTimestamp(opened.created())},
               {"evidence_paths", service.evidence_paths()},
               {"analyst", request.analyst},
               {"role", NameOf(request.role)},
               {"has_report", !report->empty()}};
  for (const auto& [key, value] : report->items()) {
    if (key == "findings" || key == "containers" || key == "pods" || key == "images" ||
        key == "live" || key == "host") {
      if (value.is_array()) json[key + "_count"] = value.size();
      continue;
    }
    json[key] = value;
  }
  return ApiReply::Of(json);
}

Result<ApiReply> Findings(CaseService& service) {
  const auto report = service.report();
  const auto found = report->find("findings");
  return ApiReply::Of({{"findings", found == report->end() ? Json::array() : *found}});
}

Result<ApiReply> Custody(CaseService& service) {
  Json records = Json::array();
  for (const std::string& record : EKSHUME_TRY(service.opened().CustodyRecords())) {
    Json json = Json::parse(record, nullptr, false);
    if (json.is_object()) records.push_back(std::move(json));
  }
  return ApiReply::Of({{"records", records}});
}

ApiReply Verify(CaseService& service) {
  const Result<size_t> count = service.opened().VerifyCustody();
  if (!count) return ApiReply::Of({{"unbroken", false}, {"problem", count.error().message}});
  return ApiReply::Of({{"unbroken", true}, {"records", *count}});
}

}  // namespace

void AddCaseRoutes(Router& router, CaseService& service) {
  router.Add({"GET",
              "/case",
              "The case: verdict, incidents, coverage, evidence, diagnostics.",
              {},
              "",
              [&](const ApiRequest& request) { return CaseOf(service, request); }});
  router.Add({"GET",
              "/findings",
              "What rules and checks found, the worst first.",
              {},
              "",
              [&](const ApiRequest&) { return Findings(service); }});
  router.Add({"GET",
              "/custody",
              "The records of the custody ledger, oldest first.",
              {},
              "",
              [&](const ApiRequest&) { return Custody(service); }});
  router.Add({"GET",
              "/custody/verify",
              "Whether the chain of the custody ledger is unbroken.",
              {},
              "",
              [&](const ApiRequest&) { return Verify(service); }});
}

}  // namespace ekshume::server
