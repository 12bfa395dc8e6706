// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/progress.h"
#include "live/http/transport.h"

namespace ekshume::live::http {

struct TransportOptions {
  std::string ca_pem;           // certificates to trust instead of the system's, or ""
  std::string certificate_pem;  // our own certificate and key, or ""
  std::string key_pem;
  bool insecure = false;  // do not check the server's certificate
  // The name that the server's certificate must have, when it is not the host of the URL; or "".
  std::string server_name;
  std::string user_agent = "ekshume";
  const Progress* progress = nullptr;  // asked whether to stop; may be null
};

// HTTP by libcurl: keeps connections for the next request, gives up on an answer that stands still
// for a minute. Any number of threads, each on a connection of its own.
class CurlTransport final : public Transport {
 public:
  explicit CurlTransport(TransportOptions options = {});
  ~CurlTransport() override;
  CurlTransport(const CurlTransport&) = delete;
  CurlTransport& operator=(const CurlTransport&) = delete;

  Result<Answer> Send(const Request& request) override;

 private:
  void* Take();
  void GiveBack(void* handle);

  const TransportOptions options_;
  std::mutex mutex_;
  std::vector<void*> idle_;  // curl's handles, each with its open connections
};

}  // namespace ekshume::live::http
