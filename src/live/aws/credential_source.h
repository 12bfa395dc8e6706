// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "base/result.h"
#include "live/aws/sigv4.h"

namespace ekshume::live::aws {

// Where a client gets what it signs with. Any number of threads.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  // Credentials that are valid now; got anew when the ones at hand end soon. kNotFound when there
  // are none; kIo and what services answer.
  virtual Result<Credentials> Get() = 0;
  // The service called `refused` expired: the next Get() gets new ones. Those that another thread
  // has already replaced stay.
  virtual void Forget(const Credentials& refused) = 0;
};

// Credentials as they are, for tests and for the calls that get other ones.
class FixedCredentials final : public CredentialSource {
 public:
  explicit FixedCredentials(Credentials credentials) : credentials_(std::move(credentials)) {}
  Result<Credentials> Get() override { return credentials_; }
  void Forget(const Credentials&) override {}

 private:
  const Credentials credentials_;
};

}  // namespace ekshume::live::aws
