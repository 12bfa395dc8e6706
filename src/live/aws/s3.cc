// SPDX-License-Identifier: Apache-2.0
#include "live/aws/s3.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/hash.h"
#include "base/hex.h"
#include "live/aws/xml.h"
#include "live/wire/page_count.h"

namespace ekshume::live::aws {
namespace {

bool IsBucketName(std::string_view name) {
  return name.size() >= 3 && name.size() <= 63 && std::ranges::all_of(name, [](char c) {
           return IsDigit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_' ||
                  (c >= 'A' && c <= 'Z');
         });
}

std::string WithoutQuotes(std::string text) {
  std::erase(text, '"');
  return text;
}

Result<Call> S3Call(const Client& client, std::string_view action, std::string method,
                    const std::string& bucket, const std::string& key, Parameters query) {
  const S3Target target = EKSHUME_TRY(TargetOf(client, bucket));
  Call call;
  call.service = "s3";
  call.permission = fmt::format("s3:{}", action);
  call.method = std::move(method);
  call.host = target.host;
  call.path = fmt::format("{}/{}", target.path_prefix, key);
  call.query = std::move(query);
  return call;
}

}  // namespace

std::optional<S3Place> ParseS3Url(std::string_view url) {
  constexpr std::string_view kScheme = "s3://";
  if (!url.starts_with(kScheme)) return std::nullopt;
  url.remove_prefix(kScheme.size());
  const size_t slash = url.find('/');
  S3Place place{std::string(url.substr(0, slash)),
                slash == std::string_view::npos ? "" : std::string(url.substr(slash + 1))};
  if (!IsBucketName(place.bucket)) return std::nullopt;
  return place;
}

Result<S3Target> TargetOf(const Client& client, const std::string& bucket) {
  if (!IsBucketName(bucket)) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("\"{}\" is no bucket", bucket));
  }
  const Endpoint endpoint =
      EKSHUME_TRY(ResolveEndpoint(client.settings().endpoints, "s3", client.region()));
  // A name with dots or capitals is not covered by the certificate of *.s3.
  const bool plain = std::ranges::none_of(
      bucket, [](char c) { return c == '.' || c == '_' || (c >= 'A' && c <= 'Z'); });
  if (endpoint.custom || !plain) return S3Target{"", "/" + bucket};
  return S3Target{fmt::format("{}.{}", bucket, endpoint.host), ""};
}

Result<void> ListObjects(const Client& client, const std::string& bucket, const std::string& prefix,
                         const std::function<Result<void>(std::vector<S3Object>)>& take,
                         ServiceError* failure) {
  std::string next;
  for (wire::PageCount pages(fmt::format("s3://{}/{}", bucket, prefix));;) {
    EKSHUME_TRY(pages.Another());
    Parameters query = {{"list-type", "2"}, {"encoding-type", "url"}, {"prefix", prefix}};
    if (!next.empty()) query.emplace_back("continuation-token", next);
    const Call call =
        EKSHUME_TRY(S3Call(client, "ListBucket", "GET", bucket, "", std::move(query)));
    const http::Answer answer = EKSHUME_TRY(client.Send(call, failure));
    const XmlAnswer xml = EKSHUME_TRY(XmlAnswer::Parse(answer.body, call.permission));
    std::vector<S3Object> objects;
    for (const pugi::xml_node node : xml.root().children("Contents")) {
      // Keys come with encoding-type=url.
      objects.push_back({DecodeForm(TextOf(node, "Key")), WithoutQuotes(TextOf(node, "ETag")),
                         node.child("Size").text().as_ullong(0), TextOf(node, "LastModified")});
    }
    EKSHUME_TRY(take(std::move(objects)));
    next = TextOf(xml.root(), "NextContinuationToken");
    if (TextOf(xml.root(), "IsTruncated") != "true" || next.empty()) return {};
  }
}

Result<http::Answer> GetObject(const Client& client, const std::string& bucket,
                               const S3Object& object, uint64_t offset,
                               std::function<Result<void>(ByteView)> sink, ServiceError* failure) {
  Call call = EKSHUME_TRY(S3Call(client, "GetObject", "GET", bucket, object.key, {}));
  call.headers = {{"x-amz-checksum-mode", "ENABLED"}};
  if (!object.etag.empty()) {
    call.headers.emplace_back("if-match", fmt::format("\"{}\"", object.etag));
  }
  if (offset > 0) call.headers.emplace_back("range", fmt::format("bytes={}-", offset));
  call.sink = std::move(sink);
  call.timeout = std::chrono::milliseconds(0);
  return client.Send(call, failure);
}

Result<void> PutObject(const Client& client, const S3Place& place, std::string bytes,
                       ServiceError* failure) {
  Call call = EKSHUME_TRY(S3Call(client, "PutObject", "PUT", place.bucket, place.key, {}));
  call.body = std::move(bytes);
  EKSHUME_TRY(client.Send(call, failure));
  return {};
}

