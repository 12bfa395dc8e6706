// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/byte_view.h"

namespace ekshume::image {

// An image or archive format that ekshume knows by sight and does not read: refused by name, as
// reading it as a raw disk would only find "nothing".
struct ForeignFormat {
  std::string_view name;    // "a qcow2 image"
  std::string_view advice;  // what to do with it
};

// What `head`, a file's first bytes, is of; null when it is none of these.
const ForeignFormat* RecogniseForeign(ByteView head);

}  // namespace ekshume::image
