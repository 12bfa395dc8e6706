// SPDX-License-Identifier: Apache-2.0
#include "base/md5.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace ekshume {

struct Md5::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(evp); }
};

Md5::Md5() : context_(std::make_unique<Context>()) {
  EKSHUME_CHECK(EVP_DigestInit_ex2(context_->evp, EVP_md5(), nullptr) == 1);
}
Md5::~Md5() = default;
Md5::Md5(Md5&&) noexcept = default;
Md5& Md5::operator=(Md5&&) noexcept = default;

void Md5::Update(ByteView bytes) {
  EKSHUME_CHECK(EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) == 1);
}

Md5Digest Md5::Finish() {
  Md5Digest digest;
  unsigned int length = 0;
  EKSHUME_CHECK(EVP_DigestFinal_ex(context_->evp, AsUnsignedChars(std::span(digest)), &length) ==
                    1 &&
                length == digest.size());
  EKSHUME_CHECK(EVP_DigestInit_ex2(context_->evp, nullptr, nullptr) == 1);
  return digest;
}

}  // namespace ekshume
