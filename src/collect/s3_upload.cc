// SPDX-License-Identifier: Apache-2.0
#include "collect/s3_upload.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "base/text.h"
#include "collect/system.h"

namespace ekshume::collect {
namespace {

constexpr size_t kMostParts = 10000;
constexpr int kUrlSeconds = 15 * 60;
constexpr int64_t kRenewSeconds = 5 * 60;  // before a session ends
constexpr std::string_view kForm = "application/x-www-form-urlencoded";

// The text of the first element of that name in an answer's XML, which has none with attributes
// where this is asked; "" without one.
std::string ElementOf(std::string_view xml, std::string_view name) {
  const std::string open = fmt::format("<{}>", name);
  const size_t begin = xml.find(open);
  if (begin == std::string_view::npos) return "";
  const size_t end = xml.find(fmt::format("</{}>", name), begin);
  if (end == std::string_view::npos) return "";
  return std::string(xml.substr(begin + open.size(), end - begin - open.size()));
}

// What a service says that it did not do, without anything of the request.
Error Refused(std::string_view what, const PutAnswer& answer) {
  return Fail(ErrorCode::kIo,
              fmt::format("{} was answered by {} {}", what, answer.status,
                          EscapeForTerminal(ElementOf(answer.body, "Code").substr(0, 100))));
}

bool IsBucket(std::string_view name) {
  return name.size() >= 3 && name.size() <= 63 && std::ranges::all_of(name, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.';
         });
}

}  // namespace

Result<std::unique_ptr<S3Upload>> S3Upload::Begin(std::string_view url, HttpPut& http,
                                                  Variable variable) {
  constexpr std::string_view kScheme = "s3://";
  const size_t slash = url.starts_with(kScheme) ? url.find('/', kScheme.size()) : url.npos;
  if (slash == url.npos || !IsBucket(url.substr(kScheme.size(), slash - kScheme.size())) ||
      url.ends_with('/')) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--to: {} is no s3://BUCKET/KEY", EscapeForTerminal(url)));
  }
  std::unique_ptr<S3Upload> upload(new S3Upload(http, std::move(variable)));
  upload->bucket_ = url.substr(kScheme.size(), slash - kScheme.size());
  upload->key_ = url.substr(slash + 1);
  const auto region = upload->variable_("AWS_REGION");
  upload->region_ = region ? *region : upload->variable_("AWS_DEFAULT_REGION").value_or("");
  if (!live::aws::IsRegion(upload->region_)) {
    return Fail(ErrorCode::kInvalidArgument, "--to: AWS_REGION says no region");
  }
  upload->endpoints_.url = upload->variable_("AWS_ENDPOINT_URL").value_or("");
  for (const auto& [service, name] :
       {std::pair{"s3", "AWS_ENDPOINT_URL_S3"}, std::pair{"sts", "AWS_ENDPOINT_URL_STS"}}) {
    if (const auto own = upload->variable_(name)) upload->endpoints_.by_service[service] = *own;
  }
  const Url begin = EKSHUME_TRY(upload->Sign("POST", {{"uploads", ""}}));
  const PutAnswer answer = EKSHUME_TRY(http.Post(begin, {}, ""));
  upload->upload_id_ = ElementOf(answer.body, "UploadId");
  if (answer.status != 200 || upload->upload_id_.empty()) {
    return Refused("s3:PutObject (to begin an upload)", answer);
  }
  return upload;
}

