// SPDX-License-Identifier: Apache-2.0
#include "server/selection.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>

#include "casefile/search/event_search.h"
#include "server/limits.h"

namespace ekshume::server {

void Selections::Start() {
  Stop();
  stop_ = false;
  is_over_ = false;
  reader_ = std::thread([this] {
    Read();
    is_over_ = true;
  });
}

void Selections::Stop() {
  {
    const std::lock_guard lock(mutex_);  // a reader that is about to wait would not hear of it
    stop_ = true;
  }
  asked_.notify_all();
  while (!is_over_) {
    {
      const std::lock_guard lock(mutex_);
      if (reading_) reading_->Interrupt();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  if (reader_.joinable()) reader_.join();
  const std::lock_guard lock(mutex_);
  kept_.clear();
  coded_.reset();
}

std::shared_ptr<const event::CodedEvents> Selections::coded() const {
  const std::lock_guard lock(mutex_);
  return coded_;
}

void Selections::Read() {
  const auto open = [&]() -> event::Store* {
    Result<std::unique_ptr<event::Store>> store = casefile::OpenEvents(case_path_);
    const std::lock_guard lock(mutex_);
    reading_ = store ? std::move(*store) : nullptr;
    return stop_ ? nullptr : reading_.get();
  };
  event::Store* store = open();
  if (store == nullptr) return;
  Result<std::unique_ptr<event::CodedEvents>> events = store->LoadCoded();
  if (!events || !*events) {
    {
      std::unique_lock lock(mutex_);
      reading_.reset();
      asked_.wait_for(lock, limits::kReadAfter, [&] { return is_asked_ || stop_; });
    }
    // Those who look at the case come first. The threads of a store are made by who opens it.
    setpriority(PRIO_PROCESS, 0, 19);
    store = open();
    if (store == nullptr) return;
    events = store->ReadCoded(stop_);
  }
  const std::lock_guard lock(mutex_);
  reading_.reset();
  if (!events || stop_) return;
  coded_ = std::move(*events);
  kept_.clear();
}

Result<std::shared_ptr<Selection>> Selections::Of(event::Store& store, const std::string& where) {
  std::shared_ptr<Entry> entry;
  std::shared_ptr<const event::CodedEvents> coded;
  {
    const std::lock_guard lock(mutex_);
    is_asked_ = true;
    asked_.notify_all();
    coded = coded_;
    const auto found = std::ranges::find(kept_, where, &Entry::where);
    if (found != kept_.end()) {
      entry = *found;
      kept_.erase(found);
    } else {
      entry = std::make_shared<Entry>();
      entry->where = where;
    }
    kept_.push_front(entry);
    if (kept_.size() > limits::kKeptSelections) kept_.pop_back();
  }
  const std::lock_guard lock(entry->mutex);
  if (!entry->selection) {
    entry->selection =
        coded ? EKSHUME_TRY(CodedSelection(coded, store, where)) : AskedSelection(where);
  }
  return entry->selection;
}

}  // namespace ekshume::server
