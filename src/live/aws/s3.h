// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "live/aws/client.h"

// The calls of S3 that acquiring needs (API version 2006-03-01).
namespace ekshume::live::aws {

struct S3Place {
  std::string bucket;
  std::string key;  // or a prefix of keys; may be ""
};
// s3://BUCKET/KEY. Nothing for what is none.
std::optional<S3Place> ParseS3Url(std::string_view url);

struct S3Object {
  std::string key;
  std::string etag;  // without its quotes
  uint64_t size_bytes = 0;
  std::string last_modified;
};

// Where a bucket's requests go: at AWS by a host of its own, elsewhere by the path.
struct S3Target {
  std::string host;  // "" for the endpoint's own
  std::string path_prefix;
};
Result<S3Target> TargetOf(const Client& client, const std::string& bucket);

// All objects below a prefix, a page at a time. kLimit beyond limits::kMaxAnswerPages.
Result<void> ListObjects(const Client& client, const std::string& bucket, const std::string& prefix,
                         const std::function<Result<void>(std::vector<S3Object>)>& take,
                         ServiceError* failure = nullptr);

// The bytes of an object from `offset` on, to `sink`; the answer's headers say how to verify them.
// The object must still have the entity tag it was listed with (kIo otherwise).
Result<http::Answer> GetObject(const Client& client, const std::string& bucket,
                               const S3Object& object, uint64_t offset,
                               std::function<Result<void>(ByteView)> sink,
                               ServiceError* failure = nullptr);

Result<void> PutObject(const Client& client, const S3Place& place, std::string bytes,
                       ServiceError* failure = nullptr);

// Uploads of many parts, each put by whoever has its URL.
Result<std::string> CreateMultipartUpload(const Client& client, const S3Place& place,
                                          ServiceError* failure = nullptr);
struct UploadedPart {
  int number = 0;
  std::string etag;
  uint64_t size_bytes = 0;
};
// One part of an upload, put by us. Its bytes are part of the signature, so S3 takes no others.
Result<UploadedPart> UploadPart(const Client& client, const S3Place& place,
                                const std::string& upload_id, int number, std::string bytes,
                                ServiceError* failure = nullptr);
Result<std::vector<UploadedPart>> ListParts(const Client& client, const S3Place& place,
                                            const std::string& upload_id,
                                            ServiceError* failure = nullptr);
Result<void> CompleteMultipartUpload(const Client& client, const S3Place& place,
                                     const std::string& upload_id,
                                     const std::vector<UploadedPart>& parts,
                                     ServiceError* failure = nullptr);
// A whole file, in parts when it is large; the part that is on its way is in memory. Its size.
Result<uint64_t> UploadFile(const Client& client, const S3Place& place, const std::string& path,
                            ServiceError* failure = nullptr);
// A URL that GETs (method "GET") or PUTs an object, or one part of an upload, for some time.
Result<std::string> PresignObject(const Client& client, std::string_view method,
                                  const S3Place& place, Parameters query, int expires_seconds);

}  // namespace ekshume::live::aws
