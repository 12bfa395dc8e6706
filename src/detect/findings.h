// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "detect/finding.h"
#include "event/event.h"

namespace ekshume::detect {

// What findings and correlations keep of an event.
struct EventBrief {
  std::string id;
  std::optional<Timestamp> time;
  std::string actor, object, cluster, node, name_space, pod, container_id, path, source_ip;
  std::string message;

  // `id` is the event's.
  static std::shared_ptr<const EventBrief> Of(const event::Event& event, std::string id);
  // The columns that Of() reads, besides the time.
  static std::span<const event::Text> Texts();
};
using EventRef = std::shared_ptr<const EventBrief>;

// Gathers matches into findings, the same ones in whatever order they come. One thread. At most
// limits::kMaxFindings are made; what would make further ones is counted by left_out().
class Findings {
 public:
  // Takes the events of one match. `what` names the rule or indicator that matched: with the actor
  // and the place of the first event it makes the finding the one it is. Returns the finding when
  // it is new, for the caller to say what it is (detector, rule, title, level, tags and what stands
  // behind the event's message in the explanation); null otherwise.
  Finding* Add(std::initializer_list<std::string_view> what, const std::vector<EventRef>& events);
  // Takes over what another one gathered of other events.
  void Merge(Findings&& other);
  uint64_t left_out() const { return left_out_; }
  // The worst first, then in order of time.
  std::vector<Finding> Take();

 private:
  // Orders events: by time, those without one last.
  struct Kept {
    bool is_timeless = false;
    Timestamp time;
    std::string id;

    auto Order() const { return std::tie(is_timeless, time, id); }
    friend auto operator<=>(const Kept&, const Kept&) = default;
  };
  struct Gathered {
    Finding finding;
    std::vector<Kept> kept;
    bool is_full = false;  // later ones than the last of `kept` are of no interest
    Kept latest;
    Kept earliest;
    std::string message;  // of the earliest event
  };
  static void Trim(Gathered& gathered);
  // The gathered finding of that key; null when there is no room for one more. `is_new` says that
  // it was made now, empty.
  Gathered* Place(const std::string& key, bool& is_new);
  static void AddEvent(Gathered& gathered, const EventBrief& event);

  std::unordered_map<std::string, Gathered> findings_;  // by what makes them one
  std::string key_;                                     // used again and again
  uint64_t left_out_ = 0;
};

}  // namespace ekshume::detect
