// SPDX-License-Identifier: Apache-2.0
#include "live/aws/sts.h"

#include <fmt/format.h>

#include "base/ascii.h"
#include "live/aws/xml.h"

namespace ekshume::live::aws {
namespace {

constexpr std::string_view kVersion = "2011-06-15";
constexpr size_t kMaxSessionName = 64;

Call StsCall(std::string_view action, Parameters parameters) {
  parameters.insert(parameters.begin(),
                    {{"Action", std::string(action)}, {"Version", std::string(kVersion)}});
  Call call;
  call.service = "sts";
  call.permission = fmt::format("sts:{}", action);
  call.headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}};
  call.body = EncodeQuery(parameters);
  return call;
}

bool IsAllowedInSessionName(char c) {
  return IsDigit(c) || (AsciiLower(c) >= 'a' && AsciiLower(c) <= 'z') ||
         std::string_view("_+=,.@-").contains(c);
}

}  // namespace

Result<Credentials> AssumeRole(const Client& client, const AssumeRoleRequest& request) {
  const bool web = !request.web_identity_token.empty();
  const std::string action = web ? "AssumeRoleWithWebIdentity" : "AssumeRole";
  Parameters parameters = {{"RoleArn", request.role_arn},
                           {"RoleSessionName", request.session_name}};
  if (!request.external_id.empty()) parameters.emplace_back("ExternalId", request.external_id);
  if (request.duration_seconds > 0) {
    parameters.emplace_back("DurationSeconds", fmt::format("{}", request.duration_seconds));
  }
  if (web) parameters.emplace_back("WebIdentityToken", request.web_identity_token);
  Call call = StsCall(action, std::move(parameters));
  call.is_signed = !web;
  const http::Answer answer = EKSHUME_TRY(client.Send(call));
  const XmlAnswer xml = EKSHUME_TRY(XmlAnswer::Parse(answer.body, call.permission));
  const pugi::xml_node node = xml.root().child((action + "Result").c_str()).child("Credentials");
  Credentials out;
  out.access_key_id = TextOf(node, "AccessKeyId");
  out.secret_access_key = TextOf(node, "SecretAccessKey");
  out.session_token = TextOf(node, "SessionToken");
  out.expires = ParseTimestamp(TextOf(node, "Expiration"));
  out.source = fmt::format("role {}", request.role_arn);
  if (out.access_key_id.empty() || out.secret_access_key.empty()) {
    return Fail(ErrorCode::kCorrupt, fmt::format("{} answered no credentials", call.permission));
  }
  return out;
}

Result<CallerIdentity> GetCallerIdentity(const Client& client) {
  const Call call = StsCall("GetCallerIdentity", {});
  const http::Answer answer = EKSHUME_TRY(client.Send(call));
  const XmlAnswer xml = EKSHUME_TRY(XmlAnswer::Parse(answer.body, call.permission));
  const pugi::xml_node node = xml.root().child("GetCallerIdentityResult");
  return CallerIdentity{TextOf(node, "Arn"), TextOf(node, "Account"), TextOf(node, "UserId")};
}

std::string SessionName(std::string_view case_name, std::string_view operator_name) {
  std::string name = fmt::format("ekshume{}{}{}{}", case_name.empty() ? "" : "-", case_name,
                                 operator_name.empty() ? "" : "-", operator_name);
  for (char& c : name) {
    if (!IsAllowedInSessionName(c)) c = '-';
  }
  if (name.size() > kMaxSessionName) name.resize(kMaxSessionName);
  return name;
}

}  // namespace ekshume::live::aws
