// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/byte_view.h"

namespace ekshume {

// RFC 4648, section 4, with or without its padding; white space between the characters is skipped.
// Nothing when the text holds other characters or ends within a byte.
std::optional<std::string> DecodeBase64(std::string_view text);

std::string EncodeBase64(ByteView bytes);
// Without padding, as OpenSSH writes fingerprints.
std::string EncodeBase64Unpadded(ByteView bytes);

}  // namespace ekshume
