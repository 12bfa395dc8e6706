// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>

#include "base/byte_view.h"
#include "base/hash.h"

namespace ekshume {

// scrypt (RFC 7914) with N = 2^log_cost, r = 8, p = 1 and 32 bytes of output, through OpenSSL.
// Needs 2^(log_cost + 10) bytes; nothing when they cannot be had, or log_cost is 0 or above 20. Any
// thread.
std::optional<Sha256Digest> Scrypt(ByteView password, ByteView salt, unsigned log_cost);

// Whether two digests are the same, in a time that does not say where they differ.
bool AreSame(const Sha256Digest& left, const Sha256Digest& right);

}  // namespace ekshume
