// SPDX-License-Identifier: Apache-2.0
#include "base/scrypt.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstdint>

namespace ekshume {
namespace {

constexpr uint64_t kBlock = 8;
constexpr uint64_t kLanes = 1;
constexpr unsigned kMostLogCost = 20;

}  // namespace

std::optional<Sha256Digest> Scrypt(ByteView password, ByteView salt, unsigned log_cost) {
  if (log_cost == 0 || log_cost > kMostLogCost) return std::nullopt;
  const uint64_t cost = uint64_t{1} << log_cost;
  // Twice what it needs: OpenSSL counts small things too.
  const uint64_t most_memory = 2 * 128 * kBlock * cost + (uint64_t{1} << 20);
  Sha256Digest digest;
  const int done = EVP_PBE_scrypt(
      password.empty() ? "" : static_cast<const char*>(static_cast<const void*>(password.data())),
      password.size(), AsUnsignedChars(salt), salt.size(), cost, kBlock, kLanes, most_memory,
      AsUnsignedChars(std::span(digest)), digest.size());
  if (done != 1) return std::nullopt;
  return digest;
}

bool AreSame(const Sha256Digest& left, const Sha256Digest& right) {
  return CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace ekshume
