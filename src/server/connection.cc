// SPDX-License-Identifier: Apache-2.0
#include "server/connection.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "server/limits.h"

namespace ekshume::server {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds kSlice{200};  // how soon a waiting connection sees that the server stops

}  // namespace

bool IsReady(int socket, short events, milliseconds time) {
  const auto end = steady_clock::now() + time;
  while (true) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
    pollfd wanted{socket, events, 0};
    const int count = poll(&wanted, 1, static_cast<int>(std::max(left, milliseconds{0}).count()));
    if (count > 0) return true;
    if (count == 0 || errno != EINTR) return false;
  }
}

bool SocketStream::WaitForRequest(const std::function<bool()>& stopping) const {
  const auto end = steady_clock::now() + limits::kIdleTime;
  while (!stopping() && steady_clock::now() < end) {
    if (has_pending() || IsReady(socket_, POLLIN, kSlice)) return true;
  }
  return false;
}

void SocketStream::BeginRequest() {
  deadline_ = steady_clock::now() + limits::kRequestTime;
  bytes_left_ = limits::kMostHeadBytes + limits::kMostBodyBytes;
}

milliseconds SocketStream::time_left() const {
  return std::chrono::duration_cast<milliseconds>(deadline_ - steady_clock::now());
}

bool SocketStream::is_readable() const {
  const milliseconds left = time_left();
  return left > milliseconds{0} && (has_pending() || IsReady(socket_, POLLIN, left));
}

bool SocketStream::is_writable() const {
  return IsReady(socket_, POLLOUT, std::chrono::duration_cast<milliseconds>(limits::kWriteTime));
}

ssize_t SocketStream::read(char* out, size_t size) {
  if (bytes_left_ == 0 || !is_readable()) return -1;
  const ssize_t count = Receive(out, std::min(size, bytes_left_));
  if (count > 0) bytes_left_ -= static_cast<size_t>(count);
  return count;
}

ssize_t SocketStream::write(const char* bytes, size_t size) {
  if (!is_writable()) return -1;
  return Send(bytes, size);
}

ssize_t SocketStream::Receive(char* out, size_t size) { return recv(socket_, out, size, 0); }

ssize_t SocketStream::Send(const char* bytes, size_t size) {
  return send(socket_, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void SocketStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  auto* const any = static_cast<sockaddr*>(static_cast<void*>(&address));
  if (getpeername(socket_, any, &size) != 0) return;
  std::array<char, NI_MAXHOST> host;
  if (getnameinfo(any, size, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) == 0) {
    ip = host.data();
  }
}

void SocketStream::get_local_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

void ConnectionThreads::enqueue(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  waiting_.push_back(std::move(work));
  if (idle_ < waiting_.size() && threads_.size() < limits::kMostConnections) {
    threads_.emplace_back([this] { Run(); });
  }
  changed_.notify_one();
}

void ConnectionThreads::shutdown() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    threads.swap(threads_);
  }
  changed_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

void ConnectionThreads::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    changed_.wait(lock, [&] { return stopped_ || !waiting_.empty(); });
    --idle_;
    // What waits is run also when stopped: each closes its socket.
    if (waiting_.empty()) return;
    const std::function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work();
    lock.lock();
  }
}

}  // namespace ekshume::server