Result<std::string> CreateMultipartUpload(const Client& client, const S3Place& place,
                                          ServiceError* failure) {
  const Call call =
      EKSHUME_TRY(S3Call(client, "PutObject", "POST", place.bucket, place.key, {{"uploads", ""}}));
  const http::Answer answer = EKSHUME_TRY(client.Send(call, failure));
  const XmlAnswer xml = EKSHUME_TRY(XmlAnswer::Parse(answer.body, "s3:CreateMultipartUpload"));
  std::string id = TextOf(xml.root(), "UploadId");
  if (id.empty()) return Fail(ErrorCode::kCorrupt, "s3:CreateMultipartUpload answered no id");
  return id;
}

Result<UploadedPart> UploadPart(const Client& client, const S3Place& place,
                                const std::string& upload_id, int number, std::string bytes,
                                ServiceError* failure) {
  Call call =
      EKSHUME_TRY(S3Call(client, "PutObject", "PUT", place.bucket, place.key,
                         {{"partNumber", fmt::format("{}", number)}, {"uploadId", upload_id}}));
  UploadedPart part{.number = number, .etag = "", .size_bytes = bytes.size()};
  call.body = std::move(bytes);
  const http::Answer answer = EKSHUME_TRY(client.Send(call, failure));
  part.etag = WithoutQuotes(std::string(answer.Header("etag")));
  if (part.etag.empty()) return Fail(ErrorCode::kCorrupt, "s3:UploadPart answered no entity tag");
  return part;
}

Result<std::vector<UploadedPart>> ListParts(const Client& client, const S3Place& place,
                                            const std::string& upload_id, ServiceError* failure) {
  std::vector<UploadedPart> parts;
  std::string marker;
  for (wire::PageCount pages("s3:ListMultipartUploadParts");;) {
    EKSHUME_TRY(pages.Another());
    Parameters query = {{"uploadId", upload_id}};
    if (!marker.empty()) query.emplace_back("part-number-marker", marker);
    const Call call = EKSHUME_TRY(S3Call(client, "ListMultipartUploadParts", "GET", place.bucket,
                                         place.key, std::move(query)));
    const http::Answer answer = EKSHUME_TRY(client.Send(call, failure));
    const XmlAnswer xml = EKSHUME_TRY(XmlAnswer::Parse(answer.body, call.permission));
    for (const pugi::xml_node node : xml.root().children("Part")) {
      parts.push_back({node.child("PartNumber").text().as_int(0),
                       WithoutQuotes(TextOf(node, "ETag")),
                       node.child("Size").text().as_ullong(0)});
    }
    marker = TextOf(xml.root(), "NextPartNumberMarker");
    if (TextOf(xml.root(), "IsTruncated") != "true" || marker.empty()) break;
  }
  std::ranges::sort(parts, {}, &UploadedPart::number);
  return parts;
}

Result<void> CompleteMultipartUpload(const Client& client, const S3Place& place,
                                     const std::string& upload_id,
                                     const std::vector<UploadedPart>& parts,
                                     ServiceError* failure) {
  Call call = EKSHUME_TRY(
      S3Call(client, "PutObject", "POST", place.bucket, place.key, {{"uploadId", upload_id}}));
  call.body = "<CompleteMultipartUpload>";
  for (const UploadedPart& part : parts) {
    call.body += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>\"{}\"</ETag></Part>",
                             part.number, part.etag);
  }
  call.body += "</CompleteMultipartUpload>";
  call.headers = {{"content-type", "application/xml"}};
  const http::Answer answer = EKSHUME_TRY(client.Send(call, failure));
  // S3 may answer 200 and say in the body that it failed after all.
  const XmlAnswer xml = EKSHUME_TRY(XmlAnswer::Parse(answer.body, "s3:CompleteMultipartUpload"));
  if (std::string_view(xml.root().name()) == "Error") {
    return Fail(ErrorCode::kIo,
                fmt::format("s3:CompleteMultipartUpload was answered by {}: {}",
                            TextOf(xml.root(), "Code"), TextOf(xml.root(), "Message")));
  }
  return {};
}

Result<std::string> PresignObject(const Client& client, std::string_view method,
                                  const S3Place& place, Parameters query, int expires_seconds) {
  const S3Target target = EKSHUME_TRY(TargetOf(client, place.bucket));
  const Endpoint endpoint =
      EKSHUME_TRY(ResolveEndpoint(client.settings().endpoints, "s3", client.region()));
  SignedRequest request;
  request.method = method;
  request.host = target.host.empty() ? endpoint.host : target.host;
  request.path = fmt::format("{}{}/{}", endpoint.path, target.path_prefix, place.key);
  request.query = std::move(query);
  request.payload_sha256 = kUnsignedPayload;
  const Credentials credentials = EKSHUME_TRY(client.credentials().Get());
  return Presign(std::move(request), credentials, {client.region(), "s3"}, client.ServiceTime(),
                 expires_seconds, endpoint.scheme);
}

}  // namespace ekshume::live::aws
