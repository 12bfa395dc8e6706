// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "detect/sigma/candidates.h"
#include "detect/sigma/match.h"

namespace ekshume::detect::sigma {

// The rules of one view.
struct Engine::Group {
  struct Member {
    uint32_t rule = 0;
    std::vector<uint32_t> fields;  // Detection::fields -> plans
  };
  View view;
  std::vector<FieldPlan> plans;
  std::vector<Member> members;
  CandidateIndex candidates;
};

struct Engine::State {
  std::vector<Rule> rules;
  std::vector<Group> groups;
  std::vector<bool> has_view;
  std::vector<event::Text> texts;
  std::vector<event::Number> numbers;
};

struct Engine::Session::State {
  struct OfGroup {
    explicit OfGroup(const Group& group)
        : cache(group.plans.size()), asked(group.members.size(), 0) {}
    FieldCache cache;
    std::vector<uint64_t> asked;  // member -> the record for which it was asked last
  };

  const Engine& engine;
  RecordReader reader;
  std::vector<OfGroup> groups;
  CandidateIndex::Scratch scratch;
  std::vector<uint32_t> matched;
  uint64_t record = 0;
};

namespace {

// Takes the fields of a rule into its group.
class GroupMaker {
 public:
  uint32_t PlaceOf(const View& view, const std::string& name, std::vector<FieldPlan>& plans) {
    const auto [found, is_new] = places_.try_emplace(name, static_cast<uint32_t>(plans.size()));
    if (is_new) plans.push_back(PlanField(view, name));
    return found->second;
  }

 private:
  std::unordered_map<std::string, uint32_t> places_;
};

size_t LineOfField(const Rule& rule, uint32_t field) {
  for (const Search& search : rule.detection.searches) {
    for (const std::vector<Item>& items : search.alternatives) {
      for (const Item& item : items) {
        if (item.field == field) return item.line;
      }
    }
  }
  return rule.head.line;
}

std::string Describe(const LogSource& source) {
  std::string text;
  for (const auto& [name, value] : {std::pair{"product", &source.product},
                                    {"category", &source.category},
                                    {"service", &source.service}}) {
    if (!value->empty()) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, *value);
  }
  return text;
}

}  // namespace

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::~Engine() = default;

std::unique_ptr<Engine> Engine::Make(std::vector<Rule> rules, std::vector<Problem>& doubtful) {
  auto state = std::make_unique<State>();
  state->rules = std::move(rules);
  std::map<View, std::pair<Group, GroupMaker>> groups;
  for (uint32_t i = 0; i < state->rules.size(); ++i) {
    const Rule& rule = state->rules[i];
    const std::vector<View> views = ViewsOf(rule.log_source);
    state->has_view.push_back(!views.empty());
    if (views.empty()) {
      doubtful.push_back({rule.head.file, rule.head.line,
                          fmt::format("no record that ekshume reads is of its log source ({})",
                                      Describe(rule.log_source)),
                          rule.head.title});
    }
    for (const View& view : views) {
      auto& [group, maker] = groups[view];
      group.view = view;
      Group::Member member;
      member.rule = i;
      for (uint32_t field = 0; field < rule.detection.fields.size(); ++field) {
        const std::string& name = rule.detection.fields[field];
        member.fields.push_back(maker.PlaceOf(view, name, group.plans));
        if (!group.plans[member.fields.back()].is_known) {
          doubtful.push_back({rule.head.file, LineOfField(rule, field),
                              fmt::format("no record of its log source has a field {}", name),
                              rule.head.title});
        }
      }
      group.candidates.Add(static_cast<uint32_t>(group.members.size()),
                           DemandsOf(rule.detection, member.fields, ScansJson(view)));
      group.members.push_back(std::move(member));
    }
  }
  for (auto& [view, made] : groups) {
    Group& group = made.first;
    group.candidates.Build();
    state->groups.push_back(std::move(group));
  }
  // What views and records read whatever the rules are, and what the rules name.
  std::set<event::Text> texts = {
      event::Text::kSource,      event::Text::kAction,   event::Text::kProcess,
      event::Text::kCommandLine, event::Text::kPath,     event::Text::kDestinationIp,
      event::Text::kTags,        event::Text::kUserName, event::Text::kMessage};
  std::set<event::Number> numbers;
  for (const Group& group : state->groups) {
    for (const FieldPlan& plan : group.plans) {
      if (plan.text) texts.insert(*plan.text);
      if (plan.number) numbers.insert(*plan.number);
    }
  }
  state->texts.assign(texts.begin(), texts.end());
  state->numbers.assign(numbers.begin(), numbers.end());
  return std::unique_ptr<Engine>(new Engine(std::move(state)));
}

const std::vector<Rule>& Engine::rules() const { return state_->rules; }
const std::vector<event::Text>& Engine::texts() const { return state_->texts; }
const std::vector<event::Number>& Engine::numbers() const { return state_->numbers; }
bool Engine::HasView(uint32_t rule) const { return state_->has_view[rule]; }

Engine::Session::Session(const Engine& engine) : state_(new State{engine, {}, {}, {}, {}, 0}) {
  for (const Group& group : engine.state_->groups) state_->groups.emplace_back(group);
}
Engine::Session::~Session() = default;

const std::vector<uint32_t>& Engine::Session::Match(const Input& input) {
  return Run(input, false);
}
const std::vector<uint32_t>& Engine::Session::MatchPlainly(const Input& input) {
  return Run(input, true);
}

const std::vector<uint32_t>& Engine::Session::Run(const Input& input, bool plainly) {
  State& state = *state_;
  state.matched.clear();
  state.reader.Begin(input);
  const std::vector<Group>& groups = state.engine.state_->groups;
  for (size_t g = 0; g < groups.size(); ++g) {
    const Group& group = groups[g];
    State::OfGroup& own = state.groups[g];
    for (Record* const record : state.reader.Read(group.view)) {
      const uint64_t number = ++state.record;
      own.cache.Begin(*record);
      const auto ask = [&](uint32_t m) {
        if (own.asked[m] == number) return;
        own.asked[m] = number;
        const Group::Member& member = group.members[m];
        const Rule& rule = state.engine.state_->rules[member.rule];
        if (Holds(rule.detection, member.fields, group.plans, own.cache)) {
          state.matched.push_back(member.rule);
        }
      };
      if (plainly) {
        for (uint32_t m = 0; m < group.members.size(); ++m) ask(m);
      } else {
        group.candidates.Find(own.cache, group.plans, ScansJson(group.view), state.scratch, ask);
      }
    }
  }
  std::ranges::sort(state.matched);
  const auto repeated = std::ranges::unique(state.matched);
  state.matched.erase(repeated.begin(), repeated.end());
  return state.matched;
}

std::string Engine::Session::ValueOf(uint32_t rule, const std::string& field) {
  State& state = *state_;
  for (const View& view : ViewsOf(state.engine.rules()[rule].log_source)) {
    const FieldPlan plan = PlanField(view, field);
    for (Record* const record : state.reader.Read(view)) {
      Values values;
      record->Get(plan, values);
      for (const Value& value : values.list()) {
        if (value.kind != ValueKind::kNull) return std::string(value.text);
      }
    }
  }
  return {};
}

}  // namespace ekshume::detect::sigma
