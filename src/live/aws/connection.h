// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "live/aws/client.h"
#include "live/aws/credential_chain.h"
#include "live/aws/sts.h"
#include "live/http/curl_transport.h"
#include "live/wire/surroundings.h"

namespace ekshume::live::aws {

// What a user says about how to reach AWS; all may be "".
struct ConnectionOptions {
  std::string profile;
  std::string region;
  std::string role_arn;
  std::string external_id;
  std::string session_name;  // of roles assumed; see SessionName()
  std::string endpoint_url;
};

// All that a client needs, kept together: HTTP, the credential chain, the client itself. Nothing is
// asked of any service before the first call. Any number of threads.
class Connection {
 public:
  // kInvalidArgument for options that make no sense, kIo for shared files that cannot be read.
  // `diagnostics` and `progress` must outlive it.
  static Result<std::unique_ptr<Connection>> Open(const ConnectionOptions& options,
                                                  DiagnosticSink& diagnostics, Progress* progress);

  // The client; kNotFound without credentials, kInvalidArgument when no region was given or found.
  Result<const Client*> client();
  // One for another region, with the same credentials.
  Result<std::unique_ptr<Client>> ClientOf(const std::string& region);

 private:
  explicit Connection(Progress* progress);

  wire::Surroundings surroundings_;
  http::CurlTransport transport_;
  ClientSettings settings_;
  std::unique_ptr<CredentialChain> chain_;
  std::unique_ptr<Client> client_;
};

// The endpoints that the environment names: AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_EBS, _EC2 and so
// on. `url` (--endpoint-url) goes before all of them.
EndpointOptions EndpointsOf(const wire::Surroundings& surroundings, const std::string& url);

}  // namespace ekshume::live::aws
