// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collect/http_put.h"
#include "collect/part_sink.h"
#include "live/aws/endpoint.h"
#include "live/aws/sigv4.h"

namespace ekshume::collect {

// One object of S3, written in parts with credentials of our own: the keys in the environment
// (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), else a web identity
// (AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN), whose session is renewed as needed. Every request is
// signed in its URL, which lives for fifteen minutes and is shown nowhere. Needs s3:PutObject. The
// region is AWS_REGION or AWS_DEFAULT_REGION. One thread; `http` must outlive it.
class S3Upload {
 public:
  // A variable of the environment; nothing when it is not set or empty.
  using Variable = std::function<std::optional<std::string>(const char* name)>;

  // Begins the upload to s3://BUCKET/KEY. kInvalidArgument for a URL that is none, without
  // credentials or region; kIo with what S3 or STS said.
  static Result<std::unique_ptr<S3Upload>> Begin(std::string_view url, HttpPut& http,
                                                 Variable variable);
  // Where to put a part (from 1). kLimit beyond the 10,000 that S3 takes.
  Result<Url> PartUrl(size_t number);
  // Makes the object of the parts. One that is not completed is no object; its parts stay until a
  // lifecycle rule of the bucket removes them.
  Result<void> Complete(const std::vector<SentPart>& parts);

 private:
  S3Upload(HttpPut& http, Variable variable) : http_(http), variable_(std::move(variable)) {}
  Result<void> Renew();
  Result<Url> Sign(std::string_view method, live::aws::Parameters query);

  HttpPut& http_;
  const Variable variable_;
  std::string region_;
  live::aws::EndpointOptions endpoints_;
  std::string bucket_;
  std::string key_;
  std::string upload_id_;
  std::optional<live::aws::Credentials> credentials_;
};

}  // namespace ekshume::collect
