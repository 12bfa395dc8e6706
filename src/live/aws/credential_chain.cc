// SPDX-License-Identifier: Apache-2.0
#include "live/aws/credential_chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "base/hash.h"
#include "base/sha1.h"
#include "live/aws/sts.h"
#include "live/wire/json.h"

namespace ekshume::live::aws {
namespace {

using std::chrono::milliseconds;

// New ones are got this long before the old ones end.
constexpr int64_t kRefreshSeconds = 300;
constexpr int kMaxProfileDepth = 8;  // profiles that name each other as their source
constexpr std::string_view kInstanceMetadata = "http://169.254.169.254";
constexpr std::string_view kContainerHost = "http://169.254.170.2";
constexpr milliseconds kMetadataTimeout{1000};
// Where a container's credentials may be asked for without TLS: the agents of ECS and EKS.
constexpr std::array<std::string_view, 6> kContainerHosts = {
    "http://169.254.170.2", "http://169.254.170.23", "http://[fd00:ec2::23]",
    "http://127.0.0.1",     "http://localhost",      "http://[::1]"};

bool EndsSoon(const Credentials& credentials, int64_t seconds) {
  return credentials.expires && credentials.expires->seconds - seconds <= Now().seconds;
}

// A file's text without the line end that editors add.
std::string WithoutLineEnd(std::string text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

// The answer of containers, instances and processes: the same but for the token's name.
Result<Credentials> FromJson(const std::string& text, const char* token_name, std::string source) {
  const wire::Json json = EKSHUME_TRY(wire::ParseJson(text, source));
  Credentials out;
  out.access_key_id = wire::TextOf(json, "AccessKeyId");
  out.secret_access_key = wire::TextOf(json, "SecretAccessKey");
  out.session_token = wire::TextOf(json, token_name);
  out.expires = ParseTimestamp(wire::TextOf(json, "Expiration"));
  out.source = std::move(source);
  if (out.access_key_id.empty() || out.secret_access_key.empty()) {
    return Fail(ErrorCode::kNotFound, fmt::format("{} gave no credentials {}", out.source,
                                                  wire::TextOf(json, "Message")));
  }
  return out;
}

}  // namespace

CredentialChain::CredentialChain(ChainOptions options, const wire::Surroundings& surroundings,
                                 http::Transport& transport)
    : options_(std::move(options)), surroundings_(surroundings), transport_(transport) {}

Result<std::unique_ptr<CredentialChain>> CredentialChain::Open(
    ChainOptions options, const wire::Surroundings& surroundings, http::Transport& transport) {
  std::unique_ptr<CredentialChain> chain(
      new CredentialChain(std::move(options), surroundings, transport));
  const std::string folder = surroundings.Home() + "/.aws";
  for (const ConfigKind kind : {ConfigKind::kConfig, ConfigKind::kCredentials}) {
    const bool is_config = kind == ConfigKind::kConfig;
    const std::optional<std::string> named =
        surroundings.variable(is_config ? "AWS_CONFIG_FILE" : "AWS_SHARED_CREDENTIALS_FILE");
    const auto text =
        surroundings.read_file(named.value_or(folder + (is_config ? "/config" : "/credentials")));
    if (text) {
      ReadSharedFile(*text, kind, chain->config_);
    } else if (text.error().code != ErrorCode::kNotFound || named) {
      return text.error();
    }
  }
  ChainOptions& chosen = chain->options_;
  const std::string profile = chosen.profile.empty()
                                  ? surroundings.variable("AWS_PROFILE").value_or("default")
                                  : chosen.profile;
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (chosen.region.empty()) chosen.region = surroundings.variable(name).value_or("");
  }
  if (chosen.region.empty()) chosen.region = chain->config_.Value(profile, "region");
  if (chosen.client.endpoints.url.empty()) {
    chosen.client.endpoints.url = chain->config_.Value(profile, "endpoint_url");
  }
  if (!chosen.region.empty() && !IsRegion(chosen.region)) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("\"{}\" is no AWS region", chosen.region));
  }
  return chain;
}

Result<Credentials> CredentialChain::Get() {
  const std::lock_guard lock(mutex_);
  if (current_ && !EndsSoon(*current_, kRefreshSeconds)) return *current_;
  auto found = Resolve();
  if (!found) {
    // Better the old ones for their last minutes than none.
    if (current_ && !EndsSoon(*current_, 0)) return *current_;
    return found.error();
  }
  current_ = *found;
  return found;
}

