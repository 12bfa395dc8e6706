// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace ekshume::server {

// What one browser changes, told to all: a sequence of messages that any number of listeners follow
// at their own pace. Any thread.
class Broadcast {
 public:
  struct Message {
    uint64_t number = 0;
    std::string text;  // one line
    std::string_view kind;
  };
  static constexpr std::string_view kAnnotation = "annotation";

  // `kind`: a name of the event whose storage is kept, as a literal's is.
  void Send(std::string text, std::string_view kind = kAnnotation);
  // The number of the newest message; 0 before the first.
  uint64_t newest() const;
  // The first message after `number`, waiting for it at most that long. A listener that fell behind
  // what is kept gets the oldest kept one: numbers tell that some are missing. Nothing when none
  // came, or after Stop().
  std::optional<Message> Next(uint64_t number, std::chrono::milliseconds wait) const;
  void Stop();
  bool stopped() const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<Message> messages_;
  uint64_t newest_ = 0;
  bool stopped_ = false;
};

}  // namespace ekshume::server
