// SPDX-License-Identifier: Apache-2.0
#include "event/store/event_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <numeric>
#include <thread>

#include "event/store/stored_columns.h"

namespace ekshume::event {
namespace {

// Frames of records that several threads read: the end of one slice lies in the frame in which the
// next one begins, and each frame is to be unpacked once.
class Frames {
 public:
  using Content = std::shared_ptr<const std::string>;
  explicit Frames(const Pack& pack) : pack_(pack) {}

  Result<Content> Get(uint64_t frame) {
    std::unique_lock lock(mutex_);
    for (;;) {
      const auto found = std::ranges::find(kept_, frame, &Kept::frame);
      if (found == kept_.end()) break;
      if (found->content) return found->content;
      changed_.wait(lock);
    }
    if (kept_.size() >= kMost) {
      const auto oldest =
          std::ranges::find_if(kept_, [](const Kept& kept) { return kept.content != nullptr; });
      if (oldest != kept_.end()) kept_.erase(oldest);
    }
    kept_.push_back({frame, nullptr});
    lock.unlock();
    Result<Content> content = pack_.Frame(frame);
    lock.lock();
    const auto own = std::ranges::find(kept_, frame, &Kept::frame);
    if (content) {
      own->content = *content;
    } else {
      kept_.erase(own);
    }
    changed_.notify_all();
    return content;
  }

 private:
  static constexpr size_t kMost = 8;
  struct Kept {
    uint64_t frame = 0;
    Content content;  // null while a thread unpacks it
  };
  const Pack& pack_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Kept> kept_;
};

// The columns of the statement: those of an event that are stored, then where the record is.
struct Layout {
  size_t id = 0;
  size_t time = 0;
  std::array<size_t, kTextCount> texts{};
  std::array<size_t, kNumberCount> numbers{};
  size_t frame = 0;

  static Layout Make() {
    Layout layout;
    size_t place = 0;
    for (const Column& column : Columns()) {
      if (IsMade(column.name)) continue;
      if (column.name == "id") layout.id = place;
      if (column.name == "time") layout.time = place;
      for (size_t i = 0; i < kTextCount; ++i) {
        if (ColumnName(static_cast<Text>(i)) == column.name) layout.texts[i] = place;
      }
      for (size_t i = 0; i < kNumberCount; ++i) {
        if (ColumnName(static_cast<Number>(i)) == column.name) layout.numbers[i] = place;
      }
      ++place;
    }
    layout.frame = place;
    return layout;
  }
};

class ChunkSlice final : public EventSlice {
 public:
  ChunkSlice(const Layout& layout, Frames& frames) : layout_(layout), frames_(frames) {}
  ChunkSlice(const ChunkSlice&) = delete;
  ChunkSlice& operator=(const ChunkSlice&) = delete;
  ~ChunkSlice() override { Drop(); }

  // Takes the chunk over.
  void Take(duckdb_data_chunk chunk) {
    Drop();
    chunk_ = chunk;
    vectors_.resize(duckdb_data_chunk_get_column_count(chunk));
    for (size_t i = 0; i < vectors_.size(); ++i) {
      const duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
      vectors_[i] = {duckdb_vector_get_data(vector), duckdb_vector_get_validity(vector)};
    }
    // In the order of their records.
    rows_.resize(duckdb_data_chunk_get_size(chunk));
    std::iota(rows_.begin(), rows_.end(), 0U);
    const auto place = [&](uint32_t row) {
      return std::pair(At<uint64_t>(layout_.frame, row), At<uint32_t>(layout_.frame + 1, row));
    };
    if (!std::ranges::is_sorted(rows_, {}, place)) std::ranges::sort(rows_, {}, place);
  }

  size_t size() const override { return rows_.size(); }

