// SPDX-License-Identifier: Apache-2.0
#include "live/aws/json_calls.h"

#include <fmt/format.h>

#include "live/aws/page_count.h"

namespace ekshume::live::aws {

Result<Json> CallJson(const Client& client, const JsonService& service, std::string_view action,
                      const Json& parameters, ServiceError* failure) {
  Call call;
  call.service = service.host;
  call.permission = fmt::format("{}:{}", service.host, action);
  call.headers = {{"content-type", std::string(service.content_type)},
                  {"x-amz-target", fmt::format("{}.{}", service.target_prefix, action)}};
  call.body = DumpJson(parameters);
  const http::Answer answer = EKSHUME_TRY(client.Send(call, failure));
  if (answer.body.empty()) return Json(Json::object());
  return ParseJson(answer.body, call.permission);
}

Result<void> CallJsonPages(const Client& client, const JsonService& service,
                           std::string_view action, Json parameters, const char* token,
                           const char* token_parameter,
                           const std::function<Result<void>(const Json&)>& take,
                           ServiceError* failure) {
  std::string before;
  for (PageCount pages(fmt::format("{}:{}", service.host, action));;) {
    EKSHUME_TRY(pages.Another());
    const Json answer = EKSHUME_TRY(CallJson(client, service, action, parameters, failure));
    EKSHUME_TRY(take(answer));
    std::string next = TextOf(answer, token);
    if (next.empty() || next == before) return {};
    parameters[token_parameter] = next;
    before = std::move(next);
  }
}

Result<Json> CallGuardDuty(const Client& client, std::string_view action, std::string path,
                           Parameters query, const Json& body, ServiceError* failure) {
  Call call;
  call.service = "guardduty";
  call.permission = fmt::format("guardduty:{}", action);
  call.method = body.is_null() ? "GET" : "POST";
  call.path = std::move(path);
  call.query = std::move(query);
  if (!body.is_null()) {
    call.headers = {{"content-type", "application/json"}};
    call.body = DumpJson(body);
  }
  const http::Answer answer = EKSHUME_TRY(client.Send(call, failure));
  return ParseJson(answer.body, call.permission);
}

}  // namespace ekshume::live::aws
