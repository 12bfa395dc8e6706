// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/ascii.h"
#include "base/limits.h"
#include "detect/sigma/condition.h"
#include "detect/sigma/tree.h"
#include "detect/sigma/value.h"

namespace ekshume::detect::sigma {
namespace {

// A failure with the line that it is about.
struct Refusal {
  size_t line = 0;
  std::string reason;
};

// Parses one document. The first failure is kept with its line; all else is then of no use.
class DocumentParser {
 public:
  DocumentParser(const Tree& document, const std::string& file, const Placeholders& placeholders,
                 RuleFile& out)
      : document_(document), file_(file), placeholders_(placeholders), out_(out) {}

  void Run() {
    if (document_.kind != Tree::Kind::kMap) return Refuse(document_, "a document that is no map");
    head_ = ReadHead();
    if (const Tree* action = document_.Find("action")) {
      return Refuse(*action, fmt::format("action: {} is of Sigma's old format", action->text));
    }
    if (const Tree* correlation = document_.Find("correlation"))
      return ReadCorrelation(*correlation);
    if (const Tree* filter = document_.Find("filter")) return ReadFilter(*filter);
    if (const Tree* detection = document_.Find("detection")) return ReadRule(*detection);
    Refuse(document_, "a document without detection, correlation or filter");
  }

 private:
  void Refuse(const Tree& where, std::string reason) {
    if (refused_) return;
    refused_ = true;
    out_.refused.push_back({file_, where.line, std::move(reason), head_.title});
  }
  void Doubt(const Tree& where, std::string reason) {
    out_.doubtful.push_back({file_, where.line, std::move(reason), head_.title});
  }

  std::string TextOf(const Tree& map, std::string_view key) const {
    const Tree* found = map.Find(key);
    return found != nullptr && found->kind == Tree::Kind::kScalar ? found->text : std::string();
  }

  static std::vector<std::string> ListOf(const Tree* node) {
    std::vector<std::string> list;
    if (node == nullptr) return list;
    if (node->kind == Tree::Kind::kScalar && !node->is_null) list.push_back(node->text);
    for (const Tree& item : node->items) {
      if (node->kind == Tree::Kind::kList && item.kind == Tree::Kind::kScalar) {
        list.push_back(item.text);
      }
    }
    return list;
  }

  Head ReadHead() {
    Head head;
    head.file = file_;
    head.line = document_.line;
    head.id = TextOf(document_, "id");
    head.name = TextOf(document_, "name");
    head.title = TextOf(document_, "title");
    head.status = AsciiLower(TextOf(document_, "status"));
    head.level = AsciiLower(TextOf(document_, "level"));
    head.description = TextOf(document_, "description");
    head.tags = ListOf(document_.Find("tags"));
    while (head.description.ends_with('\n')) head.description.pop_back();
    constexpr std::string_view kLevels[] = {"informational", "low", "medium", "high", "critical"};
    if (std::ranges::find(kLevels, head.level) == std::end(kLevels)) {
      if (!head.level.empty()) {
        Doubt(*document_.Find("level"), fmt::format("{} is no level", head.level));
      }
      head.level = "medium";
    }
    return head;
  }

  LogSource ReadLogSource() {
    LogSource source;
    const Tree* node = document_.Find("logsource");
    if (node == nullptr || node->kind != Tree::Kind::kMap) {
      Refuse(node == nullptr ? document_ : *node, "no logsource");
      return source;
    }
    source.category = AsciiLower(TextOf(*node, "category"));
    source.product = AsciiLower(TextOf(*node, "product"));
    source.service = AsciiLower(TextOf(*node, "service"));
    return source;
  }

  // --- detections --------------------------------------------------------------------------------

