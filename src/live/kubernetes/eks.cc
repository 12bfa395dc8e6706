// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/eks.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/base64.h"
#include "base/text.h"
#include "live/wire/json.h"

namespace ekshume::live::kubernetes {
namespace {

constexpr int kSignedSeconds = 60;
// EKS allows fifteen minutes, whatever the URL says; a minute is for clocks.
constexpr int64_t kTokenSeconds = 14 * 60;
constexpr const char* kPluginVersion = "client.authentication.k8s.io/v1beta1";

// Base64 of URLs without padding (RFC 4648, 5).
std::string EncodeBase64Url(std::string_view text) {
  std::string out = EncodeBase64(ByteView::Of(text));
  while (out.ends_with('=')) out.pop_back();
  std::ranges::replace(out, '+', '-');
  std::ranges::replace(out, '/', '_');
  return out;
}

bool IsClusterName(std::string_view name) {
  return !name.empty() && name.size() <= 100 && std::ranges::all_of(name, [](char c) {
    const char lower = AsciiLower(c);
    return IsDigit(c) || (lower >= 'a' && lower <= 'z') || c == '-' || c == '_';
  });
}

// Sets what an option of one of the two programs means; false for an option that is not known.
bool TakeOption(std::string_view option, const std::string& value, EksTokenRequest& request) {
  if (option == "--cluster-name" || option == "--cluster-id" || option == "-i") {
    request.cluster = value;
  } else if (option == "--region") {
    request.region = value;
  } else if (option == "--role-arn" || option == "--role" || option == "-r") {
    request.role_arn = value;
  } else if (option == "--profile") {
    request.profile = value;
  } else {
    return option == "--output" || option == "--client-id";
  }
  return true;
}

}  // namespace

std::string EksToken(const aws::Credentials& credentials, const aws::Endpoint& sts,
                     const std::string& region, const std::string& cluster, Timestamp now) {
  aws::SignedRequest request;
  request.method = "GET";
  request.host = sts.host;
  request.path = sts.path.empty() ? "/" : sts.path;
  request.query = {{"Action", "GetCallerIdentity"}, {"Version", "2011-06-15"}};
  request.headers = {{"x-k8s-aws-id", cluster}};
  const std::string url = aws::Presign(std::move(request), credentials, {region, "sts"}, now,
                                       kSignedSeconds, sts.scheme);
  return fmt::format("k8s-aws-v1.{}", EncodeBase64Url(url));
}

std::optional<EksTokenRequest> ReadEksPlugin(
    const std::vector<std::string>& arguments,
    const std::vector<std::pair<std::string, std::string>>& environment) {
  if (arguments.empty()) return std::nullopt;
  const std::string_view program =
      std::string_view(arguments[0]).substr(arguments[0].rfind('/') + 1);
  EksTokenRequest request;
  for (const auto& [name, value] : environment) {
    if (name == "AWS_PROFILE") request.profile = value;
    if (name == "AWS_REGION" || name == "AWS_DEFAULT_REGION") request.region = value;
    // Other settings of AWS are for the program alone.
    if (name.starts_with("AWS_") && name != "AWS_PROFILE" && name != "AWS_REGION" &&
        name != "AWS_DEFAULT_REGION" && name != "AWS_STS_REGIONAL_ENDPOINTS") {
      return std::nullopt;
    }
  }
  std::vector<std::string_view> words;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (!argument.starts_with('-')) {
      words.push_back(argument);
      continue;
    }
    const size_t equals = argument.find('=');
    if (equals != std::string::npos) {
      if (!TakeOption(argument.substr(0, equals), argument.substr(equals + 1), request)) {
        return std::nullopt;
      }
    } else if (i + 1 == arguments.size() || !TakeOption(argument, arguments[i + 1], request)) {
      return std::nullopt;
    } else {
      ++i;
    }
  }
  const bool by_aws =
      program == "aws" && words == std::vector<std::string_view>{"eks", "get-token"};
  const bool by_authenticator =
      program == "aws-iam-authenticator" && words == std::vector<std::string_view>{"token"};
  if ((!by_aws && !by_authenticator) || request.cluster.empty()) return std::nullopt;
  return request;
}

