// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace ekshume {

// Jobs go in one after the other, are worked on by several threads, and their results come out in
// the order the jobs went in: the output of a parallel listing is the same on every run.
//
// Push() and Finish() belong to one thread, the producer; `work` runs on the worker threads;
// `consume` runs on one thread at a time, in job order. At most `capacity` jobs are under way, so a
// slow consumer holds the producer back and memory stays bounded. The functions must not throw.
template <typename Job, typename Output>
class OrderedPipeline {
 public:
  OrderedPipeline(size_t thread_count, size_t capacity, std::function<Output(Job&&)> work,
                  std::function<void(Output&&)> consume)
      : capacity_(capacity), work_(std::move(work)), consume_(std::move(consume)) {
    for (size_t i = 0; i < thread_count; ++i) threads_.emplace_back([this] { Run(); });
  }
  ~OrderedPipeline() { Finish(); }
  OrderedPipeline(const OrderedPipeline&) = delete;
  OrderedPipeline& operator=(const OrderedPipeline&) = delete;

  // Hands a job over; waits while too many are under way.
  void Push(Job job) {
    std::unique_lock lock(mutex_);
    space_.wait(lock, [this] { return slots_.size() < capacity_; });
    slots_.push_back(std::make_unique<Slot>(std::move(job)));
    waiting_.push_back(slots_.back().get());
    lock.unlock();
    ready_.notify_one();
  }

  // Returns when every job is consumed. No Push() afterwards.
  void Finish() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    ready_.notify_all();
    threads_.clear();  // joins
  }

 private:
  struct Slot {
    explicit Slot(Job&& job_in) : job(std::move(job_in)) {}
    Job job;
    Output output{};
    bool done = false;
  };

  void Run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      ready_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      Slot* slot = waiting_.front();
      waiting_.pop_front();
      lock.unlock();
      Output output = work_(std::move(slot->job));
      lock.lock();
      slot->output = std::move(output);
      slot->done = true;
      Drain(lock);
    }
  }

  // Consumes finished results from the front. One thread drains at a time; the lock is released
  // around `consume_`.
  void Drain(std::unique_lock<std::mutex>& lock) {
    if (draining_) return;
    draining_ = true;
    while (!slots_.empty() && slots_.front()->done) {
      const std::unique_ptr<Slot> slot = std::move(slots_.front());
      slots_.pop_front();
      lock.unlock();
      space_.notify_one();
      consume_(std::move(slot->output));
      lock.lock();
    }
    draining_ = false;
  }

  const size_t capacity_;
  const std::function<Output(Job&&)> work_;
  const std::function<void(Output&&)> consume_;
  std::mutex mutex_;
  std::condition_variable ready_;            // a job waits, or the pipeline is closed
  std::condition_variable space_;            // a slot became free
  std::deque<std::unique_ptr<Slot>> slots_;  // in job order, until consumed
  std::deque<Slot*> waiting_;                // not yet taken by a worker
  bool closed_ = false;
  bool draining_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace ekshume
