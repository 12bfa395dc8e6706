// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.h"

// The head of a klog line (k8s.io/klog/v2, klog.go `header`):
//   Lmmdd hh:mm:ss.uuuuuu threadid file:line] text
namespace ekshume::log::klog {

struct Header {
  char level = 0;  // I W E F
  unsigned month = 0;
  unsigned day = 0;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  uint32_t nanoseconds = 0;
  int64_t process_id = 0;   // klog calls it thread id and writes the process's
  std::string_view source;  // "flags.go:59"
};

// Takes the head off `line`, which then is the text; none, and nothing taken, when it has none.
std::optional<Header> TakeHeader(std::string_view& line);

// When it was: the head has no year and means UTC. By the moment at which the carrier says that it
// happened (the nearest year), else by the newest moment that the stream can hold (the last year in
// which it is not later, with a day's grace); none without either.
std::optional<Timestamp> MomentOfHeader(const Header& header, std::optional<Timestamp> carrier_time,
                                        std::optional<Timestamp> newest);

}  // namespace ekshume::log::klog
