// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_view.h"
#include "base/result.h"

// HTTP as clients of services need it; an interface, so that tests can answer in a service's place.
namespace ekshume::live::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method = "GET";
  std::string url;  // encoded as it is sent; http or https
  Headers headers;
  std::string body;
  std::chrono::milliseconds timeout{std::chrono::minutes(5)};  // of all of it; 0 for none
  std::chrono::milliseconds connect_timeout{std::chrono::seconds(10)};
  // Without the proxy that the environment names: link-local addresses.
  bool direct = false;
  // The body of a 2xx answer goes here piece by piece instead of into memory; an error of it ends
  // the transfer and is returned. None: the body is kept, up to limits::kMaxAnswerBytes (kLimit).
  std::function<Result<void>(ByteView)> sink;
};

struct Answer {
  int status = 0;
  Headers headers;  // names in lower case
  std::string body;

  // The first value of a header (name in lower case), or "".
  std::string_view Header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }
};

// Any number of threads may call Send at a time.
class Transport {
 public:
  virtual ~Transport() = default;
  // kIo when there is no answer, or not all of it (no connection, cut, stalled, timed out);
  // kCancelled; kLimit; what a sink returned. Every status is an answer. Never follows
  // redirections.
  virtual Result<Answer> Send(const Request& request) = 0;
};

}  // namespace ekshume::live::http