  std::string Id(size_t row) const override {
    return UuidText(At<duckdb_hugeint>(layout_.id, rows_[row]));
  }
  std::optional<int64_t> Time(size_t row) const override {
    if (IsNull(layout_.time, rows_[row])) return std::nullopt;
    return At<int64_t>(layout_.time, rows_[row]);
  }
  std::string_view Text(size_t row, event::Text column) const override {
    const size_t place = layout_.texts[static_cast<size_t>(column)];
    if (IsNull(place, rows_[row])) return {};
    return TextView(At<duckdb_string_t>(place, rows_[row]));
  }
  std::optional<int64_t> Number(size_t row, event::Number column) const override {
    const size_t place = layout_.numbers[static_cast<size_t>(column)];
    if (IsNull(place, rows_[row])) return std::nullopt;
    return At<int64_t>(place, rows_[row]);
  }

  Result<std::string_view> Record(size_t row) override {
    const auto frame = At<uint64_t>(layout_.frame, rows_[row]);
    const auto offset = At<uint32_t>(layout_.frame + 1, rows_[row]);
    const auto length = At<uint32_t>(layout_.frame + 2, rows_[row]);
    if (!content_ || frame_ != frame) {
      content_ = EKSHUME_TRY(frames_.Get(frame));
      frame_ = frame;
    }
    const std::string_view content = *content_;
    if (offset > content.size() || length > content.size() - offset) {
      return Fail(ErrorCode::kCorrupt, fmt::format("raw record {}+{} lies outside its frame at {}",
                                                   offset, length, frame));
    }
    return AsUtf8(content.substr(offset, length), scratch_);
  }

 private:
  struct Vector {
    void* data = nullptr;
    uint64_t* validity = nullptr;
  };

  bool IsNull(size_t column, uint32_t row) const {
    return !IsValid(vectors_[column].validity, row);
  }
  template <typename T>
  T& At(size_t column, uint32_t row) const {
    return static_cast<T*>(vectors_[column].data)[row];
  }
  void Drop() {
    if (chunk_ != nullptr) duckdb_destroy_data_chunk(&chunk_);
  }

  const Layout& layout_;
  Frames& frames_;
  duckdb_data_chunk chunk_ = nullptr;
  std::vector<Vector> vectors_;
  std::vector<uint32_t> rows_;
  Frames::Content content_;
  uint64_t frame_ = 0;
  std::string scratch_;
};

}  // namespace

Result<void> ScanEvents(Database& database, const Pack& pack, const std::string& where,
                        const SliceVisit& visit) {
  const std::unique_ptr<Stream> stream = EKSHUME_TRY(database.Start(
      fmt::format("SELECT {}raw_frame, raw_offset, raw_length FROM stored_events WHERE {}",
                  StoredColumns(), where),
      true));
  const Layout layout = Layout::Make();
  Frames frames(pack);
  std::mutex mutex;  // of the stream and of what follows
  bool is_over = false;
  bool has_more = true;  // of the stream
  std::optional<Error> error;
  const auto work = [&](size_t thread) {
    ChunkSlice slice(layout, frames);
    for (;;) {
      {
        const std::lock_guard lock(mutex);
        if (is_over) return;
        Result<duckdb_data_chunk> chunk = stream->Next();
        if (!chunk) error = chunk.error();
        if (!chunk || *chunk == nullptr) {
          is_over = true;
          has_more = false;
          return;
        }
        slice.Take(*chunk);
      }
      const Result<bool> more = visit(thread, slice);
      if (more && *more) continue;
      const std::lock_guard lock(mutex);
      is_over = true;
      if (!more && !error) error = more.error();
      return;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (size_t i = 1; i < ScanThreads(); ++i) threads.emplace_back(work, i);
    work(0);
  }
  // To the end: a result that is left half-read keeps its transaction open.
  while (has_more) {
    Result<duckdb_data_chunk> chunk = stream->Next();
    has_more = chunk && *chunk != nullptr;
    if (has_more) duckdb_destroy_data_chunk(&*chunk);
  }
  if (error) return *error;
  return {};
}

}  // namespace ekshume::event
