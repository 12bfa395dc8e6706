// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "detect/sigma/parse.h"
#include "detect/sigma/record.h"

namespace ekshume::detect::sigma {

// Asks many rules of each event. A rule is asked only when the words stand in the record that it
// cannot match without; all words of a view are looked for in one pass over its text. Immutable
// when made; any thread may use it, with a Session each.
class Engine {
 public:
  // `doubtful` gets rules of which a part can do nothing here: log sources that no event has,
  // fields that no record of the source has.
  static std::unique_ptr<Engine> Make(std::vector<Rule> rules, std::vector<Problem>& doubtful);
  ~Engine();

  const std::vector<Rule>& rules() const;
  // Whether any event can match the rule: its log source is one that ekshume reads.
  bool HasView(uint32_t rule) const;

  // The columns that Session::Match() reads of an event. The others may be missing from it.
  const std::vector<event::Text>& texts() const;
  const std::vector<event::Number>& numbers() const;

  // What one thread needs while it matches.
  class Session {
   public:
    explicit Session(const Engine& engine);
    ~Session();

    // The rules that match, as places in rules(), in order. Valid until the next call, as is what
    // ValueOf() reads.
    const std::vector<uint32_t>& Match(const Input& input);
    // The same by asking every rule, to compare with.
    const std::vector<uint32_t>& MatchPlainly(const Input& input);
    // The first value that the last event has for a field in the view of a rule; empty when none.
    std::string ValueOf(uint32_t rule, const std::string& field);

   private:
    struct State;
    const std::vector<uint32_t>& Run(const Input& input, bool plainly);
    const std::unique_ptr<State> state_;
  };

 private:
  struct Group;
  struct State;
  explicit Engine(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

}  // namespace ekshume::detect::sigma
