// SPDX-License-Identifier: Apache-2.0
#include "casefile/ingest_feed.h"

#include <fmt/format.h>

#include "log/carrier/path_hints.h"
#include "log/carrier/records.h"

namespace ekshume::casefile {
namespace {

constexpr size_t kQueueLength = 8;
// Of batches of rows that were read already: a MiB each and more.
constexpr size_t kRowQueueLength = 2;
constexpr size_t kGatheredRows = 2000;
constexpr size_t kGatheredBytes = size_t{4} << 20;

}  // namespace

IngestFeed::IngestFeed(Feed feed, DiagnosticSink& diagnostics, Progress& progress)
    : feed_(std::move(feed)),
      diagnostics_(diagnostics),
      progress_(progress),
      prober_(diagnostics) {}

IngestFeed::~IngestFeed() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  space_.notify_all();
}

void IngestFeed::Start() {
  thread_ = std::jthread([this] {
    Result<void> result = feed_(*this);
    Flush();
    const std::lock_guard lock(mutex_);
    result_ = std::move(result);
    ended_ = true;
    ready_.notify_all();
  });
}

Result<void> IngestFeed::Join() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  space_.notify_all();
  if (thread_.joinable()) thread_.join();
  return result_;
}

std::vector<event::Item> IngestFeed::Items() {
  for (uint32_t i = 0; i < items_.size(); ++i) TakeHash(i);
  std::vector<event::Item> items;
  for (const std::unique_ptr<Progressing>& progressing : items_) {
    event::Item item = progressing->item;
    const log::RecordCounts& counts = progressing->counts;
    item.records = counts.records;
    item.rows = counts.rows - progressing->duplicates;
    item.duplicates = progressing->duplicates;
    item.extra = counts.extra;
    item.skipped = counts.skipped;
    item.damaged = counts.damaged;
    item.unknown = counts.unknown;
    for (const std::string& format : progressing->formats) {
      item.formats += (item.formats.empty() ? "" : ", ") + format;
    }
    items.push_back(std::move(item));
  }
  return items;
}

uint32_t IngestFeed::Begin(event::Item item, std::shared_ptr<ContentHash> hash) {
  Flush();
  const std::lock_guard lock(mutex_);
  items_.push_back(std::make_unique<Progressing>());
  items_.back()->item = std::move(item);
  items_.back()->hash = std::move(hash);
  row_number_ = 0;
  return static_cast<uint32_t>(items_.size() - 1);
}

std::string_view IngestFeed::KeepEvidence(const std::string& evidence) {
  const std::lock_guard lock(mutex_);
  return *evidence_.insert(evidence).first;
}

std::unique_ptr<log::RecordBatch> IngestFeed::FreeBatch() {
  const std::lock_guard lock(mutex_);
  if (free_batches_.empty()) return std::make_unique<log::RecordBatch>();
  std::unique_ptr<log::RecordBatch> batch = std::move(free_batches_.back());
  free_batches_.pop_back();
  return batch;
}

bool IngestFeed::Push(Work work) {
  const size_t most = work.records != nullptr ? kQueueLength : kRowQueueLength;
  std::unique_lock lock(mutex_);
  space_.wait(lock, [&] { return stopped_ || queue_.size() < most; });
  if (stopped_) return false;
  queue_.push_back(std::move(work));
  lock.unlock();
  ready_.notify_one();
  return true;
}

