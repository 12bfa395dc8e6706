// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "base/result.h"
#include "live/aws/credential_source.h"
#include "live/aws/endpoint.h"
#include "live/aws/service_error.h"
#include "live/http/transport.h"

namespace ekshume::live::aws {

struct ClientSettings {
  std::string region;
  EndpointOptions endpoints;
  int max_attempts = 10;
  std::chrono::milliseconds first_wait{200};  // doubled each time, up to `longest_wait`
  std::chrono::milliseconds longest_wait{20'000};
  DiagnosticSink* diagnostics = nullptr;  // gets kAcquireRetried; may be null
  Progress* progress = nullptr;           // asked whether to stop; may be null
  // Waits; replaced in tests. Returns early when the user wants to stop.
  std::function<void(std::chrono::milliseconds)> wait;
};

// One call of a service.
struct Call {
  std::string service;     // the host's prefix: "ec2", "ebs", "logs", "guardduty"
  std::string signing;     // the signing name where it differs, or ""
  std::string permission;  // the IAM action, also the call's name in messages: "ec2:CreateSnapshot"
  std::string method = "POST";
  std::string path = "/";  // not encoded
  Parameters query;        // not encoded
  Parameters headers;      // names in lower case
  std::string body;
  std::string region;     // "" for the client's
  std::string host;       // instead of the service's own (S3's bucket hosts), or ""
  bool is_signed = true;  // AssumeRoleWithWebIdentity and SSO prove themselves otherwise
  // False: not made again unless the service said that it did not do it (throttling, credentials).
  bool is_repeatable = true;
  std::function<Result<void>(ByteView)> sink;  // as http::Request::sink
  // Called before an attempt is made again, so that a sink can begin anew. None: a call with a sink
  // that has received bytes is not made again.
  std::function<Result<void>()> restart;
  std::chrono::milliseconds timeout{std::chrono::minutes(5)};
};

// Makes calls: signs them, waits and makes them again when the service is too busy, faulty or the
// connection breaks, gets new credentials when they have expired, and corrects for a wrong clock of
// this machine by the Date of the answers. Any number of threads may call one client. The transport
// and the credentials must outlive it.
class Client {
 public:
  Client(http::Transport& transport, CredentialSource& credentials, ClientSettings settings);

  // A 2xx answer. Otherwise: kNotFound; kLimit (from the transport); kCancelled; kIo with one
  // sentence, which for a missing permission names the IAM action. `failure`, when given, gets what
  // the service said.
  Result<http::Answer> Send(const Call& call, ServiceError* failure = nullptr) const;

  // The service's clock minus ours in seconds, as the last answer had it (whole seconds; 0 before
  // the first answer).
  double clock_offset_seconds() const { return static_cast<double>(offset_ms_.load()) / 1000; }
  const std::string& region() const { return settings_.region; }
  const ClientSettings& settings() const { return settings_; }
  CredentialSource& credentials() const { return credentials_; }
  http::Transport& transport() const { return transport_; }
  // Now, by the service's clock.
  Timestamp ServiceTime() const;

 private:
  struct Attempt;
  Result<http::Answer> SendOnce(const Call& call, const Endpoint& endpoint,
                                Credentials& used) const;
  void LearnClock(const http::Answer& answer, Timestamp sent, Timestamp received) const;
  Result<void> WaitBeforeRetry(const Call& call, int attempt, std::string_view why,
                               std::chrono::milliseconds asked) const;

  http::Transport& transport_;
  CredentialSource& credentials_;
  const ClientSettings settings_;
  mutable std::atomic<int64_t> offset_ms_{0};
};

}  // namespace ekshume::live::aws