  Item ReadItem(const std::string& key, const Tree& node, Detection& detection) {
    Item item;
    item.line = node.line;
    std::vector<Scalar> values;
    const auto add = [&](const Tree& value) {
      if (value.kind != Tree::Kind::kScalar) {
        return Refuse(value, fmt::format("{}: a list or map where a value is expected", key));
      }
      values.push_back({value.text, value.is_null, value.line});
    };
    if (node.kind == Tree::Kind::kList) {
      for (const Tree& value : node.items) add(value);
      if (values.empty()) Refuse(node, fmt::format("{}: an empty list", key));
    } else {
      add(node);
    }
    std::vector<std::string> modifiers;
    const size_t bar = std::min(key.find('|'), key.size());
    for (size_t at = bar; at < key.size();) {
      const size_t end = std::min(key.find('|', at + 1), key.size());
      modifiers.push_back(AsciiLower(std::string_view(key).substr(at + 1, end - at - 1)));
      at = end;
    }
    const std::string field = key.substr(0, bar);
    Result<ItemMatchers> compiled = CompileItem(modifiers, values, field.empty(), placeholders_);
    if (!compiled) {
      Refuse(node, fmt::format("{}: {}", key, compiled.error().message));
      return item;
    }
    patterns_ += compiled->matchers.size();
    if (patterns_ > limits::kMaxRulePatterns) Refuse(node, "too many values (kMaxRulePatterns)");
    for (Matcher& matcher : compiled->matchers) {
      if (matcher.kind != Matcher::Kind::kFieldRef) continue;
      matcher.other_field = detection.FieldIndex(compiled->other_fields[matcher.other_field]);
    }
    item.matchers = std::move(compiled->matchers);
    item.values = compiled->values;
    item.all = compiled->all;
    item.negate = compiled->negate;
    item.field = field.empty() ? Item::kKeyword : detection.FieldIndex(field);
    return item;
  }

  std::vector<Item> ReadMap(const Tree& map, Detection& detection) {
    std::vector<Item> items;
    for (size_t i = 0; i < map.items.size() && !refused_; ++i) {
      items.push_back(ReadItem(map.keys[i], map.items[i], detection));
    }
    return items;
  }

  Search ReadSearch(const std::string& name, const Tree& node, Detection& detection) {
    Search search;
    search.name = name;
    search.line = node.line;
    if (node.kind == Tree::Kind::kMap) {
      search.alternatives.push_back(ReadMap(node, detection));
    } else if (node.kind == Tree::Kind::kScalar) {
      search.alternatives.push_back({ReadItem("", node, detection)});
    } else {
      for (const Tree& item : node.items) {
        if (refused_) break;
        if (item.kind == Tree::Kind::kMap) {
          search.alternatives.push_back(ReadMap(item, detection));
        } else {
          search.alternatives.push_back({ReadItem("", item, detection)});
        }
      }
    }
    const bool is_empty =
        search.alternatives.empty() ||
        std::ranges::any_of(search.alternatives, [](const auto& items) { return items.empty(); });
    if (is_empty) Refuse(node, fmt::format("{} is empty", name));
    return search;
  }

  // `map` holds the searches and the condition. `other_keys` are no searches.
  Detection ReadDetection(const Tree& map, std::initializer_list<std::string_view> other_keys,
                          bool* begins_with_not) {
    Detection detection;
    if (map.kind != Tree::Kind::kMap) {
      Refuse(map, "a detection that is no map");
      return detection;
    }
    std::vector<std::string> names;
    std::vector<const Tree*> nodes;
    for (size_t i = 0; i < map.items.size(); ++i) {
      if (map.keys[i] == "condition" || map.keys[i] == "timeframe" ||
          std::ranges::find(other_keys, map.keys[i]) != other_keys.end()) {
        continue;
      }
      names.push_back(map.keys[i]);
      nodes.push_back(&map.items[i]);
    }
    const Tree* condition = map.Find("condition");
    if (condition == nullptr) {
      Refuse(map, "no condition");
      return detection;
    }
    // A list of conditions: any of them.
    const std::vector<std::string> conditions = ListOf(condition);
    std::string text = conditions.size() == 1 ? conditions.front() : "";
    for (const std::string& one : conditions) {
      if (const Result<Condition> alone = ParseCondition(one, names); !alone) {
        Refuse(*condition, alone.error().message);
        return detection;
      }
      if (conditions.size() > 1) text += fmt::format("{}({})", text.empty() ? "" : " or ", one);
    }
    if (begins_with_not != nullptr) *begins_with_not = AsciiLower(text).starts_with("not ");
    Result<Condition> parsed = ParseCondition(text, names);
    if (!parsed) {
      Refuse(*condition, parsed.error().message);
      return detection;
    }
    detection.nodes = std::move(parsed->nodes);
    detection.root = parsed->root;
    // Only what the condition names must make sense.
    std::vector<int64_t> place(names.size(), -1);
    for (ConditionNode& node : detection.nodes) {
      if (node.kind != ConditionNode::Kind::kSearch) continue;
      int64_t& at = place[node.search];
      if (at < 0) {
        at = static_cast<int64_t>(detection.searches.size());
        detection.searches.push_back(
            ReadSearch(names[node.search], *nodes[node.search], detection));
      }
      node.search = static_cast<uint32_t>(at);
    }
    for (size_t i = 0; i < names.size(); ++i) {
      if (place[i] < 0) {
        Doubt(*nodes[i], fmt::format("the condition does not use {}", names[i]));
      }
    }
    return detection;
  }

