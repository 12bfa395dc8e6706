// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "server/broadcast.h"
#include "server/guard.h"

namespace ekshume::server {

// What one browser is told as server-sent events, as long as its session lasts: a greeting, then
// what others change, and a comment when there is nothing for a while. One thread at a time.
class Feed {
 public:
  // Both must outlive the object. `cookie` is the header of the request: whose session it is, is
  // asked again before each message.
  Feed(const Guard& guard, const Broadcast& changes, std::string cookie);

  // The next piece of the stream, after `wait` at most; nothing when the stream is over, because
  // the session ended or the server does.
  std::optional<std::string> Next(std::chrono::milliseconds wait,
                                  Guard::Clock::time_point (*now)() = Guard::Clock::now);

 private:
  const Guard& guard_;
  const Broadcast& changes_;
  const std::string cookie_;
  uint64_t number_;
  bool greeted_ = false;
};

}  // namespace ekshume::server
