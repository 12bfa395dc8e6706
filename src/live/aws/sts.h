// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "live/aws/client.h"

// Security Token Service, API version 2011-06-15.
namespace ekshume::live::aws {

struct AssumeRoleRequest {
  std::string role_arn;
  std::string session_name;        // see SessionName()
  std::string external_id;         // "" for none
  int duration_seconds = 0;        // 0: the service's default, an hour
  std::string web_identity_token;  // not "": AssumeRoleWithWebIdentity, which is not signed
};

// Temporary credentials of a role; `source` of the result names the role.
Result<Credentials> AssumeRole(const Client& client, const AssumeRoleRequest& request);

struct CallerIdentity {
  std::string arn;
  std::string account;
  std::string user_id;
};
// Who we are; needs no permission.
Result<CallerIdentity> GetCallerIdentity(const Client& client);

// A role session's name that CloudTrail shows beside all we do: "ekshume-CASE-OPERATOR", with what
// STS does not allow in names replaced by '-' and cut to 64 characters.
std::string SessionName(std::string_view case_name, std::string_view operator_name);

}  // namespace ekshume::live::aws
