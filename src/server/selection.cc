// SPDX-License-Identifier: Apache-2.0
#include "server/selection.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>

#include "casefile/search/event_search.h"
#include "server/limits.h"

namespace ekshume::server {
namespace {

// What the facets of the page show, and what is pivoted on most.
constexpr std::string_view kCounted[] = {"source",    "action",         "outcome",    "user_name",
                                         "source_ip", "destination_ip", "namespace",  "pod",
                                         "node",      "container",      "object_kind"};
// The others in which words are looked for and that mostly have few values.
constexpr std::string_view kSearched[] = {
    "object_name",  "user_arn", "access_key_id", "service_account", "credential_id", "user_agent",
    "command_line", "path",     "image",         "process",         "error"};

}  // namespace

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
  {
    std::unique_lock lock(mutex_);
    asked_.wait_for(lock, limits::kReadAfter, [&] { return is_asked_ || stop_; });
    if (stop_) return;
  }
  // Those who look at the case come first. The threads of the store are made by this one.
  setpriority(PRIO_PROCESS, 0, 19);
  Result<std::unique_ptr<event::Store>> store = casefile::OpenEvents(case_path_);
  if (!store) return;
  event::Store* opened = store->get();
  {
    const std::lock_guard lock(mutex_);
    reading_ = std::move(*store);
  }
  Result<std::unique_ptr<event::CodedEvents>> events =
      opened->ReadCoded(kCounted, kSearched, stop_);
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
