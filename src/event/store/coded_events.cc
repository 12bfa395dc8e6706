// SPDX-License-Identifier: Apache-2.0
#include "event/store/coded_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <type_traits>
#include <unordered_map>

#include "base/folded_search.h"
#include "event/store/database.h"

namespace ekshume::event {
namespace {

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

}  // namespace

// Makes the codes of one column out of its texts.
class CodedEvents::Encoder {
 public:
  // `events`: how many there are, 0 when no codes are wanted.
  Encoder(std::string_view name, size_t events) : name_(name), events_(events) {}

  bool is_full() const { return is_full_; }

  // Sets the codes of the rows' positions. The column is given up where it has too many values.
  void Take(duckdb_data_chunk chunk, idx_t column, idx_t rows,
            const std::vector<uint32_t>& positions) {
    const auto* texts = ChunkData<duckdb_string_t>(chunk, column);
    const uint64_t* validity = ChunkValidity(chunk, column);
    ++chunk_;
    if (is_full_) return;
    for (idx_t first = 0; first < rows; first += kMaskBits) {
      // In most columns most rows have no value.
      if (validity != nullptr && validity[first / kMaskBits] == 0) continue;
      for (idx_t i = first; i < std::min(rows, first + kMaskBits); ++i) {
        if (!IsValid(validity, i) || positions[i] == kNoPosition) continue;
        const uint32_t code = CodeOf(texts[i]);
        if (is_full_) return;
        Set(positions[i], code);
      }
    }
  }

  Coded Finish() {
    Coded coded{name_, events_ > 0, std::move(codes_), {}};
    coded.values.resize(known_.size());
    for (const auto& [text, code] : known_) coded.values[code - 1] = text;
    return coded;
  }

 private:
  // Texts that were seen not long ago are known by what DuckDB holds of them: a short one by
  // itself, a longer one by its place in memory, as long as the chunk is there.
  struct Recent {
    uint64_t first = 0;
    uint64_t second = 0;
    uint64_t chunk = 0;
    uint32_t code = 0;
  };

  uint32_t CodeOf(const duckdb_string_t& text) {
    const auto [first, second] = StringWords(text);
    const uint64_t chunk = duckdb_string_is_inlined(text) ? 0 : chunk_;
    Recent& recent = recent_[((first ^ second) * kMultiplier) >> (64 - kRecentBits)];
    if (recent.code != 0 && recent.first == first && recent.second == second &&
        recent.chunk == chunk) {
      return recent.code;
    }
    const std::string_view view = TextView(text);
    auto found = known_.find(view);
    if (found == known_.end()) {
      bytes_ += view.size();
      if (known_.size() >= kMostValues || bytes_ > kMostValueBytes) {
        is_full_ = true;
        return 0;
      }
      found = known_.emplace(view, static_cast<uint32_t>(known_.size() + 1)).first;
    }
    recent = {first, second, chunk, found->second};
    return found->second;
  }

  void Set(uint32_t position, uint32_t code) {
    if (events_ == 0) return;
    if (code > most_) Widen(code);
    if (auto* bytes = std::get_if<std::vector<uint8_t>>(&codes_)) {
      (*bytes)[position] = static_cast<uint8_t>(code);
    } else if (auto* words = std::get_if<std::vector<uint16_t>>(&codes_)) {
      (*words)[position] = static_cast<uint16_t>(code);
    } else {
      std::get<std::vector<uint32_t>>(codes_)[position] = code;
    }
  }

  // Makes room for codes up to that one at least.
  void Widen(uint32_t code) {
    if (code <= UINT8_MAX) {
      codes_ = std::vector<uint8_t>(events_);
      most_ = UINT8_MAX;
    } else if (code <= UINT16_MAX) {
      const auto& bytes = std::get<std::vector<uint8_t>>(codes_);
      codes_ = std::vector<uint16_t>(bytes.begin(), bytes.end());
      most_ = UINT16_MAX;
    } else {
      const auto& words = std::get<std::vector<uint16_t>>(codes_);
      codes_ = std::vector<uint32_t>(words.begin(), words.end());
      most_ = UINT32_MAX;
    }
  }

  static constexpr size_t kRecentBits = 10;
  static constexpr uint64_t kMultiplier = 0x9e3779b97f4a7c15;

