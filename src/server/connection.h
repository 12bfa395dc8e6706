// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

// How bytes come and go, with an end to everything that a slow or hostile client could stretch.
namespace ekshume::server {

// Whether a socket gets ready for `events` (of poll) within that time.
bool IsReady(int socket, short events, std::chrono::milliseconds time);

// A socket of one connection. What it reads of a request must come within limits::kRequestTime in
// all, and be no more than a head and a body may have. One thread.
class SocketStream : public httplib::Stream {
 public:
  explicit SocketStream(int socket) : socket_(socket) {}

  // Waits for the first byte of the next request; false when none comes in time, or when
  // `stopping`.
  bool WaitForRequest(const std::function<bool()>& stopping) const;
  // From now on the clock of the request runs.
  void BeginRequest();

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* out, size_t size) override;
  ssize_t write(const char* bytes, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  int socket() const override { return socket_; }

 protected:
  // What is left of the request's time.
  std::chrono::milliseconds time_left() const;
  // Whether bytes came already that poll() does not know of.
  virtual bool has_pending() const { return false; }
  // As recv() and send() do; at most `size` bytes. A reader may wait for time_left().
  virtual ssize_t Receive(char* out, size_t size);
  virtual ssize_t Send(const char* bytes, size_t size);

 private:
  const int socket_;
  std::chrono::steady_clock::time_point deadline_;
  size_t bytes_left_ = 0;
};

// Threads for connections, made as they are needed, limits::kMostConnections at most. A connection
// is a thread's whole work until it ends, so a few slow ones hold nobody up.
class ConnectionThreads final : public httplib::TaskQueue {
 public:
  ~ConnectionThreads() override { shutdown(); }
  void enqueue(std::function<void()> work) override;
  void shutdown() override;

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool stopped_ = false;
};

}  // namespace ekshume::server