void CredentialChain::Forget(const Credentials& refused) {
  const std::lock_guard lock(mutex_);
  if (current_ && current_->access_key_id == refused.access_key_id &&
      current_->session_token == refused.session_token) {
    current_.reset();
  }
}

Client CredentialChain::MakeClient(CredentialSource& source) const {
  ClientSettings settings = options_.client;
  settings.region = options_.region.empty() ? "us-east-1" : options_.region;
  return Client(transport_, source, settings);
}

Result<Credentials> CredentialChain::Resolve() {
  Credentials base = EKSHUME_TRY(ResolveBase());
  if (options_.role_arn.empty()) return base;
  const std::string source = base.source;
  FixedCredentials fixed(std::move(base));
  Credentials role =
      EKSHUME_TRY(AssumeRole(MakeClient(fixed), {.role_arn = options_.role_arn,
                                                 .session_name = options_.session_name,
                                                 .external_id = options_.external_id}));
  role.source += fmt::format(" by {}", source);
  return role;
}

bool CredentialChain::ProfileHasCredentials(const std::string& profile) const {
  return std::ranges::any_of(
      std::array{"aws_access_key_id", "role_arn", "sso_session", "sso_start_url",
                 "credential_process"},
      [&](const char* name) { return !config_.Value(profile, name).empty(); });
}

Result<Credentials> CredentialChain::ResolveBase() {
  if (!options_.profile.empty()) return FromProfile(options_.profile, 0);
  if (std::optional<Credentials> found = FromEnvironment()) return *std::move(found);
  const auto token_file = surroundings_.variable("AWS_WEB_IDENTITY_TOKEN_FILE");
  const auto role = surroundings_.variable("AWS_ROLE_ARN");
  if (token_file && role) {
    return FromWebIdentity(*token_file, *role,
                           surroundings_.variable("AWS_ROLE_SESSION_NAME").value_or(""));
  }
  const auto named = surroundings_.variable("AWS_PROFILE");
  const std::string profile = named.value_or("default");
  if (named || ProfileHasCredentials(profile)) return FromProfile(profile, 0);
  if (surroundings_.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") ||
      surroundings_.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
    return FromContainer();
  }
  if (surroundings_.variable("AWS_EC2_METADATA_DISABLED").value_or("") != "true") {
    auto found = FromInstance();
    if (found) return found;
  }
  return Fail(ErrorCode::kNotFound,
              "no AWS credentials: none in the environment, in ~/.aws, from a container or from "
              "instance metadata");
}

std::optional<Credentials> CredentialChain::FromEnvironment() {
  const auto id = surroundings_.variable("AWS_ACCESS_KEY_ID");
  const auto secret = surroundings_.variable("AWS_SECRET_ACCESS_KEY");
  if (!id || !secret) return std::nullopt;
  return Credentials{
      *id, *secret, surroundings_.variable("AWS_SESSION_TOKEN").value_or(""), {}, "environment"};
}

Result<Credentials> CredentialChain::FromProfile(const std::string& profile, int depth) {
  if (depth > kMaxProfileDepth) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("the AWS profile {} names itself as its source", profile));
  }
  if (!config_.profiles.contains(profile)) {
    return Fail(ErrorCode::kNotFound, fmt::format("there is no AWS profile {}", profile));
  }
  const auto value = [&](const char* name) { return config_.Value(profile, name); };
  if (!value("role_arn").empty() && (depth == 0 || value("aws_access_key_id").empty())) {
    return FromRoleOfProfile(profile, depth);
  }
  if (!value("aws_access_key_id").empty()) {
    return Credentials{value("aws_access_key_id"),
                       value("aws_secret_access_key"),
                       value("aws_session_token"),
                       {},
                       fmt::format("profile {}", profile)};
  }
  if (!value("sso_session").empty() || !value("sso_start_url").empty()) return FromSso(profile);
  if (!value("credential_process").empty()) {
    return FromProcess(value("credential_process"), profile);
  }
  return Fail(ErrorCode::kNotFound, fmt::format("the AWS profile {} has no credentials", profile));
}

