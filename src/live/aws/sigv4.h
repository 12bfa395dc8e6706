// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

// AWS Signature Version 4 ("Signing AWS API requests" in the IAM user guide): who asks is proved by
// an HMAC over the request, in a header or in the URL. Pure functions, any thread.
namespace ekshume::live::aws {

// What signs a request. Never printed and never written into a record, except for the id of the key
// and `source`.
struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;         // "" for keys of a user
  std::optional<Timestamp> expires;  // none: they do not
  std::string source;                // "environment", "profile ir", "instance metadata, role ir"
};

// Names and values in the order in which they are sent, not encoded.
using Parameters = std::vector<std::pair<std::string, std::string>>;

// The payload hash of requests whose body is not part of the signature (S3 over TLS, presigned).
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

struct SignedRequest {
  std::string method;          // "GET"
  std::string host;            // as in the Host header, with the port when it is not the usual one
  std::string path = "/";      // not encoded
  Parameters query;            // not encoded
  Parameters headers;          // names in lower case; all of them are signed. Without host
  std::string payload_sha256;  // lower-case hexadecimal, or kUnsignedPayload
};

struct SigningScope {
  std::string region;
  std::string service;  // the signing name: "ec2", "ebs", "logs"
};

// The parts of a signature, kept apart for tests: the specification's names.
struct Signature {
  std::string canonical_request;
  std::string string_to_sign;
  std::string signed_headers;
  std::string signature;
};

// a=b&c=d of encoded names and values, in the order given.
std::string EncodeQuery(const Parameters& query);
// In a path that is not encoded: a slash that belongs to a name, not between names.
inline constexpr char kNameSlash = '\x1f';
// The path as it goes into the request line: encoded once.
std::string EncodePath(std::string_view path);
// 20150830T123600Z.
std::string AmzDate(Timestamp time);

// The signature of `request`, whose headers and query hold all that is signed (x-amz-date among
// them). All services but S3 want the path of the canonical request encoded once more than it is
// sent.
Signature ComputeSignature(const SignedRequest& request, const Credentials& credentials,
                           const SigningScope& scope, Timestamp time);

// Adds x-amz-date, x-amz-security-token (when there is one) and, for S3, x-amz-content-sha256, then
// authorization, to the request's headers.
void SignHeaders(SignedRequest& request, const Credentials& credentials, const SigningScope& scope,
                 Timestamp time);

// The URL that carries its own proof for `expires_seconds`: `https://HOST/PATH?...`. Whoever has it
// can make this one request. The request's headers (if any) must be sent as they were signed. An
// empty payload hash means that of an empty body, which STS wants; S3 wants kUnsignedPayload.
std::string Presign(SignedRequest request, const Credentials& credentials,
                    const SigningScope& scope, Timestamp time, int expires_seconds,
                    std::string_view url_scheme = "https");

}  // namespace ekshume::live::aws
