// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ekshume::live::aws {

// Where services are asked. Empty: at AWS.
struct EndpointOptions {
  std::string url;  // --endpoint-url or AWS_ENDPOINT_URL: all services
  std::map<std::string, std::string> by_service;  // AWS_ENDPOINT_URL_EBS and so on, by host prefix
};

struct Endpoint {
  std::string scheme;  // "https"
  std::string host;    // with the port when it is not the scheme's own
  std::string path;    // before that of the call, "" or "/x"
  bool custom = false;
};

// The endpoint of a service, "ec2" in "eu-central-1" for example. kInvalidArgument for a URL that
// is none.
Result<Endpoint> ResolveEndpoint(const EndpointOptions& options, std::string_view service,
                                 std::string_view region);

// "amazonaws.com", or what stands in its place in the partition of this region.
std::string_view DomainOf(std::string_view region);
// "aws", "aws-cn", "aws-us-gov".
std::string_view PartitionOf(std::string_view region);
// The region of the partition's one IAM: "us-east-1".
std::string HomeOfIam(std::string_view region);
// Letters, digits and dashes: a region becomes part of a host's name.
bool IsRegion(std::string_view text);

}  // namespace ekshume::live::aws
