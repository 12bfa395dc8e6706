// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

// The log of aws-iam-authenticator, which maps IAM identities to Kubernetes users (the EKS stream
// authenticator-<32 hex>): logrus text. It never has the client's address, `client` is the API
// server beside it; the port of `client` is the same in the lines of one login.
namespace ekshume::log::authenticator {

const Format& AuthenticatorFormat();

}  // namespace ekshume::log::authenticator