Result<Credentials> CredentialChain::FromRoleOfProfile(const std::string& profile, int depth) {
  const auto value = [&](const char* name) { return config_.Value(profile, name); };
  const std::string session =
      options_.session_name.empty() ? value("role_session_name") : options_.session_name;
  if (!value("web_identity_token_file").empty()) {
    return FromWebIdentity(value("web_identity_token_file"), value("role_arn"), session);
  }
  if (!value("mfa_serial").empty()) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("the AWS profile {} asks for a code of an MFA device; get a session "
                            "with it first (aws sts assume-role) and give that",
                            profile));
  }
  Credentials base;
  if (const std::string source = value("source_profile"); !source.empty()) {
    base = EKSHUME_TRY(FromProfile(source, depth + 1));
  } else if (value("credential_source") == "Environment") {
    std::optional<Credentials> found = FromEnvironment();
    if (!found) return Fail(ErrorCode::kNotFound, "no AWS credentials in the environment");
    base = *std::move(found);
  } else if (value("credential_source") == "Ec2InstanceMetadata") {
    base = EKSHUME_TRY(FromInstance());
  } else if (value("credential_source") == "EcsContainer") {
    base = EKSHUME_TRY(FromContainer());
  } else {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("the AWS profile {} has role_arn but no source_profile", profile));
  }
  FixedCredentials fixed(std::move(base));
  Credentials role = EKSHUME_TRY(
      AssumeRole(MakeClient(fixed), {.role_arn = value("role_arn"),
                                     .session_name = session.empty() ? "ekshume" : session,
                                     .external_id = value("external_id")}));
  role.source = fmt::format("profile {}, {}", profile, role.source);
  return role;
}

Result<Credentials> CredentialChain::FromSso(const std::string& profile) {
  const auto value = [&](const char* name) { return config_.Value(profile, name); };
  std::string cache_key = value("sso_start_url");
  std::string region = value("sso_region");
  if (const std::string session = value("sso_session"); !session.empty()) {
    const auto found = config_.sso_sessions.find(session);
    if (found == config_.sso_sessions.end()) {
      return Fail(ErrorCode::kNotFound, fmt::format("there is no [sso-session {}]", session));
    }
    cache_key = session;
    if (const auto own = found->second.find("sso_region"); own != found->second.end()) {
      region = own->second;
    }
  }
  const std::string path = fmt::format("{}/.aws/sso/cache/{}.json", surroundings_.Home(),
                                       ToHex(ByteView(Sha1(ByteView::Of(cache_key)))));
  const std::string sign_in = fmt::format("sign in with: aws sso login --profile {}", profile);
  const auto text = surroundings_.read_file(path);
  if (!text) return Fail(ErrorCode::kNotFound, fmt::format("no SSO sign-in; {}", sign_in));
  const wire::Json cache = EKSHUME_TRY(wire::ParseJson(*text, path));
  const std::optional<Timestamp> expires = ParseTimestamp(wire::TextOf(cache, "expiresAt"));
  if (wire::TextOf(cache, "accessToken").empty() || !expires || *expires <= Now()) {
    return Fail(ErrorCode::kIo, fmt::format("the SSO sign-in has expired; {}", sign_in));
  }
  Call call;
  call.service = "portal.sso";
  call.permission = "sso:GetRoleCredentials";
  call.method = "GET";
  call.path = "/federation/credentials";
  call.query = {{"account_id", value("sso_account_id")}, {"role_name", value("sso_role_name")}};
  call.headers = {{"x-amz-sso_bearer_token", wire::TextOf(cache, "accessToken")}};
  call.is_signed = false;
  call.region = region;
  FixedCredentials none({});
  const http::Answer answer = EKSHUME_TRY(MakeClient(none).Send(call));
  const wire::Json json = EKSHUME_TRY(wire::ParseJson(answer.body, call.permission));
  const wire::Json& role = wire::ObjectOf(json, "roleCredentials");
  Credentials out;
  out.access_key_id = wire::TextOf(role, "accessKeyId");
  out.secret_access_key = wire::TextOf(role, "secretAccessKey");
  out.session_token = wire::TextOf(role, "sessionToken");
  const int64_t ends = wire::IntegerOf(role, "expiration");
  out.expires = Timestamp{ends / 1000, 0};
  out.source = fmt::format("profile {}, SSO role {}", profile, value("sso_role_name"));
  if (out.access_key_id.empty() || ends <= 0) {
    return Fail(ErrorCode::kCorrupt, "sso:GetRoleCredentials answered no credentials");
  }
  return out;
}

Result<Credentials> CredentialChain::FromProcess(const std::string& command,
                                                 const std::string& profile) {
  const auto text = surroundings_.run(command);
  if (!text) {
    return WithContext(text.error(), fmt::format("credential_process of the profile {}", profile));
  }
  return FromJson(*text, "SessionToken", fmt::format("profile {}, credential_process", profile));
}

