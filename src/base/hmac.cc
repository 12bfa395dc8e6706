// SPDX-License-Identifier: Apache-2.0
#include "base/hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.h"

namespace ekshume {

Sha256Digest HmacSha256(ByteView key, ByteView message) {
  static constexpr std::byte kNoKey{};
  Sha256Digest digest;
  unsigned int length = 0;
  // HMAC() takes a null key for "the key of before".
  const void* key_data = key.empty() ? &kNoKey : key.data();
  EKSHUME_CHECK(HMAC(EVP_sha256(), key_data, static_cast<int>(key.size()), AsUnsignedChars(message),
                     message.size(), AsUnsignedChars(std::span(digest)), &length) != nullptr &&
                length == digest.size());
  return digest;
}

}  // namespace ekshume
