// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace ekshume::artifact::packages {

// What gzip packed (RFC 1952; several members one behind the other), at most `most_bytes` of it.
// `complete` is false when the data is damaged, ends early or is longer: what came before is kept.
struct Unpacked {
  std::string content;
  bool complete = false;
};
Unpacked Gunzip(std::string_view packed, size_t most_bytes);

}  // namespace ekshume::artifact::packages
