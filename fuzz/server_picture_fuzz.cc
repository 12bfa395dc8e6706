// SPDX-License-Identifier: Apache-2.0
#include <span>

#include "base/check.h"
#include "server/picture.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto picture = ekshume::server::ReadPicture(std::as_bytes(std::span(data, size)));
  if (picture) {
    EKSHUME_CHECK(picture->width > 0 && picture->height > 0);
    EKSHUME_CHECK(picture->type.starts_with("image/"));
  }
  return 0;
}
