// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "live/aws/client.h"
#include "live/wire/json.h"

// Any operation of the services that containment needs, each in its service's protocol: EC2's and
// the older services' forms with XML answers, ECR's JSON, EKS's REST. Parameters have the names
// that go over the wire; answers of all of them are JSON.
namespace ekshume::live::aws {

using wire::Json;

struct ServiceCall {
  std::string service;    // IAM's prefix: "ec2", "iam", "autoscaling", "elasticloadbalancing", ...
  std::string operation;  // "ModifyInstanceAttribute"
  Json parameters = Json::object();  // {"InstanceId": "i-1", "BlockDeviceMapping": [{...}]}
  bool changes = false;  // true: never made a second time without an answer to the first
};

// The IAM action: "ec2:ModifyInstanceAttribute".
std::string PermissionOf(const ServiceCall& call);
// Whether CallService can be asked only to check the permission (EC2's DryRun).
bool HasDryRun(const ServiceCall& call);

// Makes a call. `region` "" is the client's; IAM has one for all. XML answers become JSON: elements
// are members, `item` and `member` elements those of arrays, texts strings; without the wrapper of
// the operation's result. kInvalidArgument for an operation of EKS that is not known here; the
// errors of Client::Send.
Result<Json> CallService(const Client& client, const ServiceCall& call, const std::string& region,
                         ServiceError* failure = nullptr);
// Whether EC2 would do it: nothing is changed. kUnsupported with the missing permission.
Result<void> DryRunService(const Client& client, const ServiceCall& call,
                           const std::string& region);

// An XML answer as JSON. kLimit beyond kMaxXmlDepth.
inline constexpr int kMaxXmlDepth = 32;
Result<Json> JsonOfXml(std::string_view text, std::string_view what);

// Form parameters of nested JSON: {"A": [{"B": 1}]} is A.1.B=1, or A.member.1.B=1 with `member`.
Parameters FlattenParameters(const Json& parameters, bool member);

}  // namespace ekshume::live::aws
