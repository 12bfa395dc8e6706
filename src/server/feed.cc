// SPDX-License-Identifier: Apache-2.0
#include "server/feed.h"

#include <fmt/format.h>

#include <utility>

namespace ekshume::server {

Feed::Feed(const Guard& guard, const Broadcast& changes, std::string cookie)
    : guard_(guard), changes_(changes), cookie_(std::move(cookie)), number_(changes.newest()) {}

std::optional<std::string> Feed::Next(std::chrono::milliseconds wait,
                                      Guard::Clock::time_point (*now)()) {
  std::optional<Broadcast::Message> message;
  if (greeted_) message = changes_.Next(number_, wait);
  if (changes_.stopped()) return std::nullopt;
  // After the wait, which a session may not outlast: nothing is told to whoever logged out.
  RequestHead head;
  head.cookie = cookie_;
  if (!guard_.Who(head, now())) return std::nullopt;
  if (!greeted_) {
    greeted_ = true;
    return "event: hello\ndata: {}\n\n";
  }
  if (!message) return ": still here\n\n";
  number_ = message->number;
  return fmt::format("event: {}\nid: {}\ndata: {}\n\n", message->kind, message->number,
                     message->text);
}

}  // namespace ekshume::server
