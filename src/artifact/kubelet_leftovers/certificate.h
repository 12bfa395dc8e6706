// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace ekshume::artifact::kubelet_leftovers {

struct Certificate {
  std::string subject;      // RFC 2253: "CN=system:node:x,O=system:nodes"
  std::string common_name;  // "system:node:x"
  std::string issuer;
  std::string fingerprint;  // "X509SHA256=" and lower-case hexadecimal digits of the DER's SHA-256
  std::optional<Timestamp> not_before;
  std::optional<Timestamp> not_after;
};

// The X.509 certificates among the PEM blocks (RFC 7468) of a text, in order; at most 64.
std::vector<Certificate> ParseCertificates(std::string_view pem);

}  // namespace ekshume::artifact::kubelet_leftovers