  std::string_view name_;
  size_t events_;
  Codes codes_;
  uint32_t most_ = 0;  // the greatest code that there is room for
  std::unordered_map<std::string, uint32_t, TextHash, std::equal_to<>> known_;
  std::array<Recent, size_t{1} << kRecentBits> recent_;
  uint64_t chunk_ = 0;
  size_t bytes_ = 0;
  bool is_full_ = false;
};

Result<std::unique_ptr<CodedEvents>> CodedEvents::Read(Database& database,
                                                       const std::atomic<bool>& stop) {
  const int64_t rows = EKSHUME_TRY(database.Number("SELECT count(*) FROM stored_events"));
  const int64_t last_row = EKSHUME_TRY(database.Number("SELECT max(rowid) FROM stored_events"));
  constexpr auto kMost = static_cast<int64_t>(kMostEvents);
  // Rows that were removed leave holes.
  if (rows > kMost || last_row >= 2 * kMost) {
    return Fail(ErrorCode::kLimit,
                fmt::format("{} events are too many to be kept in memory", rows));
  }
  std::unique_ptr<CodedEvents> events(new CodedEvents());
  events->rows_.reserve(static_cast<size_t>(rows));
  events->times_.reserve(static_cast<size_t>(rows));
  events->positions_.assign(rows == 0 ? 0 : static_cast<size_t>(last_row) + 1, kNoPosition);
  EKSHUME_TRY(events->ReadOrder(database, stop));

  std::vector<Encoder> encoders;
  std::string list = "rowid";
  const auto add = [&](std::string_view column, size_t coded) {
    encoders.emplace_back(column, coded);
    list += fmt::format(", {}", column);
  };
  for (const std::string_view column : kCounted) add(column, events->size());
  for (const std::string_view column : kSearched) add(column, 0);
  std::vector<uint32_t> positions;
  EKSHUME_TRY(database.Chunks(fmt::format("SELECT {} FROM stored_events", list),
                              [&](duckdb_data_chunk chunk, idx_t count) -> Result<void> {
                                if (stop) return Fail(ErrorCode::kCancelled, "stopped");
                                const auto* numbers = ChunkData<int64_t>(chunk, 0);
                                positions.resize(count);
                                for (idx_t i = 0; i < count; ++i) {
                                  const std::optional<size_t> at = events->PositionOf(numbers[i]);
                                  positions[i] = at ? static_cast<uint32_t>(*at) : kNoPosition;
                                }
                                for (size_t i = 0; i < encoders.size(); ++i) {
                                  encoders[i].Take(chunk, i + 1, count, positions);
                                }
                                return {};
                              }));
  for (Encoder& encoder : encoders) {
    if (!encoder.is_full()) events->columns_.push_back(encoder.Finish());
  }
  return events;
}

Result<void> CodedEvents::ReadOrder(Database& database, const std::atomic<bool>& stop) {
  return database.Chunks(
      "SELECT rowid, epoch_ns(time) FROM stored_events ORDER BY time NULLS LAST, id",
      [&](duckdb_data_chunk chunk, idx_t count) -> Result<void> {
        if (stop) return Fail(ErrorCode::kCancelled, "stopped");
        const auto* numbers = ChunkData<int64_t>(chunk, 0);
        const auto* times = ChunkData<int64_t>(chunk, 1);
        const uint64_t* validity = ChunkValidity(chunk, 1);
        for (idx_t i = 0; i < count; ++i) {
          const auto row = static_cast<size_t>(numbers[i]);
          if (row >= positions_.size()) return Fail(ErrorCode::kIo, "the store changes while read");
          positions_[row] = static_cast<uint32_t>(rows_.size());
          rows_.push_back(static_cast<uint32_t>(row));
          if (IsValid(validity, i)) times_.push_back(times[i]);
        }
        return {};
      });
}

std::optional<size_t> CodedEvents::PositionOf(int64_t row) const {
  if (row < 0 || static_cast<uint64_t>(row) >= positions_.size()) return std::nullopt;
  const uint32_t position = positions_[static_cast<size_t>(row)];
  if (position == kNoPosition) return std::nullopt;
  return position;
}

const CodedEvents::Coded* CodedEvents::Find(std::string_view column) const {
  const auto found = std::ranges::find(columns_, column, &Coded::name);
  return found == columns_.end() ? nullptr : &*found;
}

bool CodedEvents::Counts(std::string_view column) const {
  const Coded* coded = Find(column);
  return coded != nullptr && coded->is_counted;
}

std::optional<std::vector<std::string>> CodedEvents::Containing(std::string_view column,
                                                                std::string_view small,
                                                                size_t most) const {
  const Coded* coded = Find(column);
  if (coded == nullptr) return std::nullopt;
  std::vector<std::string> found;
  for (const std::string& value : coded->values) {
    if (!ContainsFolded(value, small)) continue;
    if (found.size() == most) return std::nullopt;
    found.push_back(value);
  }
  return found;
}

std::vector<CodedEvents::ValueCount> CodedEvents::Values(const EventSet& set,
                                                         std::string_view column,
                                                         size_t most) const {
  const Coded* coded = Find(column);
  if (coded == nullptr || !coded->is_counted) return {};
  std::vector<uint64_t> counts(coded->values.size() + 1);
  std::visit(
      [&](const auto& codes) {
        if constexpr (std::is_same_v<std::decay_t<decltype(codes)>, std::monostate>) {
          counts[0] = set.count();
        } else {
          set.ForEach([&](size_t at) { ++counts[codes[at]]; });
        }
      },
      coded->codes);
  std::vector<ValueCount> found;
  for (size_t code = 0; code < counts.size(); ++code) {
    if (counts[code] == 0) continue;
    ValueCount one{std::nullopt, counts[code]};
    if (code > 0) one.value = coded->values[code - 1];
    found.push_back(one);
  }
  const auto before = [](const ValueCount& left, const ValueCount& right) {
    if (left.count != right.count) return left.count > right.count;
    if (!left.value || !right.value) return left.value.has_value() && !right.value;
    return *left.value < *right.value;
  };
  const size_t kept = std::min(most, found.size());
  std::partial_sort(found.begin(), found.begin() + static_cast<ptrdiff_t>(kept), found.end(),
                    before);
  found.resize(kept);
  return found;
}

}  // namespace ekshume::event
