// SPDX-License-Identifier: Apache-2.0
#include "server/report_document.h"
#include "server/routes.h"

namespace ekshume::server {
namespace {

Result<ApiReply> Save(CaseService& service, const ApiRequest& request) {
  const std::string form = request.Value("form").empty() ? "html" : request.Value("form");
  const casefile::report::Document document = EKSHUME_TRY(MakeReport(service));
  std::string content;
  if (form == "html") content = ToHtml(document);
  if (form == "md") content = ToMarkdown(document);
  if (form == "pdf") content = ToPdf(document);
  if (form != "html" && form != "md" && form != "pdf") {
    return Fail(ErrorCode::kInvalidArgument, "form is html, md or pdf");
  }
  if (content.empty()) return Fail(ErrorCode::kIo, "the report could not be made");
  EKSHUME_TRY(service.Record("report", request.analyst, {{"form", form}}));
  return ApiReply::File("report." + form, std::move(content));
}

}  // namespace

void AddReportRoutes(Router& router, CaseService& service) {
  router.Add({"GET",
              "/report",
              "The report as it would be saved, as data.",
              {},
              "",
              [&](const ApiRequest&) -> Result<ApiReply> {
                return ApiReply::Of(ToJson(EKSHUME_TRY(MakeReport(service))));
              }});
  router.Add({"GET",
              "/report/file",
              "The report as a file. The custody ledger records it.",
              {{"form", "html (default), md or pdf"}},
              "",
              [&](const ApiRequest& request) { return Save(service, request); }});
}

}  // namespace ekshume::server
