// SPDX-License-Identifier: Apache-2.0
#include "server/routes.h"

namespace ekshume::server {
namespace {

Result<ApiReply> Annotate(CaseService& service, const ApiRequest& request) {
  if (!request.body.is_object()) return Fail(ErrorCode::kInvalidArgument, "the body is an object");
  casefile::Annotations::Change change;
  change.analyst = request.analyst;
  const Json kind = request.body.value("kind", Json());
  const Json targets = request.body.value("targets", Json());
  if (!kind.is_string() || !targets.is_array()) {
    return Fail(ErrorCode::kInvalidArgument, "a change has a kind, targets and a value");
  }
  change.kind = kind.get<std::string>();
  for (const Json& target : targets) {
    if (!target.is_string()) return Fail(ErrorCode::kInvalidArgument, "targets are texts");
    change.targets.push_back(target.get<std::string>());
  }
  change.value = request.body.value("value", Json());
  const Json kept = EKSHUME_TRY(service.annotations().Apply(change));
  service.changes().Send(casefile::Dump(kept));
  return ApiReply::Of(kept);
}

}  // namespace

void AddAnnotationRoutes(Router& router, CaseService& service) {
  router.Add({"GET",
              "/annotations",
              "Stars, tags, colours, comments, states of findings, searches, notes.",
              {},
              "",
              [&](const ApiRequest&) { return ApiReply::Of(service.annotations().State()); }});
  router.Add(
      {"POST",
       "/annotations",
       "Changes what is noted. The custody ledger records it.",
       {},
       "kind (star, tag, untag, colour, comment, finding, search, notes), targets (event:ID, "
       "finding:ID, file:PLACE:PATH, search:NAME, report), value",
       [&](const ApiRequest& request) { return Annotate(service, request); }});
  router.Add({"GET",
              "/changes",
              "Server-sent events: each change of an annotation as it is made, how far a job is.",
              {},
              "",
              [](const ApiRequest&) {
                ApiReply reply;
                reply.is_feed = true;
                return reply;
              }});
}

}  // namespace ekshume::server
