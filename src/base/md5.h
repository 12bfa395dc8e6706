// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "base/byte_view.h"

namespace ekshume {

using Md5Digest = std::array<std::byte, 16>;

// MD5 (RFC 1321) through OpenSSL, only to compare with what a service says: S3's entity tags. It
// protects nothing. One thread at a time per object.
class Md5 {
 public:
  Md5();
  ~Md5();
  Md5(Md5&&) noexcept;
  Md5& operator=(Md5&&) noexcept;

  void Update(ByteView bytes);
  // The digest of all that was given; resets the object for the next message.
  Md5Digest Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace ekshume
