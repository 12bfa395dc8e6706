// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/literals.h"

#include <algorithm>

namespace ekshume::detect::sigma {
namespace {

// How seldom characters stand in records, roughly: letters by their place in English.
int Rarity(std::string_view text) {
  int rarity = 0;
  for (const char c : text) {
    rarity += std::string_view("etaoinsr").contains(c)    ? 1
              : std::string_view("hdlcum:/.").contains(c) ? 2
              : std::string_view("wfgypbv").contains(c)   ? 3
                                                          : 4;
  }
  return rarity;
}

}  // namespace

uint32_t LiteralIndex::Add(std::string_view word) {
  words_.emplace_back(word);
  return static_cast<uint32_t>(words_.size() - 1);
}

uint32_t LiteralIndex::HashOf(std::string_view bytes) const {
  uint32_t last = 0;
  for (const char c : bytes) {
    last = last >> 8 | static_cast<uint32_t>(static_cast<uint8_t>(c)) << 24;
  }
  last |= kSmall;
  return (bytes.size() < 4 ? last >> 8 << 8 : last) * kMultiplier >> shift_;
}

bool LiteralIndex::Stands(const Entry& entry, std::string_view text, size_t end) const {
  const std::string& word = words_[entry.number];
  if (end < entry.end || text.size() - end < word.size() - entry.end) return false;
  const std::string_view place = text.substr(end - entry.end, word.size());
  return std::ranges::equal(place, word, [](char c, char own) {
    return (c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) == own;
  });
}

void LiteralIndex::Build() {
  // So many hashes that few places of a text have that of a word by chance.
  int bits = 8;
  while (bits < 18 && (size_t{1} << bits) < words_.size() * 32) ++bits;
  shift_ = 32 - bits;
  const size_t hashes = size_t{1} << bits;
  filter_.assign(hashes / 64, 0);
  begin_.assign(hashes + 1, 0);
  std::vector<std::pair<uint32_t, Entry>> made;
  for (uint32_t number = 0; number < words_.size(); ++number) {
    const std::string_view word = words_[number];
    const size_t count = std::min<size_t>(word.size(), 4);
    size_t best = 0;
    for (size_t at = 1; at + count <= word.size(); ++at) {
      if (Rarity(word.substr(at, count)) > Rarity(word.substr(best, count))) best = at;
    }
    const uint32_t hash = HashOf(word.substr(best, count));
    made.push_back({hash, {number, static_cast<uint32_t>(best + count)}});
    filter_[hash / 64] |= uint64_t{1} << (hash % 64);
    ++begin_[hash + 1];
  }
  for (size_t hash = 0; hash < hashes; ++hash) begin_[hash + 1] += begin_[hash];
  entries_.resize(words_.size());
  std::vector<uint32_t> next(begin_.begin(), begin_.end() - 1);
  for (const auto& [hash, entry] : made) entries_[next[hash]++] = entry;
}

}  // namespace ekshume::detect::sigma
