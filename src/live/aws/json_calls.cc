// SPDX-License-Identifier: Apache-2.0
#include "live/aws/json_calls.h"

#include <fmt/format.h>

#include "live/wire/page_count.h"

namespace ekshume::live::aws {

Result<wire::Json> CallJson(const Client& client, const JsonService& service,
                            std::string_view action, const wire::Json& parameters,
                            ServiceError* failure) {
  Call call;
  call.service = service.host;
  call.permission = fmt::format("{}:{}", service.host, action);
  call.headers = {{"content-type", std::string(service.content_type)},
                  {"x-amz-target", fmt::format("{}.{}", service.target_prefix, action)}};
  call.body = wire::DumpJson(parameters);
  const http::Answer answer = EKSHUME_TRY(client.Send(call, failure));
  if (answer.body.empty()) return wire::Json(wire::Json::object());
  return wire::ParseJson(answer.body, call.permission);
}

Result<void> CallJsonPages(const Client& client, const JsonService& service,
                           std::string_view action, wire::Json parameters, const char* token,
                           const char* token_parameter,
                           const std::function<Result<void>(const wire::Json&)>& take,
                           ServiceError* failure) {
  std::string before;
  for (wire::PageCount pages(fmt::format("{}:{}", service.host, action));;) {
    EKSHUME_TRY(pages.Another());
    const wire::Json answer = EKSHUME_TRY(CallJson(client, service, action, parameters, failure));
    EKSHUME_TRY(take(answer));
    std::string next = wire::TextOf(answer, token);
    if (next.empty() || next == before) return {};
    parameters[token_parameter] = next;
    before = std::move(next);
  }
}

Result<wire::Json> CallGuardDuty(const Client& client, std::string_view action, std::string path,
                                 Parameters query, const wire::Json& body, ServiceError* failure) {
  Call call;
  call.service = "guardduty";
  call.permission = fmt::format("guardduty:{}", action);
  call.method = body.is_null() ? "GET" : "POST";
  call.path = std::move(path);
  call.query = std::move(query);
  if (!body.is_null()) {
    call.headers = {{"content-type", "application/json"}};
    call.body = wire::DumpJson(body);
  }
  const http::Answer answer = EKSHUME_TRY(client.Send(call, failure));
  return wire::ParseJson(answer.body, call.permission);
}

}  // namespace ekshume::live::aws