Result<aws::Connection*> EksTokens::ConnectionFor(const EksTokenRequest& request) {
  aws::ConnectionOptions options = options_;
  if (!request.profile.empty()) options.profile = request.profile;
  if (!request.region.empty()) options.region = request.region;
  if (!request.role_arn.empty()) options.role_arn = request.role_arn;
  const std::lock_guard lock(mutex_);
  auto& connection =
      connections_[fmt::format("{}\n{}\n{}", options.profile, options.region, options.role_arn)];
  if (!connection) {
    connection = EKSHUME_TRY(aws::Connection::Open(options, diagnostics_, progress_));
  }
  return connection.get();
}

Result<std::string> EksTokens::Credential(const EksTokenRequest& request) {
  aws::Connection* connection = EKSHUME_TRY(ConnectionFor(request));
  const aws::Client* client = EKSHUME_TRY(connection->client());
  const aws::Credentials credentials = EKSHUME_TRY(client->credentials().Get());
  const aws::Endpoint sts =
      EKSHUME_TRY(aws::ResolveEndpoint(client->settings().endpoints, "sts", client->region()));
  const Timestamp now = client->ServiceTime();
  const wire::Json credential = {
      {"kind", "ExecCredential"},
      {"apiVersion", kPluginVersion},
      {"status",
       {{"token", EksToken(credentials, sts, client->region(), request.cluster, now)},
        {"expirationTimestamp",
         FormatTimestamp({now.seconds + kTokenSeconds, 0}).substr(0, 19) + "Z"}}}};
  return wire::DumpJson(credential);
}

RunProgram EksTokens::Runner(RunProgram otherwise) {
  return [this, otherwise = std::move(otherwise)](
             const std::vector<std::string>& arguments,
             const std::vector<std::pair<std::string, std::string>>& environment)
             -> Result<std::string> {
    const auto request = ReadEksPlugin(arguments, environment);
    if (!request) return otherwise(arguments, environment);
    Result<std::string> own = Credential(*request);
    if (own) return own;
    // The program may have credentials that we know nothing of.
    Result<std::string> other = otherwise(arguments, environment);
    return other ? other : own;
  };
}

Result<Access> EksTokens::Find(const std::string& cluster) {
  if (!IsClusterName(cluster)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no name of a cluster", EscapeForTerminal(cluster)));
  }
  aws::Connection* connection = EKSHUME_TRY(ConnectionFor({}));
  const aws::Client* client = EKSHUME_TRY(connection->client());
  aws::Call call;
  call.service = "eks";
  call.permission = "eks:DescribeCluster";
  call.method = "GET";
  call.path = fmt::format("/clusters/{}", cluster);
  const http::Answer answer = EKSHUME_TRY(client->Send(call));
  const wire::Json json = EKSHUME_TRY(wire::ParseJson(answer.body, call.permission));
  const wire::Json& found = wire::ObjectOf(json, "cluster");
  Access access;
  access.source = fmt::format("EKS cluster {} in {}", cluster, client->region());
  access.server = wire::TextOf(found, "endpoint");
  access.default_namespace = "default";
  const auto ca = DecodeBase64(wire::TextOf(wire::ObjectOf(found, "certificateAuthority"), "data"));
  if (!access.server.starts_with("https://") || !ca || ca->empty()) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("the cluster {} has no endpoint (its status is {})", cluster,
                            EscapeForTerminal(wire::TextOf(found, "status"))));
  }
  access.ca_pem = *ca;
  access.plugin = CredentialPlugin{
      .api_version = kPluginVersion,
      .command = "aws",
      .arguments = {"eks", "get-token", "--cluster-name", cluster, "--region", client->region()},
      .environment = {},
      .install_hint = ""};
  return access;
}

}  // namespace ekshume::live::kubernetes
