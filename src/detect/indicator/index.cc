// SPDX-License-Identifier: Apache-2.0
#include "detect/indicator/index.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/limits.h"
#include "base/text.h"
#include "detect/indicator/list.h"
#include "detect/indicator/state.h"

namespace ekshume::detect::indicator {
namespace {

namespace fs = std::filesystem;

// A list names this many problems; the rest is counted.
constexpr size_t kMaxProblemsPerList = 100;
constexpr uint8_t kIpv4Bits = 96;  // of ::ffff:0:0/96

uint16_t LastTwo(std::string_view folded) {
  const size_t size = folded.size();
  const unsigned last = static_cast<uint8_t>(folded[size - 1]);
  const unsigned before = size > 1 ? static_cast<uint8_t>(folded[size - 2]) : 0U;
  return static_cast<uint16_t>(before << 8 | last);
}

std::string AddressText(std::string_view key) {
  std::array<uint8_t, 16> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(key[i]);
  const unsigned bits = static_cast<uint8_t>(key.back());
  const bool is_ipv4 = bits >= kIpv4Bits && key.starts_with(std::string(10, '\0') + "\xff\xff");
  if (is_ipv4) {
    std::string text = fmt::format("{}.{}.{}.{}", bytes[12], bytes[13], bytes[14], bytes[15]);
    return bits == 128 ? text : fmt::format("{}/{}", text, bits - kIpv4Bits);
  }
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  return bits == 128 ? std::string(text) : fmt::format("{}/{}", text, bits);
}

// Takes what the lists hold into the index.
class Collector : public ListSink {
 public:
  Collector(std::string& values, std::vector<Record>& records,
            std::vector<std::string>& descriptions, std::vector<Problem>& refused,
            std::vector<Problem>& doubtful, size_t most)
      : values_(values),
        records_(records),
        descriptions_(descriptions),
        refused_(refused),
        doubtful_(doubtful),
        most_(most) {}

  void Begin(const std::string& name, uint32_t list) {
    name_ = name;
    list_ = list;
    refused_here_ = doubtful_here_ = 0;
  }

  bool Add(Kind kind, std::string_view value, size_t line, std::string_view description) override {
    if (records_.size() >= most_) {
      Refuse(line, "and what follows: too many indicators (kMaxIndicators)");
      return false;
    }
    // A "file name" with a folder in it is a path.
    if (kind == Kind::kName && Trimmed(value).starts_with('/')) kind = Kind::kPath;
    const Result<std::string> normal = Normalize(kind, value);
    if (!normal) {
      Refuse(line, fmt::format("\"{}\" {}", EscapeForTerminal(value.substr(0, 80)),
                               normal.error().message));
      return true;
    }
    if (values_.size() + normal->size() > UINT32_MAX) {
      Refuse(line, "and what follows: too many indicators");
      return false;
    }
    Record record;
    record.value_offset = static_cast<uint32_t>(values_.size());
    record.value_bytes = static_cast<uint32_t>(normal->size());
    record.line = static_cast<uint32_t>(std::min<size_t>(line, UINT32_MAX));
    record.list = list_;
    record.kind = kind;
    record.description = Describe(description);
    values_ += *normal;
    records_.push_back(record);
    return true;
  }
  void Refuse(size_t line, std::string reason) override {
    Keep(refused_, refused_here_, line, std::move(reason));
  }
  void Doubt(size_t line, std::string reason) override {
    Keep(doubtful_, doubtful_here_, line, std::move(reason));
  }
  void Finish() {
    if (refused_here_ > kMaxProblemsPerList) {
      refused_.push_back(
          {name_, 0, fmt::format("{} further values", refused_here_ - kMaxProblemsPerList)});
    }
  }

 private:
  void Keep(std::vector<Problem>& problems, size_t& count, size_t line, std::string reason) {
    if (++count <= kMaxProblemsPerList) problems.push_back({name_, line, std::move(reason)});
  }
  // Many lines say the same.
  uint32_t Describe(std::string_view text) {
    text = text.substr(0, 400);
    if (text.empty()) return 0;
    const auto [at, is_new] =
        known_.try_emplace(std::string(text), static_cast<uint32_t>(descriptions_.size()));
    if (is_new) descriptions_.push_back(at->first);
    return at->second;
  }

