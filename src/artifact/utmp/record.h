// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/byte_view.h"
#include "base/time.h"

namespace ekshume::artifact::utmp {

enum class Width : uint8_t { k32, k64 };
size_t UtmpBytes(Width width);
size_t LastlogBytes(Width width);

// One record, whichever machine wrote it.
struct Record {
  uint16_t type = 0;
  int64_t pid = 0;
  std::string line;
  std::string id;
  std::string user;
  std::string host;
  std::string address;  // "" when there is none
  Timestamp time;
  bool plausible = false;  // its type, microseconds and texts are such as programs write
};
// `bytes`: one whole record of that width.
Result<Record> ParseUtmp(ByteView bytes, Width width);

// Nothing for an entry of a user who never logged in (all zeros).
Result<std::optional<Record>> ParseLastlog(ByteView bytes, Width width);

// The width in which more of the first records are plausible; 32 bits when it cannot be told.
Width GuessUtmpWidth(ByteView beginning);
// How well the first entries that say anything fit that width: the plausible ones less the others.
int64_t LastlogScore(ByteView beginning, Width width);

// The record as utmpdump(1) prints it.
std::string Dump(const Record& record);

}  // namespace ekshume::artifact::utmp