Result<Credentials> CredentialChain::FromWebIdentity(const std::string& token_file,
                                                     const std::string& role_arn,
                                                     const std::string& session_name) {
  // Read anew each time: the kubelet replaces it.
  std::string token = WithoutLineEnd(EKSHUME_TRY(surroundings_.read_file(token_file)));
  FixedCredentials none({});
  std::string name = options_.session_name.empty() ? session_name : options_.session_name;
  if (name.empty()) name = "ekshume";
  Credentials out = EKSHUME_TRY(AssumeRole(
      MakeClient(none),
      {.role_arn = role_arn, .session_name = std::move(name), .web_identity_token = token}));
  out.source = fmt::format("web identity, {}", out.source);
  return out;
}

Result<Credentials> CredentialChain::FromContainer() {
  http::Request request;
  request.method = "GET";
  request.timeout = std::chrono::seconds(5);
  request.direct = true;
  if (const auto path = surroundings_.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")) {
    request.url = fmt::format("{}{}", kContainerHost, *path);
  } else {
    request.url = surroundings_.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI").value_or("");
    const bool allowed = request.url.starts_with("https://") ||
                         std::ranges::any_of(kContainerHosts, [&](std::string_view host) {
                           if (!request.url.starts_with(host)) return false;
                           const std::string_view rest =
                               std::string_view(request.url).substr(host.size());
                           return rest.empty() || rest.front() == ':' || rest.front() == '/';
                         });
    if (!allowed) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor on this "
                              "host: {}",
                              request.url));
    }
  }
  // EKS Pod Identity puts the token into a file, which the kubelet replaces.
  std::string token = surroundings_.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or("");
  if (const auto file = surroundings_.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
    token = WithoutLineEnd(EKSHUME_TRY(surroundings_.read_file(*file)));
  }
  if (token.find_first_of("\r\n") != std::string::npos) {
    return Fail(ErrorCode::kInvalidArgument, "the container's authorization token has line ends");
  }
  if (!token.empty()) request.headers = {{"authorization", token}};
  const http::Answer answer = EKSHUME_TRY(transport_.Send(request));
  if (answer.status != 200) {
    return Fail(ErrorCode::kIo, fmt::format("the container's credentials: HTTP status {} from {}",
                                            answer.status, request.url));
  }
  return FromJson(answer.body, "Token", "container credentials");
}

Result<std::string> CredentialChain::InstanceToken() {
  http::Request request;
  request.method = "PUT";
  request.url =
      fmt::format("{}/latest/api/token", surroundings_.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT")
                                             .value_or(std::string(kInstanceMetadata)));
  request.headers = {{"x-aws-ec2-metadata-token-ttl-seconds", "300"}};
  request.timeout = request.connect_timeout = kMetadataTimeout;
  request.direct = true;
  const http::Answer answer = EKSHUME_TRY(transport_.Send(request));
  if (answer.status != 200) {
    return Fail(ErrorCode::kIo, fmt::format("instance metadata: HTTP status {}", answer.status));
  }
  return answer.body;
}

Result<std::string> CredentialChain::InstanceMetadata(const std::string& path) {
  const std::string token = EKSHUME_TRY(InstanceToken());
  http::Request request;
  request.method = "GET";
  request.url = fmt::format("{}/latest/meta-data/{}",
                            surroundings_.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT")
                                .value_or(std::string(kInstanceMetadata)),
                            path);
  request.headers = {{"x-aws-ec2-metadata-token", token}};
  request.timeout = request.connect_timeout = kMetadataTimeout;
  request.direct = true;
  const http::Answer answer = EKSHUME_TRY(transport_.Send(request));
  if (answer.status != 200) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("instance metadata {}: HTTP status {}", path, answer.status));
  }
  return answer.body;
}

Result<Credentials> CredentialChain::FromInstance() {
  const std::string folder = "iam/security-credentials/";
  const std::string roles = EKSHUME_TRY(InstanceMetadata(folder));
  const std::string role = roles.substr(0, roles.find('\n'));
  const std::string text = EKSHUME_TRY(InstanceMetadata(folder + role));
  Credentials out =
      EKSHUME_TRY(FromJson(text, "Token", fmt::format("instance metadata, role {}", role)));
  if (options_.region.empty()) {
    const auto region = InstanceMetadata("placement/region");
    if (region && IsRegion(*region)) options_.region = *region;
  }
  return out;
}

}  // namespace ekshume::live::aws
