// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "detect/indicator/index.h"
#include "detect/indicator/table.h"

// What an Index is made of.
namespace ekshume::detect::indicator {

// One indicator, without strings of its own: there may be millions.
struct Record {
  uint32_t value_offset = 0;  // in State::values
  uint32_t value_bytes = 0;
  uint32_t word_offset = 0;  // in the value: the part by which it is found
  uint32_t line = 0;
  uint32_t list = 0;
  uint32_t description = 0;
  Kind kind = Kind::kHash;
};

// A text's stretch of word bytes, without dots and hyphens at its end.
struct Word {
  size_t begin = 0;
  size_t end = 0;
};

template <typename Visit>
void ForEachWord(std::string_view text, const Visit& visit) {
  for (size_t at = 0; at < text.size();) {
    if (!IsWordByte(text[at])) {
      ++at;
      continue;
    }
    Word word{at, at};
    while (at < text.size() && IsWordByte(text[at])) ++at;
    word.end = at;
    while (word.end > word.begin && (text[word.end - 1] == '.' || text[word.end - 1] == '-')) {
      --word.end;
    }
    if (word.end > word.begin) visit(word);
  }
}

// An address as a value: its sixteen bytes and how many bits of them count.
std::string KeyOf(const Network& network);

struct Index::State {
  std::string values;  // of all records, one behind the other
  std::vector<Record> records;
  std::vector<std::string> lists;
  std::vector<std::string> descriptions = {""};
  HashTable table;
  std::bitset<65536> last_two;  // of words that are in the table
  bool has_addresses6 = false;
  bool has_words = false;  // anything that is looked up as a whole word
  bool has_domains = false;
  std::vector<uint8_t> prefixes4, prefixes6;  // lengths of the networks, longest first
  bool has_md5 = false;
  bool has_sha1 = false;
  std::vector<Problem> refused, doubtful;

  std::string_view ValueOf(const Record& record) const {
    return std::string_view(values).substr(record.value_offset, record.value_bytes);
  }
  void Build();
  bool ChooseWord(Record& record, const std::unordered_map<uint64_t, uint32_t>& counts) const;
  void Find(std::string_view text, const Word& word, TextKind kind, std::vector<Hit>& hits) const;
  void FindWhole(uint64_t hash, std::string_view text, size_t begin, TextKind kind,
                 std::vector<Hit>& hits) const;
  void FindAddress(const Network& address, const std::vector<uint8_t>& prefixes, size_t offset,
                   std::vector<Hit>& hits) const;
  size_t FindAddress6(std::string_view text, size_t colon, std::vector<Hit>& hits) const;
  bool IsAt(const Record& record, std::string_view text, size_t word_begin, TextKind kind,
            size_t& begin) const;
};

}  // namespace ekshume::detect::indicator
