// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/hex.h"
#include "live/cloud_state/resource.h"

// IAM: inline policies, trust policies, keys and passwords.
namespace ekshume::live::cloud_state {
namespace {

using wire::ArrayOf;
using wire::ObjectOf;
using wire::TextOf;

std::string ArnOf(std::string_view kind, const std::string& name, std::string_view region,
                  std::string_view account) {
  return fmt::format("arn:{}:iam::{}:{}/{}", aws::PartitionOf(region), account, kind, name);
}
std::string ArnOfRole(const Json& parameters, std::string_view region, std::string_view account) {
  return ArnOf("role", TextOf(parameters, "RoleName"), region, account);
}
std::string ArnOfUser(const Json& parameters, std::string_view region, std::string_view account) {
  return ArnOf("user", TextOf(parameters, "UserName"), region, account);
}

// Documents are percent-encoded in answers.
Result<Json> DocumentOf(const Json& answer, const char* member, const char* what) {
  const std::string text = TextOf(answer, member);
  const Json document =
      EKSHUME_TRY(wire::ParseJson(text.starts_with('{') ? text : DecodeForm(text), what));
  return Json{{"document", document}};
}

// --- inline policies ----------------------------------------------------------------------------

Result<Json> ReadPolicy(const Asker& asker, const Json& parameters, const char* owner,
                        const char* operation) {
  const Json answer = EKSHUME_TRY(NullWhenMissing(asker.Ask(
      "iam", operation,
      {{owner, TextOf(parameters, owner)}, {"PolicyName", TextOf(parameters, "PolicyName")}})));
  if (answer.is_null()) return Json();
  return DocumentOf(answer, "PolicyDocument", operation);
}
Result<Json> ReadRolePolicy(const Asker& asker, const Json& parameters) {
  return ReadPolicy(asker, parameters, "RoleName", "GetRolePolicy");
}
Result<Json> ReadUserPolicy(const Asker& asker, const Json& parameters) {
  return ReadPolicy(asker, parameters, "UserName", "GetUserPolicy");
}

std::vector<ServiceCall> ChangePolicy(const Json& parameters, const Json& to, const char* owner,
                                      const char* put, const char* remove) {
  Json request = {{owner, TextOf(parameters, owner)},
                  {"PolicyName", TextOf(parameters, "PolicyName")}};
  if (to.is_null()) return {Changing("iam", remove, std::move(request))};
  request["PolicyDocument"] = wire::DumpJson(ObjectOf(to, "document"));
  return {Changing("iam", put, std::move(request))};
}
std::vector<ServiceCall> ChangeRolePolicy(const Json& parameters, const Json&, const Json& to) {
  return ChangePolicy(parameters, to, "RoleName", "PutRolePolicy", "DeleteRolePolicy");
}
std::vector<ServiceCall> ChangeUserPolicy(const Json& parameters, const Json&, const Json& to) {
  return ChangePolicy(parameters, to, "UserName", "PutUserPolicy", "DeleteUserPolicy");
}

// --- who may assume a role ----------------------------------------------------------------------

Result<Json> ReadTrust(const Asker& asker, const Json& parameters) {
  const Json answer =
      EKSHUME_TRY(asker.Ask("iam", "GetRole", {{"RoleName", TextOf(parameters, "RoleName")}}));
  return DocumentOf(ObjectOf(answer, "Role"), "AssumeRolePolicyDocument", "GetRole");
}

std::vector<ServiceCall> ChangeTrust(const Json& parameters, const Json&, const Json& to) {
  return {Changing("iam", "UpdateAssumeRolePolicy",
                   {{"RoleName", TextOf(parameters, "RoleName")},
                    {"PolicyDocument", wire::DumpJson(ObjectOf(to, "document"))}})};
}

// --- keys and passwords of users ----------------------------------------------------------------

Result<Json> ReadKey(const Asker& asker, const Json& parameters) {
  const Json keys = EKSHUME_TRY(asker.AskAll("iam", "ListAccessKeys",
                                             {{"UserName", TextOf(parameters, "UserName")}},
                                             "AccessKeyMetadata", "Marker", "Marker"));
  const std::string id = TextOf(parameters, "AccessKeyId");
  const Json& key = Among(keys, "AccessKeyId", id);
  if (key.is_null()) return Fail(ErrorCode::kNotFound, fmt::format("there is no key {}", id));
  return Json{{"status", TextOf(key, "Status")}};
}

std::vector<ServiceCall> ChangeKey(const Json& parameters, const Json&, const Json& to) {
  return {Changing("iam", "UpdateAccessKey",
                   {{"UserName", TextOf(parameters, "UserName")},
                    {"AccessKeyId", TextOf(parameters, "AccessKeyId")},
                    {"Status", TextOf(to, "status")}})};
}

Result<Json> ReadLogin(const Asker& asker, const Json& parameters) {
  const Json answer = EKSHUME_TRY(NullWhenMissing(
      asker.Ask("iam", "GetLoginProfile", {{"UserName", TextOf(parameters, "UserName")}})));
  if (answer.is_null()) return Json();
  return Json{{"created", TextOf(ObjectOf(answer, "LoginProfile"), "CreateDate")}};
}

std::vector<ServiceCall> ChangeLogin(const Json& parameters, const Json&, const Json& to) {
  if (!to.is_null()) return {};  // nobody knows the password
  return {Changing("iam", "DeleteLoginProfile", {{"UserName", TextOf(parameters, "UserName")}})};
}

}  // namespace

std::vector<Resource> IdentityResources() {
  return {
      {.name = "role-policy",
       .parameters = {"RoleName", "PolicyName"},
       .read_with = "iam:GetRolePolicy",
       .read = ReadRolePolicy,
       .change = ChangeRolePolicy,
       .arn = ArnOfRole},
      {.name = "user-policy",
       .parameters = {"UserName", "PolicyName"},
       .read_with = "iam:GetUserPolicy",
       .read = ReadUserPolicy,
       .change = ChangeUserPolicy,
       .arn = ArnOfUser},
      {.name = "role-trust",
       .parameters = {"RoleName"},
       .read_with = "iam:GetRole",
       .read = ReadTrust,
       .change = ChangeTrust,
       .arn = ArnOfRole},
      {.name = "access-key",
       .parameters = {"UserName", "AccessKeyId"},
       .read_with = "iam:ListAccessKeys",
       .read = ReadKey,
       .change = ChangeKey,
       .arn = ArnOfUser},
      {.name = "login-profile",
       .parameters = {"UserName"},
       .read_with = "iam:GetLoginProfile",
       .undo = Undo::kNever,
       .read = ReadLogin,
       .change = ChangeLogin,
       .arn = ArnOfUser},
  };
}

}  // namespace ekshume::live::cloud_state
