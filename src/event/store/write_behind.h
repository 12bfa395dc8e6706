// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace ekshume::event {

// Has the kernel write out files to the disk while they still grow, between Start() and Stop(), so
// that the sync at the end has little left to wait for. It promises nothing: what must be on the
// disk is synced besides. Files that cannot be opened are left alone. One thread uses it; it has
// one of its own meanwhile.
//
// It must outlive whatever holds a lock on one of the files by fcntl(2): closing a descriptor lets
// go of all such locks of the process, and DuckDB holds one.
class WriteBehind {
 public:
  explicit WriteBehind(const std::vector<std::string>& paths);
  ~WriteBehind();
  WriteBehind(const WriteBehind&) = delete;
  WriteBehind& operator=(const WriteBehind&) = delete;

  void Start();
  void Stop();

 private:
  void Work();

  std::vector<int> descriptors_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace ekshume::event
