// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "event/store/coded_events.h"
#include "event/store/store.h"

namespace ekshume::server {

// How many events there are, and how they lie in time.
struct Histogram {
  uint64_t total = 0;
  uint64_t without_time = 0;
  std::optional<std::pair<int64_t, int64_t>> extent;  // first and last, nanoseconds since 1970
  int64_t width = 1;                                  // of a bar, in nanoseconds
  std::vector<uint64_t> bars;                         // from the first on
};

// The most frequent values of a column; none: events without a value.
struct Facet {
  struct Value {
    std::optional<std::string> text;
    uint64_t count = 0;
  };
  std::string column;
  std::vector<Value> values;
};

// The events that fit a condition, by their number in order of time: reversed, newest first. Events
// without a time are last either way. The caller holds the store that it gives. Any thread.
class Selection {
 public:
  virtual ~Selection() = default;
  virtual Result<Histogram> Bars(event::Store& store, uint64_t most) = 0;
  // A condition and an order (that of event::OrderedEventsSql()) in which the event of number
  // `offset` comes after `skip` others, and `limit` follow it, or all there are. None when there is
  // no event of that number.
  struct Page {
    std::string where;
    uint64_t skip = 0;
  };
  virtual Result<std::optional<Page>> PageOf(event::Store& store, uint64_t offset, uint64_t limit,
                                             bool reverse) = 0;
  virtual Result<std::vector<Facet>> Facets(event::Store& store,
                                            const std::vector<std::string>& columns,
                                            uint64_t size) = 0;
  // The number of the event, which is a UUID; none when it is not among them.
  virtual Result<std::optional<uint64_t>> NumberOf(event::Store& store, const std::string& id,
                                                   bool reverse) = 0;
};

// The condition that the empty query is.
inline constexpr std::string_view kAllEvents = "(true)";

// The condition asked of the database, each time.
std::shared_ptr<Selection> AskedSelection(std::string where);
Result<std::vector<Facet>> AskFacets(event::Store& store, const std::string& where,
                                     const std::vector<std::string>& columns, uint64_t size);
// The same out of memory: the database is asked once, for the rows that fit.
Result<std::shared_ptr<Selection>> CodedSelection(std::shared_ptr<const event::CodedEvents> events,
                                                  event::Store& store, std::string where);

// The last few selections of a case, which share what is found out. Any thread.
class Selections {
 public:
  explicit Selections(std::string case_path) : case_path_(std::move(case_path)) {}
  Selections(const Selections&) = delete;
  Selections& operator=(const Selections&) = delete;
  ~Selections() { Stop(); }

  // Begins to read the events into memory, if they fit (CodedEvents), in the background: at once
  // where a file of the case has them, else at the first question, or soon, as the first screen
  // should not have to wait. Until they are there, and without them, the database answers.
  void Start();
  // Forgets all, and lets go of the case.
  void Stop();
  // The events in memory; null while they are not there.
  std::shared_ptr<const event::CodedEvents> coded() const;

  Result<std::shared_ptr<Selection>> Of(event::Store& store, const std::string& where);

 private:
  struct Entry {
    std::string where;
    std::mutex mutex;  // two requests for it: one finds out, the other waits
    std::shared_ptr<Selection> selection;
  };

  void Read();

  const std::string case_path_;
  mutable std::mutex mutex_;                 // of what follows
  std::deque<std::shared_ptr<Entry>> kept_;  // newest first
  std::shared_ptr<const event::CodedEvents> coded_;
  std::unique_ptr<event::Store> reading_;
  std::condition_variable asked_;
  bool is_asked_ = false;
  std::atomic<bool> stop_{false};
  std::atomic<bool> is_over_{true};
  std::thread reader_;
};

}  // namespace ekshume::server