  void ReadRule(const Tree& detection) {
    Rule rule;
    rule.log_source = ReadLogSource();
    rule.detection = ReadDetection(detection, {}, nullptr);
    if (head_.title.empty()) Refuse(document_, "no title");
    if (refused_) return;
    rule.head = std::move(head_);
    out_.rules.push_back(std::move(rule));
  }

  void ReadFilter(const Tree& node) {
    Filter filter;
    filter.log_source = ReadLogSource();
    filter.detection = ReadDetection(node, {"rules"}, &filter.keep);
    filter.rules = ListOf(node.Find("rules"));
    std::erase_if(filter.rules, [](const std::string& id) { return AsciiLower(id) == "any"; });
    if (refused_) return;
    // "not x" says what to keep; Restrict() then takes the condition as it is.
    filter.head = std::move(head_);
    out_.filters.push_back(std::move(filter));
  }

  // --- correlations ------------------------------------------------------------------------------

  int64_t ReadTimespan(const Tree& node) {
    const Tree* span = node.Find("timespan");
    const std::string text = span == nullptr ? "" : span->text;
    constexpr std::pair<char, int64_t> kUnits[] = {
        {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    for (const auto& [letter, seconds] : kUnits) {
      if (text.size() < 2 || text.back() != letter) continue;
      int64_t count = 0;
      const char* const end = text.data() + text.size() - 1;
      const auto [last, error] = std::from_chars(text.data(), end, count);
      if (error == std::errc() && last == end && count > 0 && count <= 100000000 / seconds) {
        return count * seconds * 1000000000;
      }
    }
    Refuse(span == nullptr ? node : *span, "timespan is a number with s, m, h or d behind it");
    return 0;
  }

  void ReadBounds(const Tree& node, Correlation& correlation) {
    const Tree* condition = node.Find("condition");
    if (condition == nullptr) return;
    if (condition->kind != Tree::Kind::kMap) {
      return Refuse(*condition, "a correlation's condition is a map: gte: 10");
    }
    constexpr std::pair<std::string_view, CorrelationBound> kBounds[] = {
        {"gt", {Comparison::kGreater, false, 0}}, {"gte", {Comparison::kGreaterOrEqual, false, 0}},
        {"lt", {Comparison::kLess, false, 0}},    {"lte", {Comparison::kLessOrEqual, false, 0}},
        {"eq", {Comparison::kEqual, false, 0}},   {"neq", {Comparison::kEqual, true, 0}}};
    for (size_t i = 0; i < condition->items.size(); ++i) {
      const std::string& key = condition->keys[i];
      const Tree& value = condition->items[i];
      if (key == "field") {
        const std::vector<std::string> fields = ListOf(&value);
        if (fields.size() != 1) return Refuse(value, "field: one name is expected");
        correlation.field = fields.front();
        continue;
      }
      double number = 0;
      const char* const end = value.text.data() + value.text.size();
      const auto [last, error] = std::from_chars(value.text.data(), end, number);
      const bool is_number = error == std::errc() && last == end && std::isfinite(number);
      if (!is_number) return Refuse(value, fmt::format("{}: {} is no number", key, value.text));
      if (key == "percentile") {
        if (number < 0 || number > 100) return Refuse(value, "percentile: 0 to 100");
        correlation.percentile = number;
        continue;
      }
      const auto* bound =
          std::ranges::find(kBounds, key, [](const auto& row) { return row.first; });
      if (bound == std::end(kBounds)) {
        return Refuse(value, fmt::format("unknown word {} in a correlation's condition", key));
      }
      correlation.bounds.push_back(bound->second);
      correlation.bounds.back().value = number;
    }
  }

  void ReadAliases(const Tree& node, Correlation& correlation) {
    const Tree* aliases = node.Find("aliases");
    if (aliases == nullptr) return;
    for (size_t i = 0; i < aliases->items.size() && aliases->kind == Tree::Kind::kMap; ++i) {
      const Tree& alias = aliases->items[i];
      if (alias.kind != Tree::Kind::kMap)
        return Refuse(alias, "an alias is a map of rules to fields");
      for (size_t k = 0; k < alias.items.size(); ++k) {
        correlation.aliases[aliases->keys[i]][alias.keys[k]] = alias.items[k].text;
      }
    }
  }

  void ReadCorrelation(const Tree& node) {
    Correlation correlation;
    correlation.line = node.line;
    if (node.kind != Tree::Kind::kMap) return Refuse(node, "a correlation that is no map");
    constexpr std::pair<std::string_view, CorrelationType> kTypes[] = {
        {"event_count", CorrelationType::kEventCount},
        {"value_count", CorrelationType::kValueCount},
        {"temporal", CorrelationType::kTemporal},
        {"temporal_ordered", CorrelationType::kTemporalOrdered},
        {"value_sum", CorrelationType::kValueSum},
        {"value_avg", CorrelationType::kValueAverage},
        {"value_percentile", CorrelationType::kValuePercentile}};
    const std::string type = TextOf(node, "type");
    const auto* found = std::ranges::find(kTypes, type, [](const auto& row) { return row.first; });
    if (found == std::end(kTypes)) {
      return Refuse(node, fmt::format("unknown type of correlation {}", type));
    }
    correlation.type = found->second;
    correlation.rules = ListOf(node.Find("rules"));
    correlation.group_by = ListOf(node.Find("group-by"));
    correlation.timespan_ns = ReadTimespan(node);
    correlation.generate = AsciiLower(TextOf(node, "generate")) == "true" ||
                           AsciiLower(TextOf(document_, "generate")) == "true";
    ReadBounds(node, correlation);
    ReadAliases(node, correlation);
    const bool is_temporal = correlation.type == CorrelationType::kTemporal ||
                             correlation.type == CorrelationType::kTemporalOrdered;
    const bool needs_field = !is_temporal && correlation.type != CorrelationType::kEventCount;
    if (correlation.rules.empty()) Refuse(node, "a correlation without rules");
    if (!is_temporal && correlation.bounds.empty())
      Refuse(node, "a correlation without a condition");
    if (needs_field && correlation.field.empty()) {
      Refuse(node, fmt::format("{} needs a field in its condition", type));
    }
    if (head_.title.empty()) head_.title = head_.name;
    if (head_.title.empty()) Refuse(document_, "no title");
    if (refused_) return;
    correlation.head = std::move(head_);
    out_.correlations.push_back(std::move(correlation));
  }

  const Tree& document_;
  const std::string& file_;
  const Placeholders& placeholders_;
  RuleFile& out_;
  Head head_;
  bool refused_ = false;
  size_t patterns_ = 0;
};

}  // namespace

RuleFile ParseRules(std::string_view yaml, const std::string& file,
                    const Placeholders& placeholders) {
  RuleFile out;
  size_t line = 0;
  const Result<std::vector<Tree>> documents = ParseYamlDocuments(yaml, line);
  if (!documents) {
    out.refused.push_back({file, line, documents.error().message, ""});
    return out;
  }
  for (const Tree& document : *documents) {
    if (document.is_null) continue;  // nothing between two separators
    DocumentParser(document, file, placeholders, out).Run();
  }
  return out;
}

}  // namespace ekshume::detect::sigma
