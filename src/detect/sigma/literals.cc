// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/literals.h"

#include <algorithm>
#include <optional>
#include <set>

#include "detect/sigma/value.h"

namespace ekshume::detect::sigma {
namespace {

// Of long pieces the end says enough.
constexpr size_t kLongest = 16;
// More than that is no help.
constexpr size_t kMostOfGroup = 500;

// Characters that JSON writes in one way only. Some writers escape < > & ' = too.
bool IsPlainInJson(char c) {
  const auto byte = static_cast<uint8_t>(c);
  return byte > 0x20 && byte < 0x7F && !std::string_view("\"\\<>&'=:,{}[]").contains(c);
}

// The longest piece of a text that can be looked for; empty when there is none.
std::string BestPiece(std::string_view text, bool as_json) {
  std::string_view best;
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size() && (!as_json || IsPlainInJson(text[end]))) ++end;
    if (end - at > best.size()) best = text.substr(at, end - at);
    at = end + 1;
  }
  if (best.size() < LiteralIndex::kShortest) return "";
  return Lower(best.substr(best.size() - std::min(best.size(), kLongest)));
}

std::string BestPiece(const Pattern& pattern, bool as_json) {
  std::string best;
  for (const Pattern::Part& part : pattern.parts()) {
    if (part.kind != Pattern::PartKind::kText) continue;
    std::string piece = BestPiece(part.text, as_json);
    if (piece.size() > best.size()) best = std::move(piece);
  }
  return best;
}

using Groups = std::vector<LiteralGroup>;

// Better ones leave out more records: their shortest word is longer, or they are fewer words.
bool IsBetter(const LiteralGroup& left, const LiteralGroup& right) {
  const auto shortest = [](const LiteralGroup& group) {
    size_t size = SIZE_MAX;
    for (const std::string& word : group) {
      // The end of a service's name: it stands in every record of the service.
      const bool is_common = word.ends_with("amazonaws.com");
      size = std::min(size, is_common ? LiteralIndex::kShortest : word.size());
    }
    return size;
  };
  if (shortest(left) != shortest(right)) return shortest(left) > shortest(right);
  return left.size() < right.size();
}

// One of several must hold: a word of the best group of each.
Groups AnyOf(const std::vector<Groups>& choices) {
  std::set<std::string> words;
  for (const Groups& groups : choices) {
    if (groups.empty()) return {};
    const LiteralGroup& best = *std::ranges::min_element(groups, IsBetter);
    words.insert(best.begin(), best.end());
    if (words.size() > kMostOfGroup) return {};
  }
  if (words.empty()) return {};
  return {LiteralGroup(words.begin(), words.end())};
}

class Demands {
 public:
  Demands(const Detection& detection, const std::vector<uint32_t>& fields,
          const std::vector<FieldPlan>& plans, bool as_json)
      : detection_(detection), fields_(fields), plans_(plans), as_json_(as_json) {}

  // NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxRuleDepth
  Groups Node(uint32_t index) const {
    const ConditionNode& node = detection_.nodes[index];
    if (node.kind == ConditionNode::Kind::kNot) return {};
    if (node.kind == ConditionNode::Kind::kSearch)
      return OfSearch(detection_.searches[node.search]);
    std::vector<Groups> children;
    for (const uint32_t child : node.children) children.push_back(Node(child));
    if (node.at_least < node.children.size()) return AnyOf(children);
    Groups all;
    for (Groups& groups : children) std::ranges::move(groups, std::back_inserter(all));
    return all;
  }

 private:
  Groups OfSearch(const Search& search) const {
    std::vector<Groups> choices;
    for (const std::vector<Item>& items : search.alternatives) {
      Groups& groups = choices.emplace_back();
      for (const Item& item : items) std::ranges::move(OfItem(item), std::back_inserter(groups));
    }
    return choices.size() == 1 ? std::move(choices.front()) : AnyOf(choices);
  }

  Groups OfItem(const Item& item) const {
    if (item.negate) return {};
    // Variants of one value: one of them. Values: one of them, or all.
    std::vector<std::vector<Groups>> values(item.values);
    for (const Matcher& matcher : item.matchers) {
      values[matcher.value].push_back(OfMatcher(item, matcher));
    }
    Groups all;
    std::vector<Groups> any;
    for (const std::vector<Groups>& variants : values) {
      Groups groups = AnyOf(variants);
      if (item.all) {
        std::ranges::move(groups, std::back_inserter(all));
      } else {
        any.push_back(std::move(groups));
      }
    }
    return item.all ? all : AnyOf(any);
  }

  Groups OfMatcher(const Item& item, const Matcher& matcher) const {
    std::string word;
    const bool is_keyword = item.field == Item::kKeyword;
    const FieldPlan* plan = is_keyword ? nullptr : &plans_[fields_[item.field]];
    if (matcher.kind == Matcher::Kind::kPattern && (is_keyword || plan->literals)) {
      word = BestPiece(matcher.pattern, as_json_);
    }
    // A field that must be there has its name in the text.
    const bool needs_field = matcher.kind != Matcher::Kind::kNull &&
                             (matcher.kind != Matcher::Kind::kExists || matcher.exists);
    if (word.empty() && needs_field && as_json_ && plan != nullptr && plan->literals &&
        plan->paths.size() == 1) {
      const std::string& path = plan->paths.front();
      word = BestPiece(std::string_view(path).substr(path.rfind('.') + 1), true);
    }
    if (word.empty()) return {};
    return {{word}};
  }

  const Detection& detection_;
  const std::vector<uint32_t>& fields_;
  const std::vector<FieldPlan>& plans_;
  const bool as_json_;
};

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

std::optional<int> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

}  // namespace

std::vector<LiteralGroup> DemandedLiterals(const Detection& detection,
                                           const std::vector<uint32_t>& fields,
                                           const std::vector<FieldPlan>& plans, bool as_json) {
  Groups groups = Demands(detection, fields, plans, as_json).Node(detection.root);
  std::ranges::stable_sort(groups, IsBetter);
  return groups;
}

bool HasUnusualEscapes(std::string_view json) {
  for (size_t at = json.find('\\'); at != std::string_view::npos; at = json.find('\\', at + 2)) {
    if (at + 1 >= json.size()) return false;
    if (json[at + 1] == '/') return true;
    if (json[at + 1] != 'u' || at + 5 >= json.size()) continue;
    if (json[at + 2] != '0' || json[at + 3] != '0') continue;
    const std::optional<int> high = HexDigit(json[at + 4]);
    const std::optional<int> low = HexDigit(json[at + 5]);
    if (high && low && IsPlainInJson(static_cast<char>(*high * 16 + *low))) return true;
  }
  return false;
}

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
  int bits = 12;
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