Result<void> IngestFeed::AddLeaf(uint32_t item, const log::Leaf& leaf, log::Stream stream) {
  stream.evidence = leaf.evidence;
  if (stream.path.empty()) stream.path = leaf.path;
  if (leaf.modified) stream.written = leaf.modified;
  log::FillFromPath(stream);
  log::RecordReader reader(*leaf.input, std::move(stream), diagnostics_);
  const std::string_view evidence = KeepEvidence(leaf.evidence);
  bool first = true;
  for (;;) {
    if (cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
    std::unique_ptr<log::RecordBatch> batch = FreeBatch();
    const Result<bool> more = reader.Next(*batch);
    if (!more) {
      diagnostics_.Report(DiagnosticCode::kLogUnreadable, leaf.evidence, more.error().message);
      break;
    }
    if (!*more) break;
    if (first && !prober_.Recognizes(*batch)) {
      diagnostics_.Report(DiagnosticCode::kLogFileUnknown, leaf.evidence,
                          "none of its first records is of a known format");
      log::RecordCounts counts;
      counts.records = counts.unknown = 1;
      Count(item, counts, {});
      return {};
    }
    first = false;
    Work work;
    work.item = item;
    work.evidence = evidence;
    work.records = std::move(batch);
    if (!Push(std::move(work))) return Fail(ErrorCode::kCancelled, "stopped");
  }
  log::RecordCounts counts;
  counts.damaged = reader.counts().damaged;
  counts.skipped = reader.counts().skipped;
  counts.records = counts.damaged + counts.skipped;
  Count(item, counts, {});
  return {};
}

void IngestFeed::AddRow(uint32_t item, event::Event& event, const std::string& evidence,
                        uint64_t offset) {
  gathered_item_ = item;
  // Several events of one place: the number keeps their ids apart.
  gathered_.Add(event, {item, gathered_.KeepEvidence(evidence), offset, row_number_++},
                gathered_.AddRaw(event.raw), static_cast<uint32_t>(event.raw.size()));
  event.Clear();
  ++gathered_counts_.rows;
  ++gathered_counts_.records;
  if (gathered_.count() >= kGatheredRows || gathered_.raw().size() >= kGatheredBytes) Flush();
}

void IngestFeed::Flush() {
  if (gathered_.count() == 0) return;
  Count(gathered_item_, gathered_counts_, gathered_);
  gathered_counts_ = {};
  Work work;
  work.item = gathered_item_;
  {
    const std::lock_guard lock(mutex_);
    if (!free_rows_.empty()) {
      work.rows = std::move(free_rows_.back());
      free_rows_.pop_back();
    }
  }
  std::swap(work.rows, gathered_);
  static_cast<void>(Push(std::move(work)));
}

void IngestFeed::Count(uint32_t item, const log::RecordCounts& counts,
                       const event::RowBatch& rows) {
  const std::lock_guard lock(mutex_);
  Progressing& progressing = *items_[item];
  progressing.counts += counts;
  std::string_view last;
  for (size_t i = 0; i < rows.count(); ++i) {
    const std::string_view source = rows.source(rows.row(i));
    if (source == last) continue;
    last = source;
    progressing.formats.emplace(source);
  }
}

bool IngestFeed::Next(event::RowBatch& batch) {
  std::unique_lock lock(mutex_);
  ready_.wait(lock, [this] { return ended_ || !queue_.empty(); });
  if (queue_.empty() || progress_.cancelled()) return false;
  Work work = std::move(queue_.front());
  queue_.pop_front();
  std::unique_ptr<log::Dispatcher> dispatcher;
  if (work.records && !idle_.empty()) {
    dispatcher = std::move(idle_.back());
    idle_.pop_back();
  }
  lock.unlock();
  space_.notify_one();
  if (!work.records) {
    std::swap(batch, work.rows);
    work.rows.Clear();
    lock.lock();
    free_rows_.push_back(std::move(work.rows));
    return true;
  }
  if (!dispatcher) dispatcher = std::make_unique<log::Dispatcher>(diagnostics_);
  const log::RecordCounts counts = dispatcher->Read(*work.records, work.item, work.evidence, batch);
  Count(work.item, counts, batch);
  lock.lock();
  idle_.push_back(std::move(dispatcher));
  free_batches_.push_back(std::move(work.records));
  return true;
}

void IngestFeed::Duplicate(uint32_t item) {
  const std::lock_guard lock(mutex_);
  ++items_[item]->duplicates;
}

std::string_view IngestFeed::ItemKey(uint32_t item) {
  TakeHash(item);
  const std::lock_guard lock(mutex_);
  return items_[item]->item.key;
}

// Gets the hash without holding the lock, which the feed needs to go on.
void IngestFeed::TakeHash(uint32_t item) {
  std::shared_ptr<ContentHash> hash;
  {
    const std::lock_guard lock(mutex_);
    hash = items_[item]->hash;
  }
  if (!hash) return;
  const Result<std::string> sha256 = hash->Get();
  const std::lock_guard lock(mutex_);
  Progressing& progressing = *items_[item];
  if (!progressing.hash) return;
  progressing.hash.reset();
  if (sha256) {
    progressing.item.sha256 = *sha256;
    progressing.item.key = ContentKey(*sha256);
  } else {
    // What could be read of it is kept; the file is another one as soon as all of it can be read.
    progressing.item.key = "unreadable:" + progressing.item.name;
    diagnostics_.Report(DiagnosticCode::kLogUnreadable, progressing.item.name,
                        sha256.error().message);
  }
}

}  // namespace ekshume::casefile
