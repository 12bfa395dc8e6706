// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/literals.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>

#include "detect/sigma/value.h"

namespace ekshume::detect::sigma {
namespace {

// Short pieces stand everywhere; of long ones the beginning says enough.
constexpr size_t kShortest = 3;
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
  return best.size() < kShortest ? "" : Lower(best.substr(0, kLongest));
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
    for (const std::string& word : group) size = std::min(size, word.size());
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

void LiteralIndex::Build() {
  class_of_.fill(0);
  classes_ = 1;
  for (const std::string& word : words_) {
    for (const char c : word) {
      uint8_t& own = class_of_[static_cast<uint8_t>(c)];
      if (own == 0) own = static_cast<uint8_t>(classes_++);
    }
  }
  for (char c = 'A'; c <= 'Z'; ++c) {
    class_of_[static_cast<uint8_t>(c)] = class_of_[static_cast<uint8_t>(c + 32)];
  }
  next_.assign(classes_, 0);
  word_of_.assign(1, kNone);
  for (uint32_t number = 0; number < words_.size(); ++number) {
    uint32_t state = 0;
    for (const char c : words_[number]) {
      const size_t slot = state * classes_ + class_of_[static_cast<uint8_t>(c)];
      if (next_[slot] == 0) {
        next_[slot] = static_cast<uint32_t>(word_of_.size());
        word_of_.push_back(kNone);
        next_.resize(next_.size() + classes_, 0);
      }
      state = next_[slot];
    }
    if (state != 0) word_of_[state] = number;
  }
  // Breadth first: the longest proper end of a state's text that is a state too.
  std::vector<uint32_t> shorter(word_of_.size(), 0);
  output_.assign(word_of_.size(), kNone);
  more_.assign(word_of_.size(), 0);
  std::deque<uint32_t> queue;
  for (uint32_t i = 0; i < classes_; ++i) {
    if (next_[i] != 0) queue.push_back(next_[i]);
  }
  while (!queue.empty()) {
    const uint32_t state = queue.front();
    queue.pop_front();
    more_[state] = shorter[state];
    output_[state] = word_of_[state] != kNone ? state : output_[shorter[state]];
    for (uint32_t i = 0; i < classes_; ++i) {
      uint32_t& to = next_[state * classes_ + i];
      const uint32_t other = next_[shorter[state] * classes_ + i];
      if (to == 0) {
        to = other;
      } else {
        shorter[to] = other;
        queue.push_back(to);
      }
    }
  }
}

}  // namespace ekshume::detect::sigma
