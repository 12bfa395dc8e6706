// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "live/aws/client.h"
#include "live/wire/json.h"

// Services that take and give JSON: CloudWatch Logs, CloudTrail, SSM, ECS, SQS (one URL, the action
// in a header) and GuardDuty (REST).
namespace ekshume::live::aws {

// How a service of the "AWS JSON" protocol is spoken to.
struct JsonService {
  std::string_view host;           // "logs"
  std::string_view target_prefix;  // "Logs_20140328"
  std::string_view content_type;   // "application/x-amz-json-1.1"
};
inline constexpr JsonService kLogs = {"logs", "Logs_20140328", "application/x-amz-json-1.1"};
inline constexpr JsonService kCloudTrail = {
    "cloudtrail", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
    "application/x-amz-json-1.1"};
inline constexpr JsonService kSsm = {"ssm", "AmazonSSM", "application/x-amz-json-1.1"};
inline constexpr JsonService kEcs = {"ecs", "AmazonEC2ContainerServiceV20141113",
                                     "application/x-amz-json-1.1"};
inline constexpr JsonService kSqs = {"sqs", "AmazonSQS", "application/x-amz-json-1.0"};

// Calls `action` with `parameters`; the answer's object.
Result<wire::Json> CallJson(const Client& client, const JsonService& service,
                            std::string_view action, const wire::Json& parameters,
                            ServiceError* failure = nullptr);

// The same page after page: `take` gets each answer, whose member `token` goes into the next call
// as `token_parameter`. Ends when there is none or it stays the same; kLimit after
// limits::kMaxAnswerPages.
Result<void> CallJsonPages(const Client& client, const JsonService& service,
                           std::string_view action, wire::Json parameters, const char* token,
                           const char* token_parameter,
                           const std::function<Result<void>(const wire::Json&)>& take,
                           ServiceError* failure = nullptr);

// A REST call of GuardDuty: `body` null for GET.
Result<wire::Json> CallGuardDuty(const Client& client, std::string_view action, std::string path,
                                 Parameters query, const wire::Json& body,
                                 ServiceError* failure = nullptr);

}  // namespace ekshume::live::aws
