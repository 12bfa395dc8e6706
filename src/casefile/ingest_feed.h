// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "casefile/file_input.h"
#include "event/store/store.h"
#include "log/carrier/unpack.h"
#include "log/dispatch.h"

namespace ekshume::casefile {

// The key of an item that is a file with this SHA-256.
inline std::string ContentKey(const std::string& sha256) { return "sha256:" + sha256; }

// Brings records to the store: one thread of its own reads and cuts (`feed`), the store's threads
// read the records. The queue between them is short, so memory stays bounded.
class IngestFeed final : public event::RowSource {
 public:
  // `feed` runs on the thread that Start() begins and calls the functions below.
  using Feed = std::function<Result<void>(IngestFeed&)>;
  IngestFeed(Feed feed, DiagnosticSink& diagnostics, Progress& progress);
  ~IngestFeed() override;

  void Start();
  // Waits for the feed and says how it ended.
  Result<void> Join();
  // The items with what became of their records. After Join().
  std::vector<event::Item> Items();

  // --- for the feed ---

  // Begins an item; returns its number. With `hash` the item's `sha256` and `key` are made of it as
  // soon as somebody needs them.
  uint32_t Begin(event::Item item, std::shared_ptr<ContentHash> hash = nullptr);
  // Reads all records of a leaf. `stream` is what is known of it besides what the leaf says. An
  // unknown format is a diagnostic.
  Result<void> AddLeaf(uint32_t item, const log::Leaf& leaf, log::Stream stream);
  // Adds one row that was read already. `evidence` is its column.
  void AddRow(uint32_t item, event::Event& event, const std::string& evidence, uint64_t offset);
  // Hands over what AddRow() gathered.
  void Flush();
  bool cancelled() const { return stopped_ || progress_.cancelled(); }
  DiagnosticSink& diagnostics() { return diagnostics_; }

  // --- event::RowSource ---
  bool Next(event::RowBatch& batch) override;
  void Duplicate(uint32_t item) override;
  std::string_view ItemKey(uint32_t item) override;

 private:
  struct Work {
    uint32_t item = 0;
    std::string_view evidence;
    std::unique_ptr<log::RecordBatch> records;
    event::RowBatch rows;  // when there are no records
  };
  struct Progressing {
    event::Item item;
    std::shared_ptr<ContentHash> hash;  // until it is in `item`
    log::RecordCounts counts;
    uint64_t duplicates = 0;
    std::set<std::string> formats;
  };

  void TakeHash(uint32_t item);
  std::string_view KeepEvidence(const std::string& evidence);
  std::unique_ptr<log::RecordBatch> FreeBatch();
  bool Push(Work work);
  void Count(uint32_t item, const log::RecordCounts& counts, const event::RowBatch& rows);

  const Feed feed_;
  DiagnosticSink& diagnostics_;
  Progress& progress_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::condition_variable space_;
  std::deque<Work> queue_;
  bool ended_ = false;                 // the feed has
  std::atomic<bool> stopped_ = false;  // the store takes no more
  Result<void> result_;
  std::vector<std::unique_ptr<Progressing>> items_;
  std::set<std::string> evidence_;  // names of leaves, which their rows refer to
  std::vector<std::unique_ptr<log::Dispatcher>> idle_;
  std::vector<std::unique_ptr<log::RecordBatch>> free_batches_;  // read; their memory is used again
  std::vector<event::RowBatch> free_rows_;                       // the same
  log::Dispatcher prober_;
  event::RowBatch gathered_;
  uint32_t gathered_item_ = 0;
  log::RecordCounts gathered_counts_;
  uint32_t row_number_ = 0;  // of the item's rows that AddRow() took
  std::jthread thread_;
};

}  // namespace ekshume::casefile
