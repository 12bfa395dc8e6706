// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/byte_view.h"
#include "base/hash.h"

namespace ekshume {

// HMAC-SHA-256 (RFC 2104, FIPS 198-1) through OpenSSL. A key may have any length. Any thread.
Sha256Digest HmacSha256(ByteView key, ByteView message);

}  // namespace ekshume
