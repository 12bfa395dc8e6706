// SPDX-License-Identifier: Apache-2.0
#include "live/aws/service_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "live/aws/endpoint.h"
#include "live/aws/xml.h"
#include "live/wire/json.h"

namespace ekshume::live::aws {
namespace {

constexpr size_t kMaxMessageBytes = 400;

template <size_t N>
bool IsOneOf(std::string_view code, const std::array<std::string_view, N>& codes) {
  return std::ranges::find(codes, code) != codes.end();
}

constexpr std::array<std::string_view, 14> kThrottling = {"Throttling",
                                                          "ThrottlingException",
                                                          "ThrottledException",
                                                          "RequestThrottled",
                                                          "RequestThrottledException",
                                                          "TooManyRequestsException",
                                                          "RequestLimitExceeded",
                                                          "BandwidthLimitExceeded",
                                                          "LimitExceededException",
                                                          "SlowDown",
                                                          "PriorRequestNotComplete",
                                                          "TransactionInProgressException",
                                                          "ProvisionedThroughputExceededException",
                                                          "EC2ThrottledException"};
// EC2 says RequestExpired also of a session that is over.
constexpr std::array<std::string_view, 6> kExpired = {
    "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired",
    "InvalidToken", "RequestExpired",        "UnrecognizedClientException"};
constexpr std::array<std::string_view, 2> kClock = {"RequestTimeTooSkewed", "RequestInTheFuture"};
constexpr std::array<std::string_view, 6> kDenied = {
    "AccessDenied",  "AccessDeniedException",       "UnauthorizedOperation",
    "NotAuthorized", "UnauthorizedAccessException", "Client.UnauthorizedOperation"};
// EC2's end with ".NotFound".
constexpr std::array<std::string_view, 8> kMissing = {"NoSuchKey",
                                                      "NoSuchBucket",
                                                      "ResourceNotFoundException",
                                                      "NoSuchEntity",
                                                      "TargetGroupNotFound",
                                                      "RepositoryNotFoundException",
                                                      "ImageNotFoundException",
                                                      "NotFoundException"};

// "com.amazon.coral.service#AccessDeniedException:http://..." is AccessDeniedException.
std::string BareCode(std::string_view text) {
  if (const size_t hash = text.rfind('#'); hash != std::string_view::npos) {
    text.remove_prefix(hash + 1);
  }
  return std::string(text.substr(0, text.find(':')));
}

void ReadXml(const http::Answer& answer, ServiceError& error) {
  const auto xml = XmlAnswer::Parse(answer.body, "a failed call");
  if (!xml) return;
  // <ErrorResponse><Error>, <Response><Errors><Error>, or S3's plain <Error>.
  pugi::xml_node node = xml->root();
  if (const pugi::xml_node errors = node.child("Errors")) node = errors;
  if (const pugi::xml_node inner = node.child("Error")) node = inner;
  error.code = TextOf(node, "Code");
  error.message = TextOf(node, "Message");
}

void ReadJson(const http::Answer& answer, ServiceError& error) {
  const auto json = wire::ParseJson(answer.body, "a failed call");
  if (!json) return;
  error.code = BareCode(wire::TextOf(*json, "__type"));
  if (error.code.empty()) error.code = BareCode(wire::TextOf(*json, "code"));
  error.message = wire::TextOf(*json, "message");
  if (error.message.empty()) error.message = wire::TextOf(*json, "Message");
}

FailureKind KindOf(const ServiceError& error) {
  if (IsOneOf(error.code, kThrottling) || error.status == 429) return FailureKind::kThrottled;
  if (IsOneOf(error.code, kExpired)) return FailureKind::kExpired;
  if (IsOneOf(error.code, kClock)) return FailureKind::kClock;
  // SigV4's own complaint about time: "Signature expired: ... is now earlier than", "not yet
  // current".
  if (error.message.contains("Signature expired") ||
      error.message.contains("Signature not yet current")) {
    return FailureKind::kClock;
  }
  if (IsOneOf(error.code, kDenied)) return FailureKind::kDenied;
  if (error.status >= 500) return FailureKind::kServer;
  if (IsOneOf(error.code, kMissing) || error.code.ends_with(".NotFound") || error.status == 404) {
    return FailureKind::kNotFound;
  }
  if (error.status == 403 && error.code.empty()) return FailureKind::kDenied;
  return FailureKind::kOther;
}

// The action in "User: X is not authorized to perform: kms:Decrypt on resource: Y".
std::string NamedAction(std::string_view message) {
  constexpr std::string_view kBefore = "not authorized to perform: ";
  const size_t at = message.find(kBefore);
  if (at == std::string_view::npos) return "";
  const std::string_view rest = message.substr(at + kBefore.size());
  const std::string_view action = rest.substr(0, rest.find_first_of(" \t\r\n,"));
  return action.contains(':') && action.size() < 100 ? std::string(action) : "";
}

}  // namespace

ServiceError ReadServiceError(const http::Answer& answer, std::string_view permission) {
  ServiceError error;
  error.status = answer.status;
  if (answer.body.find_first_not_of(" \t\r\n") != std::string::npos) {
    const char first = answer.body[answer.body.find_first_not_of(" \t\r\n")];
    if (first == '<') ReadXml(answer, error);
    if (first == '{') ReadJson(answer, error);
  }
  if (const std::string_view header = answer.Header("x-amzn-errortype"); !header.empty()) {
    error.code = BareCode(header);
  }
  if (const std::string_view region = answer.Header("x-amz-bucket-region"); IsRegion(region)) {
    error.region = region;
  }
  error.kind = KindOf(error);
  if (error.kind == FailureKind::kDenied) {
    error.missing_permission = NamedAction(error.message);
    if (error.missing_permission.empty()) error.missing_permission = permission;
  }
  if (error.message.size() > kMaxMessageBytes) {
    error.message.resize(kMaxMessageBytes);
    error.message += "...";
  }
  return error;
}

std::string Sentence(const ServiceError& error, std::string_view call) {
  const std::string said = error.code.empty()
                               ? fmt::format("HTTP status {}", error.status)
                               : fmt::format("{} (HTTP {}){}{}", error.code, error.status,
                                             error.message.empty() ? "" : ": ", error.message);
  switch (error.kind) {
    case FailureKind::kDenied:
      return fmt::format("the permission {} is missing: {} was answered by {}",
                         error.missing_permission, call, said);
    case FailureKind::kExpired:
      return fmt::format("the credentials have expired or are not known: {} was answered by {}",
                         call, said);
    case FailureKind::kClock:
      return fmt::format("the clock of this machine is wrong: {} was answered by {}", call, said);
    default: return fmt::format("{} was answered by {}", call, said);
  }
}

}  // namespace ekshume::live::aws
