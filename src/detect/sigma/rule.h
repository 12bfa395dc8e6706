// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "detect/sigma/matcher.h"

// Sigma rules as they stand in memory (https://github.com/SigmaHQ/sigma-specification,
// version 2.1): rules, correlations and filters. Made by parse.h, immutable afterwards.
namespace ekshume::detect::sigma {

// One key of a selection with its values; `field` is an index into Detection::fields, or kKeyword:
// then each text is looked for in the whole record.
struct Item {
  static constexpr uint32_t kKeyword = UINT32_MAX;
  uint32_t field = kKeyword;
  std::vector<Matcher> matchers;
  uint32_t values = 0;
  bool all = false;
  bool negate = false;
  size_t line = 0;
};

// One search identifier: any of `alternatives` must hold, each of them a list of items that must
// all hold.
struct Search {
  std::string name;
  std::vector<std::vector<Item>> alternatives;
  size_t line = 0;
};

// A condition as a tree in one vector; children stand before their parents.
struct ConditionNode {
  enum class Kind : uint8_t { kSearch, kNot, kAtLeast };  // "and": all of them, "or": one of them
  Kind kind = Kind::kSearch;
  uint32_t search = 0;    // kSearch: index into Detection::searches
  uint32_t at_least = 0;  // kAtLeast: so many children must hold
  std::vector<uint32_t> children;
};

struct Detection {
  std::vector<std::string> fields;  // names as the rule writes them, each once
  std::vector<Search> searches;     // those that the condition names
  std::vector<ConditionNode> nodes;
  uint32_t root = 0;

  uint32_t FieldIndex(std::string_view name);
  // Lets the detection hold only where the other one holds (`keep`) or does not.
  void Restrict(const Detection& other, bool keep);
};

struct LogSource {
  std::string category, product, service;  // small letters
};

// What every kind of document says of itself.
struct Head {
  std::string id, name, title, status, level, description;
  std::vector<std::string> tags;
  std::string file;
  size_t line = 0;  // where the document begins
};

struct Rule {
  Head head;
  LogSource log_source;
  Detection detection;
  bool silent = false;  // only correlated, makes no finding of its own
};

enum class CorrelationType : uint8_t {
  kEventCount,
  kValueCount,
  kTemporal,
  kTemporalOrdered,
  kValueSum,
  kValueAverage,
  kValuePercentile,
};

struct CorrelationBound {
  Comparison comparison = Comparison::kGreaterOrEqual;
  bool not_equal = false;
  double value = 0;
};

struct Correlation {
  Head head;
  CorrelationType type = CorrelationType::kEventCount;
  std::vector<std::string> rules;  // ids or names
  std::vector<std::string> group_by;
  // alias -> (rule id or name -> field)
  std::map<std::string, std::map<std::string, std::string, std::less<>>, std::less<>> aliases;
  int64_t timespan_ns = 0;
  std::vector<CorrelationBound> bounds;  // all must hold
  std::string field;                     // whose values are counted, summed, ...
  double percentile = 50;
  bool generate = false;
  bool silent = false;
  size_t line = 0;
};

struct Filter {
  Head head;
  LogSource log_source;
  std::vector<std::string> rules;  // ids or names; empty: all rules of the log source
  Detection detection;
  // A condition that begins with "not" says what to keep (as in Sigma's guide), any other what to
  // drop (as in the specification's example).
  bool keep = false;
};

}  // namespace ekshume::detect::sigma
