// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/byte_view.h"
#include "base/result.h"

struct ssl_ctx_st;

namespace ekshume::collect {

// "https://host:443/path?query"
struct Url {
  bool tls = true;
  std::string host;
  int port = 443;
  std::string target;  // path and query
};
// Nothing for what is no http or https URL with a host, or holds white space or control characters.
std::optional<Url> ParseUrl(std::string_view text);

struct PutAnswer {
  int status = 0;
  std::string etag;  // as the header has it, with its quotes
  std::string body;  // at most 64 KiB; S3 says in it what is wrong
};

// What the collector asks of S3: PUT of bytes to a presigned URL (HTTP/1.1, RFC 9112),
// with Content-MD5, by which S3 checks what it received. Names are looked up in the hosts file and
// by DNS directly, as a static program has no other resolver. Certificates are always verified. One
// thread.
class HttpPut {
 public:
  // `ca_file`: certificates to trust (PEM); empty: those of the system, looked for below `root`
  // too.
  static Result<std::unique_ptr<HttpPut>> Create(const std::string& ca_file,
                                                 const std::string& root);
  ~HttpPut();

  // One try. An answer of any status is an answer; an error is one of the connection. No message
  // holds the URL's query, which is a credential.
  Result<PutAnswer> Put(const Url& url, ByteView body);
  // The same by POST; `content_type` may be "".
  Result<PutAnswer> Post(const Url& url, ByteView body, std::string_view content_type);

 private:
  Result<PutAnswer> Send(const Url& url, std::string_view head, ByteView body);

  HttpPut() = default;
  ssl_ctx_st* tls_ = nullptr;
};

}  // namespace ekshume::collect
