// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "live/aws/sts.h"
#include "live/respond/plan.h"

// What a step in AWS would take away from whoever carries it out.
namespace ekshume::live::respond {

// The setting of a step that must be "true" for it to be done although it locks us out.
inline constexpr const char* kEvenOurselves = "even_ourselves";

// Whether the change would lock `caller` out: denies the role or the user we act as, unless by a
// condition that does not meet our session; takes its access entry or key; cuts the instance that
// we run on; or leaves nobody a way to a cluster's public endpoint. "" when it does not, a sentence
// when it does. `caller` without an ARN is not known: only the endpoint is looked at. Which address
// of ours a cluster sees is not known either. Pure.
std::string LockoutOf(const AwsChange& change, const aws::CallerIdentity& caller);

// Whether the principal we act as is this role ("role") or this user ("user"), by name or ARN.
bool IsCaller(const aws::CallerIdentity& caller, std::string_view kind, std::string_view name);

// Whether an IPv4 range ("192.0.2.0/24") has addresses of the Internet; false for private ones and
// for what is no range.
bool IsPublicRange(std::string_view range);

}  // namespace ekshume::live::respond