  std::string& values_;
  std::vector<Record>& records_;
  std::vector<std::string>& descriptions_;
  std::vector<Problem>& refused_;
  std::vector<Problem>& doubtful_;
  const size_t most_;
  std::unordered_map<std::string, uint32_t> known_;
  std::string name_;
  uint32_t list_ = 0;
  size_t refused_here_ = 0;
  size_t doubtful_here_ = 0;
};

}  // namespace

std::string KeyOf(const Network& network) {
  std::string key;
  for (const uint8_t byte : network.bytes) key.push_back(static_cast<char>(byte));
  key.push_back(static_cast<char>(network.prefix_bits));
  return key;
}

// Chooses the part of a value that the fewest values share, the longest of those. False when it has
// none that can stand in a text by itself.
bool Index::State::ChooseWord(Record& record,
                              const std::unordered_map<uint64_t, uint32_t>& counts) const {
  const std::string_view value = ValueOf(record);
  bool any = false;
  uint32_t least = 0;
  size_t longest = 0;
  ForEachWord(value, [&](const Word& word) {
    const std::string_view text = value.substr(word.begin, word.end - word.begin);
    const auto found = counts.find(WordHash::Of(text));
    const uint32_t count = found == counts.end() ? 0 : found->second;
    if (any && (count > least || (count == least && text.size() <= longest))) return;
    any = true;
    least = count;
    longest = text.size();
    record.word_offset = static_cast<uint32_t>(word.begin);
  });
  return any;
}

void Index::State::Build() {
  std::unordered_map<uint64_t, uint32_t> counts;
  for (const Record& record : records) {
    if (record.kind != Kind::kUrl && record.kind != Kind::kPath && record.kind != Kind::kName) {
      continue;
    }
    const std::string_view value = ValueOf(record);
    ForEachWord(value, [&](const Word& word) {
      ++counts[WordHash::Of(value.substr(word.begin, word.end - word.begin))];
    });
  }
  table.Reserve(records.size());
  std::bitset<129> prefixes;
  std::bitset<129> six;
  for (uint32_t i = 0; i < records.size(); ++i) {
    Record& record = records[i];
    const std::string_view value = ValueOf(record);
    std::string_view key = value;
    if (record.kind == Kind::kAddress) {
      const uint8_t bits = static_cast<uint8_t>(value.back());
      const bool is_ipv4 = AddressText(value).find(':') == std::string::npos;
      (is_ipv4 ? prefixes : six).set(bits);
    } else {
      if (record.kind == Kind::kHash) {
        has_md5 = has_md5 || value.size() == 32;
        has_sha1 = has_sha1 || value.size() == 40;
        has_words = true;
      } else if (record.kind == Kind::kDomain) {
        has_domains = true;
      } else {
        has_words = true;
        if (!ChooseWord(record, counts)) {
          refused.push_back({lists[record.list], record.line,
                             fmt::format("\"{}\" has no letter or digit",
                                         EscapeForTerminal(value.substr(0, 80)))});
          continue;
        }
        size_t end = record.word_offset;
        while (end < value.size() && IsWordByte(value[end])) ++end;
        while (value[end - 1] == '.' || value[end - 1] == '-') --end;
        key = value.substr(record.word_offset, end - record.word_offset);
      }
      last_two.set(LastTwo(key));
    }
    // What two lists name is found once, as the first one says.
    const uint64_t hash = WordHash::Of(key);
    bool is_known = false;
    if (table.MayHold(hash)) {
      table.ForEach(hash, [&](uint32_t other) {
        is_known =
            is_known || (records[other].kind == record.kind && ValueOf(records[other]) == value);
      });
    }
    if (!is_known) table.Add(hash, i);
  }
  for (int bits = 128; bits >= 0; --bits) {
    if (prefixes[static_cast<size_t>(bits)]) prefixes4.push_back(static_cast<uint8_t>(bits));
    if (six[static_cast<size_t>(bits)]) prefixes6.push_back(static_cast<uint8_t>(bits));
  }
  has_addresses6 = !prefixes6.empty();
}

Index::Index(std::unique_ptr<State> state) : state_(std::move(state)) {}
Index::~Index() = default;

size_t Index::size() const { return state_->records.size(); }
const std::vector<Problem>& Index::refused() const { return state_->refused; }
const std::vector<Problem>& Index::doubtful() const { return state_->doubtful; }
bool Index::has_md5() const { return state_->has_md5; }
bool Index::has_sha1() const { return state_->has_sha1; }

Indicator Index::Get(uint32_t indicator) const {
  const Record& record = state_->records[indicator];
  Indicator result;
  result.kind = record.kind;
  const std::string_view value = state_->ValueOf(record);
  result.value = record.kind == Kind::kAddress ? AddressText(value) : std::string(value);
  result.file = state_->lists[record.list];
  result.line = record.line;
  result.description = state_->descriptions[record.description];
  return result;
}

std::unique_ptr<Index> Index::Of(const std::vector<std::pair<std::string, std::string>>& lists,
                                 size_t most) {
  auto state = std::make_unique<State>();
  Collector collector(state->values, state->records, state->descriptions, state->refused,
                      state->doubtful, most);
  for (const auto& [name, text] : lists) {
    collector.Begin(name, static_cast<uint32_t>(state->lists.size()));
    state->lists.push_back(name);
    if (text.size() > limits::kMaxIndicatorFileBytes) {
      collector.Refuse(0, "is too large (kMaxIndicatorFileBytes)");
    } else {
      ParseList(text, collector);
    }
    collector.Finish();
  }
  state->Build();
  return std::unique_ptr<Index>(new Index(std::move(state)));
}

Result<std::unique_ptr<Index>> Index::Load(const std::vector<std::string>& paths) {
  std::vector<std::pair<std::string, std::string>> lists;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::exists(path, error)) {
      return Fail(ErrorCode::kNotFound, fmt::format("{} is not there", path));
    }
    if (fs::is_directory(path, error)) {
      return Fail(ErrorCode::kIo, fmt::format("{} is a folder, not a list", path));
    }
    std::ifstream stream(path, std::ios::binary);
    if (!stream) return Fail(ErrorCode::kIo, fmt::format("{} cannot be read", path));
    std::string text;
    std::vector<char> chunk(size_t{1} << 20);
    while (stream && text.size() <= limits::kMaxIndicatorFileBytes) {
      stream.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
      text.append(chunk.data(), static_cast<size_t>(stream.gcount()));
    }
    if (stream.bad()) return Fail(ErrorCode::kIo, fmt::format("{} cannot be read", path));
    lists.emplace_back(path, std::move(text));
  }
  return Of(lists);
}

}  // namespace ekshume::detect::indicator
