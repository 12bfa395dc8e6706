// SPDX-License-Identifier: Apache-2.0
#include "base/sha1.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace ekshume {

Sha1Digest Sha1(ByteView bytes) {
  Sha1Digest digest;
  unsigned int length = 0;
  EKSHUME_CHECK(EVP_Digest(bytes.data(), bytes.size(), AsUnsignedChars(std::span(digest)), &length,
                           EVP_sha1(), nullptr) == 1 &&
                length == digest.size());
  return digest;
}

}  // namespace ekshume
