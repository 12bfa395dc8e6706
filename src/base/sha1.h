// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>

#include "base/byte_view.h"

namespace ekshume {

using Sha1Digest = std::array<std::byte, 20>;

// SHA-1 (FIPS 180-4) through OpenSSL, only where a format asks for it. It protects nothing.
Sha1Digest Sha1(ByteView bytes);

}  // namespace ekshume