Result<void> S3Upload::Renew() {
  if (credentials_ &&
      (!credentials_->expires || credentials_->expires->seconds - Now().seconds > kRenewSeconds)) {
    return {};
  }
  const auto id = variable_("AWS_ACCESS_KEY_ID");
  const auto secret = variable_("AWS_SECRET_ACCESS_KEY");
  if (id && secret) {
    credentials_ = live::aws::Credentials{
        *id, *secret, variable_("AWS_SESSION_TOKEN").value_or(""), {}, "environment"};
    return {};
  }
  const auto token_file = variable_("AWS_WEB_IDENTITY_TOKEN_FILE");
  const auto role = variable_("AWS_ROLE_ARN");
  if (!token_file || !role) {
    return Fail(ErrorCode::kInvalidArgument,
                "--to: the environment has neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY nor "
                "AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN");
  }
  std::string token;
  EKSHUME_TRY(ForEachLine(*token_file, [&](std::string_view line) {
    token = line;
    return false;
  }));
  const live::aws::Endpoint sts =
      EKSHUME_TRY(live::aws::ResolveEndpoint(endpoints_, "sts", region_));
  const auto url = ParseUrl(fmt::format("{}://{}{}/", sts.scheme, sts.host, sts.path));
  if (!url) return Fail(ErrorCode::kInvalidArgument, "--to: the endpoint of STS is no URL");
  const std::string body = live::aws::EncodeQuery(
      {{"Action", "AssumeRoleWithWebIdentity"},
       {"Version", "2011-06-15"},
       {"RoleArn", *role},
       {"RoleSessionName", variable_("AWS_ROLE_SESSION_NAME").value_or("ekshume-collect")},
       {"WebIdentityToken", token}});
  const PutAnswer answer = EKSHUME_TRY(http_.Post(*url, ByteView::Of(body), kForm));
  live::aws::Credentials got;
  got.access_key_id = ElementOf(answer.body, "AccessKeyId");
  got.secret_access_key = ElementOf(answer.body, "SecretAccessKey");
  got.session_token = ElementOf(answer.body, "SessionToken");
  got.expires = ParseTimestamp(ElementOf(answer.body, "Expiration"));
  if (answer.status != 200 || got.access_key_id.empty() || got.secret_access_key.empty()) {
    return Refused("sts:AssumeRoleWithWebIdentity", answer);
  }
  credentials_ = std::move(got);
  return {};
}

Result<Url> S3Upload::Sign(std::string_view method, live::aws::Parameters query) {
  EKSHUME_TRY(Renew());
  const live::aws::Endpoint s3 = EKSHUME_TRY(live::aws::ResolveEndpoint(endpoints_, "s3", region_));
  // A name with dots is not covered by the certificate of *.s3.
  const bool by_path = s3.custom || bucket_.contains('.');
  live::aws::SignedRequest request;
  request.method = method;
  request.host = by_path ? s3.host : fmt::format("{}.{}", bucket_, s3.host);
  request.path =
      by_path ? fmt::format("{}/{}/{}", s3.path, bucket_, key_) : fmt::format("/{}", key_);
  request.query = std::move(query);
  request.payload_sha256 = live::aws::kUnsignedPayload;
  const auto url = ParseUrl(live::aws::Presign(std::move(request), *credentials_, {region_, "s3"},
                                               Now(), kUrlSeconds, s3.scheme));
  if (!url) return Fail(ErrorCode::kInvalidArgument, "--to: the endpoint of S3 is no URL");
  return *url;
}

Result<Url> S3Upload::PartUrl(size_t number) {
  if (number > kMostParts) {
    return Fail(
        ErrorCode::kLimit,
        fmt::format("S3 takes {} parts of an object; use larger ones (--part-bytes)", kMostParts));
  }
  return Sign("PUT", {{"partNumber", fmt::format("{}", number)}, {"uploadId", upload_id_}});
}

Result<void> S3Upload::Complete(const std::vector<SentPart>& parts) {
  std::string body = "<CompleteMultipartUpload>";
  for (const SentPart& part : parts) {
    body += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", part.number,
                        part.etag);
  }
  body += "</CompleteMultipartUpload>";
  const Url url = EKSHUME_TRY(Sign("POST", {{"uploadId", upload_id_}}));
  const PutAnswer answer = EKSHUME_TRY(http_.Post(url, ByteView::Of(body), "application/xml"));
  // S3 may answer 200 and say in the body that it failed after all.
  if (answer.status != 200 || ElementOf(answer.body, "ETag").empty()) {
    return Refused("s3:PutObject (to complete the upload)", answer);
  }
  return {};
}

}  // namespace ekshume::collect
