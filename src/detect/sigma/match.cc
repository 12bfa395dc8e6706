// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/match.h"

#include <algorithm>

namespace ekshume::detect::sigma {
namespace {

class Evaluation {
 public:
  Evaluation(const Detection& detection, const std::vector<uint32_t>& fields,
             const std::vector<FieldPlan>& plans, FieldCache& cache)
      : detection_(detection), fields_(fields), plans_(plans), cache_(cache) {}

  // NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxRuleDepth, which the parser keeps
  bool Node(uint32_t index) {
    const ConditionNode& node = detection_.nodes[index];
    switch (node.kind) {
      case ConditionNode::Kind::kSearch: return HoldsSearch(detection_.searches[node.search]);
      case ConditionNode::Kind::kNot: return !Node(node.children.front());
      case ConditionNode::Kind::kAtLeast: break;
    }
    uint32_t held = 0;
    for (size_t i = 0; i < node.children.size(); ++i) {
      if (node.children.size() - i + held < node.at_least) return false;
      if (Node(node.children[i]) && ++held >= node.at_least) return true;
    }
    return false;
  }

 private:
  bool HoldsSearch(const Search& search) {
    return std::ranges::any_of(search.alternatives, [&](const std::vector<Item>& items) {
      return std::ranges::all_of(items, [&](const Item& item) { return HoldsItem(item); });
    });
  }

  bool HoldsItem(const Item& item) {
    const auto fits = [&](const Matcher& matcher) {
      return item.field == Item::kKeyword ? FitsKeyword(matcher) : FitsField(item, matcher);
    };
    bool holds = false;
    if (!item.all) {
      holds = std::ranges::any_of(item.matchers, fits);
    } else {
      // Matchers of one value stand together.
      holds = true;
      for (size_t i = 0; i < item.matchers.size() && holds;) {
        const uint32_t value = item.matchers[i].value;
        bool any = false;
        for (; i < item.matchers.size() && item.matchers[i].value == value; ++i) {
          any = any || fits(item.matchers[i]);
        }
        holds = any;
      }
    }
    return holds != item.negate;
  }

  const Values& ValuesOf(uint32_t field) {
    const uint32_t place = fields_[field];
    return cache_.Get(place, plans_[place]);
  }

  bool FitsField(const Item& item, const Matcher& matcher) {
    const Values& values = ValuesOf(item.field);
    switch (matcher.kind) {
      case Matcher::Kind::kNull:
        return !values.present() || std::ranges::any_of(values.list(), [](const Value& value) {
          return value.kind == ValueKind::kNull;
        });
      case Matcher::Kind::kExists: return values.present() == matcher.exists;
      case Matcher::Kind::kFieldRef: {
        const Values& others = ValuesOf(matcher.other_field);
        return std::ranges::any_of(values.list(), [&](const Value& value) {
          return std::ranges::any_of(
              others.list(), [&](const Value& other) { return matcher.FitsField(value, other); });
        });
      }
      default:
        return std::ranges::any_of(values.list(),
                                   [&](const Value& value) { return matcher.Fits(value); });
    }
  }

  bool FitsKeyword(const Matcher& matcher) {
    return std::ranges::any_of(cache_.Texts().list(),
                               [&](const Value& value) { return matcher.Fits(value); });
  }

  const Detection& detection_;
  const std::vector<uint32_t>& fields_;
  const std::vector<FieldPlan>& plans_;
  FieldCache& cache_;
};

}  // namespace

void FieldCache::Begin(Record& record) {
  record_ = &record;
  ++epoch_;
}

const Values& FieldCache::Get(uint32_t field, const FieldPlan& plan) {
  Slot& slot = slots_[field];
  if (slot.epoch != epoch_) {
    slot.epoch = epoch_;
    slot.values.Clear();
    record_->Get(plan, slot.values);
  }
  return slot.values;
}

const Values& FieldCache::Texts() {
  if (texts_.epoch != epoch_) {
    texts_.epoch = epoch_;
    texts_.values.Clear();
    record_->ForEachText([&](std::string_view text) {
      texts_.values.AddCopy(ValueKind::kText, std::string(text));
      return false;
    });
  }
  return texts_.values;
}

bool Holds(const Detection& detection, const std::vector<uint32_t>& fields,
           const std::vector<FieldPlan>& plans, FieldCache& cache) {
  return Evaluation(detection, fields, plans, cache).Node(detection.root);
}

}  // namespace ekshume::detect::sigma
