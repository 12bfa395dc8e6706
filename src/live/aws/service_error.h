// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "live/http/transport.h"

// What a service says when it does not do what it was asked.
namespace ekshume::live::aws {

enum class FailureKind {
  kThrottled,  // too fast: wait and ask again
  kServer,     // 5xx: ask again
  kExpired,    // the credentials are too old: get new ones
  kClock,      // our clock is too far from the service's
  kDenied,     // a permission is missing
  kNotFound,
  kOther,
};

struct ServiceError {
  int status = 0;
  std::string code;     // "UnauthorizedOperation", "NoSuchKey"
  std::string message;  // the service's own words, at most some hundred bytes
  FailureKind kind = FailureKind::kOther;
  // For kDenied: the IAM action that is missing. What the service names ("not authorized to
  // perform: kms:Decrypt"), else the action of the call.
  std::string missing_permission;
  std::string region;  // where S3 says that the bucket is, or ""
};

// Reads the error out of an answer in any of AWS's protocols (JSON's __type or x-amzn-errortype,
// the XML of EC2, STS and S3). `permission` is the IAM action of the call.
ServiceError ReadServiceError(const http::Answer& answer, std::string_view permission);

// One sentence for people: "the permission ebs:GetSnapshotBlock is missing: ...".
std::string Sentence(const ServiceError& error, std::string_view call);

}  // namespace ekshume::live::aws
