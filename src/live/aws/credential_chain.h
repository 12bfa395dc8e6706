// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "live/aws/client.h"
#include "live/aws/config_file.h"
#include "live/aws/credential_source.h"
#include "live/wire/surroundings.h"

// Where credentials come from, in the order of AWS's own tools ("Standardized credential providers"
// in the AWS SDKs and tools reference guide).
namespace ekshume::live::aws {

struct ChainOptions {
  std::string profile;       // --profile; "": AWS_PROFILE, else the environment and so on
  std::string role_arn;      // --role-arn: a role assumed with what the chain finds
  std::string external_id;   // for that role
  std::string session_name;  // of every role assumed (SessionName())
  std::string region;        // --region; "": AWS_REGION, the profile's, the instance's
  ClientSettings client;     // for the calls of STS and SSO: endpoints, diagnostics, waiting
};

// One credential of one source; `surroundings` and `transport` must outlive it. Any number of
// threads.
//
// Asked in order: a named profile; the environment; a web identity (IRSA); the profile of the
// shared files, with its keys, source_profile and role_arn, credential_process, SSO sign-in or
// credential_source; the container's address (EKS Pod Identity, ECS); the instance's metadata
// (version 2). The first that is there is used: when it fails, that is the failure.
class CredentialChain final : public CredentialSource {
 public:
  static Result<std::unique_ptr<CredentialChain>> Open(ChainOptions options,
                                                       const wire::Surroundings& surroundings,
                                                       http::Transport& transport);

  Result<Credentials> Get() override;
  void Forget(const Credentials& refused) override;

  // The region that was given or found, or "" (then each call needs one).
  const std::string& region() const { return options_.region; }

 private:
  CredentialChain(ChainOptions options, const wire::Surroundings& surroundings,
                  http::Transport& transport);

  Result<Credentials> Resolve();
  Result<Credentials> ResolveBase();
  Result<Credentials> FromProfile(const std::string& profile, int depth);
  Result<Credentials> FromRoleOfProfile(const std::string& profile, int depth);
  Result<Credentials> FromSso(const std::string& profile);
  Result<Credentials> FromProcess(const std::string& command, const std::string& profile);
  Result<Credentials> FromWebIdentity(const std::string& token_file, const std::string& role_arn,
                                      const std::string& session_name);
  std::optional<Credentials> FromEnvironment();
  Result<Credentials> FromContainer();
  Result<Credentials> FromInstance();
  Result<std::string> InstanceMetadata(const std::string& path);
  Result<std::string> InstanceToken();
  Client MakeClient(CredentialSource& source) const;
  bool ProfileHasCredentials(const std::string& profile) const;

  ChainOptions options_;
  const wire::Surroundings& surroundings_;
  http::Transport& transport_;
  SharedConfig config_;

  std::mutex mutex_;  // guards what follows; held while new ones are got
  std::optional<Credentials> current_;
};

}  // namespace ekshume::live::aws
