// SPDX-License-Identifier: Apache-2.0
#include "server/broadcast.h"

#include "server/limits.h"

namespace ekshume::server {

void Broadcast::Send(std::string text, std::string_view kind) {
  {
    const std::lock_guard lock(mutex_);
    messages_.push_back({++newest_, std::move(text), kind});
    if (messages_.size() > limits::kKeptMessages) messages_.pop_front();
  }
  changed_.notify_all();
}

uint64_t Broadcast::newest() const {
  const std::lock_guard lock(mutex_);
  return newest_;
}

std::optional<Broadcast::Message> Broadcast::Next(uint64_t number,
                                                  std::chrono::milliseconds wait) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, wait, [&] { return stopped_ || newest_ > number; });
  if (stopped_ || newest_ <= number) return std::nullopt;
  for (const Message& message : messages_) {
    if (message.number > number) return message;
  }
  return std::nullopt;
}

void Broadcast::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
}

bool Broadcast::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

}  // namespace ekshume::server
