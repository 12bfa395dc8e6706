// SPDX-License-Identifier: Apache-2.0
#include "live/aws/endpoint.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"

namespace ekshume::live::aws {

bool IsRegion(std::string_view text) {
  return !text.empty() && text.size() < 64 &&
         std::ranges::all_of(
             text, [](char c) { return IsDigit(c) || (c >= 'a' && c <= 'z') || c == '-'; });
}

std::string_view PartitionOf(std::string_view region) {
  if (region.starts_with("cn-")) return "aws-cn";
  if (region.starts_with("us-gov-")) return "aws-us-gov";
  return "aws";
}

std::string_view DomainOf(std::string_view region) {
  return region.starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

std::string HomeOfIam(std::string_view region) {
  if (region.starts_with("cn-")) return "cn-north-1";
  return region.starts_with("us-gov-") ? "us-gov-west-1" : "us-east-1";
}

Result<Endpoint> ResolveEndpoint(const EndpointOptions& options, std::string_view service,
                                 std::string_view region) {
  const auto own = options.by_service.find(std::string(service));
  const std::string& url = own != options.by_service.end() ? own->second : options.url;
  if (url.empty()) {
    if (!IsRegion(region)) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("\"{}\" is no AWS region", region));
    }
    if (service == "iam") {
      const std::string_view home = region.starts_with("cn-")       ? "iam.cn-north-1"
                                    : region.starts_with("us-gov-") ? "iam.us-gov"
                                                                    : "iam";
      return Endpoint{"https", fmt::format("{}.{}", home, DomainOf(region)), "", false};
    }
    return Endpoint{"https", fmt::format("{}.{}.{}", service, region, DomainOf(region)), "", false};
  }
  const size_t colon = url.find("://");
  const std::string scheme = url.substr(0, colon == std::string::npos ? 0 : colon);
  if (scheme != "https" && scheme != "http") {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no endpoint: https://HOST or http://HOST is", url));
  }
  const std::string rest = url.substr(colon + 3);
  const size_t slash = rest.find('/');
  std::string host = rest.substr(0, slash);
  std::string path = slash == std::string::npos ? "" : rest.substr(slash);
  while (path.ends_with('/')) path.pop_back();
  const std::string_view usual = scheme == "https" ? ":443" : ":80";
  if (host.ends_with(usual)) host.resize(host.size() - usual.size());
  if (host.empty() || host.find_first_of("@?# \r\n") != std::string::npos) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{} names no host", url));
  }
  return Endpoint{scheme, host, path, true};
}

}  // namespace ekshume::live::aws
