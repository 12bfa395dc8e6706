// SPDX-License-Identifier: Apache-2.0
#include "detect/story/join.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "detect/story/indicators.h"

namespace ekshume::detect::story {
namespace {

constexpr int64_t kMinute = 60;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kActorGap = 24 * kHour;  // between two acts of one actor
constexpr int64_t kAppearGap = kHour;      // between things that appear in one place
constexpr int64_t kCauseGap = kHour;       // from an act in a pod to what appears there
constexpr int64_t kChainGap = 24 * kHour;  // from a pod, an account made, to its use
constexpr int64_t kIndicatorGap = 7 * 24 * kHour;
constexpr int64_t kNearGap = 5 * kMinute;     // on one node, for want of anything better
constexpr int64_t kTriedGap = 15 * kMinute;   // before the first act
constexpr int64_t kClockSlack = 5;            // of two clocks
constexpr uint64_t kMaxUsersOfAddress = 3;    // more share a way out, not a purpose
constexpr size_t kMaxPlacesOfIndicator = 50;  // more: a server that everybody asks
constexpr size_t kMaxLookBack = 64;

using Indexes = std::vector<size_t>;
using ByKey = std::map<std::string, Indexes>;

class Joiner {
 public:
  Joiner(const std::vector<Item>& items, const Actors& actors, const Places& places,
         const Facts& facts)
      : items_(items), actors_(actors), places_(places), facts_(facts), parent_(items.size()) {
    std::iota(parent_.begin(), parent_.end(), size_t{0});
    order_.resize(items.size());
    std::iota(order_.begin(), order_.end(), size_t{0});
    std::ranges::sort(order_, [&](size_t left, size_t right) { return Key(left) < Key(right); });
  }

  Joined Run() {
    Index();
    JoinActors();
    for (const auto& [place, appeared] : appeared_) JoinAppeared(place, appeared);
    JoinServiceAccounts();
    JoinHosts();
    JoinMade();
    JoinAddresses();
    JoinIndicators();
    JoinNear();
    return Collect();
  }

 private:
  // Those without a time come last; ids break ties, so that the order is the same on every run.
  std::tuple<bool, Timestamp, const std::string&> Key(size_t index) const {
    const Item& item = items_[index];
    return {!item.first, item.first.value_or(Timestamp{}), item.finding->id};
  }

  size_t Root(size_t index) {
    while (parent_[index] != index) {
      parent_[index] = parent_[parent_[index]];
      index = parent_[index];
    }
    return index;
  }
  void Unite(size_t left, size_t right) {
    const std::string& one = items_[left].finding->cluster;
    const std::string& other = items_[right].finding->cluster;
    if (!one.empty() && !other.empty() && one != other) return;
    left = Root(left);
    right = Root(right);
    if (left == right) return;
    if (Key(right) < Key(left)) std::swap(left, right);
    parent_[right] = left;
  }

  // Where something appears: a pod, a container of none, the host.
  static std::string PlaceOf(const Item& item) {
    if (item.on_host) return "node:" + item.node;
    if (!item.pod.empty()) return "pod:" + item.pod;
    if (!item.container.empty()) return "container:" + item.container;
    return {};
  }

  void Index() {
    for (const size_t i : order_) {
      const Item& item = items_[i];
      if (!item.begins) continue;
      if (actors_.CanJoin(item.actor)) by_actor_[item.actor].push_back(i);
      const std::string place = PlaceOf(item);
      if (place.empty()) continue;
      (item.actor == Actors::kNobody ? appeared_ : acted_)[place].push_back(i);
    }
  }

  // The last of `sorted` that began before `time` and ended at most `gap` seconds before it.
  std::optional<size_t> Before(const Indexes& sorted, Timestamp time, int64_t gap) const {
    const int64_t limit = time.seconds + kClockSlack;
    auto found = std::ranges::upper_bound(sorted, limit, {}, [&](size_t i) {
      return items_[i].first ? items_[i].first->seconds : INT64_MAX;
    });
    for (size_t steps = 0; found != sorted.begin() && steps < kMaxLookBack; ++steps) {
      --found;
      if (time.seconds - items_[*found].last->seconds <= gap) return *found;
    }
    return std::nullopt;
  }
  static const Indexes* Find(const ByKey& map, const std::string& key) {
    const auto found = map.find(key);
    return found == map.end() ? nullptr : &found->second;
  }

  // Neighbours in time that are at most `gap` seconds apart; those without a time with the first.
  void JoinNeighbours(const Indexes& sorted, int64_t gap) {
    std::optional<int64_t> last;
    for (size_t k = 0; k < sorted.size(); ++k) {
      const Item& item = items_[sorted[k]];
      if (!item.first) {
        if (k > 0) Unite(sorted[k], sorted.front());
        continue;
      }
      if (last && item.first->seconds - *last <= gap) Unite(sorted[k - 1], sorted[k]);
      last = std::max(last.value_or(INT64_MIN), item.last->seconds);
    }
  }

  void JoinActors() {
    for (const auto& [actor, indexes] : by_actor_) JoinNeighbours(indexes, kActorGap);
  }

  void JoinAppeared(const std::string& place, const Indexes& appeared) {
    JoinNeighbours(appeared, kAppearGap);
    const Indexes* acted = Find(acted_, place);
    if (acted == nullptr) return;
    for (const size_t i : appeared) {
      if (!items_[i].first) {
        // Of a history without times: with what appeared there, or with who was there.
        if (appeared.size() == 1) Unite(i, acted->front());
        continue;
      }
      if (const auto cause = Before(*acted, *items_[i].first, kCauseGap)) Unite(*cause, i);
    }
  }

  // What of a group of findings in a pod, by whomever, happened before `time`.
  std::optional<size_t> InPodBefore(const std::string& pod, Timestamp time, int64_t gap) const {
    std::optional<size_t> best;
    for (const ByKey* map : {&acted_, &appeared_}) {
      const Indexes* sorted = Find(*map, "pod:" + pod);
      if (sorted == nullptr) continue;
      const auto found = Before(*sorted, time, gap);
      if (found && (!best || Key(*best) < Key(*found))) best = found;
    }
    return best;
  }

  // The token of a pod that was entered, used afterwards.
  void JoinServiceAccounts() {
    std::map<int, std::set<std::string>> pods_of;
    for (const ByKey* map : {&acted_, &appeared_}) {
      for (const auto& [place, indexes] : *map) {
        if (!place.starts_with("pod:")) continue;
        const std::string account = places_.ServiceAccountOf(place.substr(4));
        if (account.empty()) continue;
        std::string user = "system:serviceaccount:" + account;
        std::ranges::replace(user, '/', ':');
        for (const Name& name : {Name{"service_account", account}, Name{"user_name", user}}) {
          const int actor = actors_.Find(name);
          if (actor != Actors::kNobody) pods_of[actor].insert(place.substr(4));
        }
      }
    }
    for (const auto& [actor, indexes] : by_actor_) {
      if (actors_.KindOf(actor) != Actors::Kind::kServiceAccount) continue;
      for (const size_t i : indexes) {
        if (!items_[i].first) continue;
        std::set<std::string> pods = pods_of[actor];
        for (const EventFacts* event : items_[i].events) {
          const std::string pod = TagValue(event->tags, "actor_pod");
          const std::string account = actors_.ShortName(actor);
          if (!pod.empty()) pods.insert(PodKey(account.substr(0, account.find('/')), pod));
          const std::string at = places_.PodAt(event->source_ip);
          if (!at.empty()) pods.insert(at);
        }
        for (const std::string& pod : pods) {
          const auto before = InPodBefore(pod, *items_[i].first, kChainGap);
          if (before && *before != i) Unite(*before, i);
        }
      }
    }
  }

  // What appears on a host after somebody acted in a pod that can reach it.
  void JoinHosts() {
    std::set<std::string> pods;
    for (const ByKey* map : {&acted_, &appeared_}) {
      for (const auto& [place, indexes] : *map) {
        if (!place.starts_with("pod:")) continue;
        if (!places_.HostAccess(place.substr(4)).empty()) pods.insert(place.substr(4));
      }
    }
    for (const auto& [place, indexes] : appeared_) {
      if (!place.starts_with("node:")) continue;
      for (const size_t i : indexes) {
        if (!items_[i].first) continue;
        for (const std::string& pod : pods) {
          const std::string node = places_.NodeOf(pod);
          if (!node.empty() && node != items_[i].node) continue;
          const auto before = InPodBefore(pod, *items_[i].first, kChainGap);
          if (!before) continue;
          Unite(*before, i);
          explained_.insert(i);
        }
        if (!items_[i].pod.empty()) {
          if (const auto before = InPodBefore(items_[i].pod, *items_[i].first, kChainGap)) {
            Unite(*before, i);
            explained_.insert(i);
          }
        }
      }
    }
  }

  // What one made and another used: an account, a token of it, pods of a workload.
  void JoinMade() {
    for (const size_t i : order_) {
      const Item& item = items_[i];
      if (item.actor == Actors::kNobody || item.refused || !item.first) continue;
      for (const EventFacts* event : item.events) {
        if (event->source != "k8s_audit" || event->action != "create") continue;
        if (event->object_kind.starts_with("serviceaccounts")) {
          const int made =
              actors_.Find({"service_account", PodKey(event->name_space, event->object_name)});
          if (made != Actors::kNobody && made != item.actor) JoinAfter(i, by_actor_[made]);
        }
        if (event->object_kind == "cronjobs" || event->object_kind == "jobs" ||
            event->object_kind == "daemonsets" || event->object_kind == "deployments" ||
            event->object_kind == "statefulsets" || event->object_kind == "replicasets") {
          const std::string prefix = "pod:" + PodKey(event->name_space, event->object_name) + "-";
          for (auto place = appeared_.lower_bound(prefix);
               place != appeared_.end() && place->first.starts_with(prefix); ++place) {
            JoinAfter(i, place->second);
          }
        }
      }
    }
  }
  void JoinAfter(size_t maker, const Indexes& later) {
    if (!items_[maker].begins) return;
    for (const size_t i : later) {
      if (!items_[i].first || *items_[i].first < *items_[maker].first) continue;
      if (items_[i].first->seconds - items_[maker].last->seconds <= kChainGap) Unite(maker, i);
    }
  }

  void JoinAddresses() {
    ByKey by_address;
    for (const size_t i : order_) {
      if (!items_[i].begins) continue;
      std::set<std::string> addresses;
      for (const EventFacts* event : items_[i].events) addresses.insert(event->source_ip);
      for (const std::string& address : addresses) {
        if (Tells(address)) by_address[address].push_back(i);
      }
    }
    for (const auto& [address, indexes] : by_address) JoinNeighbours(indexes, kActorGap);
  }
  bool Tells(const std::string& address) const {
    if (!IsPublicAddress(address)) return false;
    const auto users = facts_.users_of_address.find(address);
    return users == facts_.users_of_address.end() || users->second <= kMaxUsersOfAddress;
  }

  void JoinIndicators() {
    ByKey by_indicator;
    for (const size_t i : order_) {
      if (!items_[i].begins) continue;
      for (const std::string& indicator : IndicatorsOf(items_[i])) {
        by_indicator[indicator].push_back(i);
      }
    }
    for (const auto& [indicator, indexes] : by_indicator) {
      std::set<std::string> places;
      for (const size_t i : indexes) places.insert(PlaceOf(items_[i]));
      if (places.size() <= kMaxPlacesOfIndicator) JoinNeighbours(indexes, kIndicatorGap);
    }
  }

  // What appears in a container and, minutes apart, on its host, where a way from containers to the
  // host exists and no act of anybody explains it.
  void JoinNear() {
    for (const auto& [place, on_host] : appeared_) {
      if (!place.starts_with("node:") || places_.WaysTo(place.substr(5)).empty()) continue;
      Indexes inside;
      for (const auto& [other, indexes] : appeared_) {
        if (other.starts_with("node:")) continue;
        for (const size_t i : indexes) {
          if (items_[i].node == place.substr(5) && items_[i].first) inside.push_back(i);
        }
      }
      std::ranges::sort(inside, [&](size_t left, size_t right) { return Key(left) < Key(right); });
      for (const size_t i : on_host) {
        if (!items_[i].first || explained_.contains(i)) continue;
        const auto before = Before(inside, *items_[i].first, kNearGap);
        if (!before || Root(*before) == Root(i)) continue;
        Unite(*before, i);
        near_.push_back(i);
      }
    }
  }

  struct Span {
    std::optional<Timestamp> first, last;
    std::set<int> actors;
    std::set<std::string> places, addresses, clusters;
    bool reaches_host = false;  // a pod of it can
  };
  // How far `time` is from a span, in seconds; none when either has no time.
  static std::optional<int64_t> Distance(const Span& span, const std::optional<Timestamp>& time) {
    if (!span.first || !time) return std::nullopt;
    if (*time < *span.first) return span.first->seconds - time->seconds;
    if (*time > *span.last) return time->seconds - span.last->seconds;
    return 0;
  }

  Span SpanOf(const Group& group) const {
    Span span;
    for (const size_t i : group.items) {
      const Item& item = items_[i];
      if (item.first && (!span.first || *item.first < *span.first)) span.first = item.first;
      if (item.last && (!span.last || *item.last > *span.last)) span.last = item.last;
      if (actors_.CanJoin(item.actor)) span.actors.insert(item.actor);
      span.places.insert(PlaceOf(item));
      if (!item.on_host && !places_.HostAccess(item.pod).empty()) span.reaches_host = true;
      span.clusters.insert(item.finding->cluster);
      for (const EventFacts* event : item.events) {
        if (Tells(event->source_ip)) span.addresses.insert(event->source_ip);
      }
    }
    span.places.erase("");
    return span;
  }

  // Spans of groups, and which of them an actor or a place has to do with.
  struct Homes {
    std::vector<Span> spans;
    std::map<int, Indexes> by_actor;
    ByKey by_place;
  };

  // The group to which an item belongs that begins nothing, and whether it was only tried.
  std::optional<std::pair<size_t, bool>> HomeOf(const Item& item, const Homes& homes) const {
    std::optional<std::pair<size_t, bool>> home;
    int64_t best = INT64_MAX;
    const auto offer = [&](size_t group, int64_t distance, bool tried) {
      const Span& span = homes.spans[group];
      const std::string& cluster = item.finding->cluster;
      if (!cluster.empty() && !span.clusters.contains(cluster) && !span.clusters.contains("")) {
        return;
      }
      if (distance >= best) return;
      best = distance;
      home = {group, tried};
    };
    if (item.actor == Actors::kNobody) {
      const Indexes* groups = Find(homes.by_place, PlaceOf(item));
      if (groups == nullptr && item.condition && item.rank >= 2) {
        // The only way to a host on which something was found.
        groups = Find(homes.by_place, "node:" + item.node);
        if (groups != nullptr && homes.spans[groups->front()].reaches_host) groups = nullptr;
      }
      if (groups == nullptr) return home;
      for (const size_t g : *groups) {
        const auto distance = Distance(homes.spans[g], item.first);
        if (item.condition || !distance) offer(g, 0, false);
        if (distance && *distance <= kAppearGap) offer(g, *distance, false);
      }
      return home;
    }
    if (const auto groups = homes.by_actor.find(item.actor); groups != homes.by_actor.end()) {
      for (const size_t g : groups->second) {
        const auto distance = Distance(homes.spans[g], item.first);
        if (distance && *distance <= kActorGap) offer(g, *distance, false);
      }
      return home;
    }
    if (!item.anonymous && !item.refused) return home;
    for (size_t g = 0; g < homes.spans.size(); ++g) {
      const Span& span = homes.spans[g];
      const auto distance = Distance(span, item.first);
      if (!distance || *distance > kActorGap || *item.first > *span.last) continue;
      const bool same_address = std::ranges::any_of(item.events, [&](const EventFacts* event) {
        return span.addresses.contains(event->source_ip);
      });
      if (same_address || *distance <= kTriedGap) offer(g, *distance, true);
    }
    return home;
  }

  Joined Collect() {
    Joined joined;
    std::map<size_t, size_t> group_of_root;
    for (const size_t i : order_) {
      if (!items_[i].begins) continue;
      const auto [found, is_new] = group_of_root.try_emplace(Root(i), joined.groups.size());
      if (is_new) joined.groups.emplace_back();
      joined.groups[found->second].items.push_back(i);
    }
    for (const size_t i : near_) joined.groups[group_of_root[Root(i)]].by_time_only = true;
    Homes homes;
    for (size_t g = 0; g < joined.groups.size(); ++g) {
      homes.spans.push_back(SpanOf(joined.groups[g]));
      for (const int actor : homes.spans.back().actors) homes.by_actor[actor].push_back(g);
      for (const std::string& place : homes.spans.back().places) homes.by_place[place].push_back(g);
    }
    for (const size_t i : order_) {
      const Item& item = items_[i];
      if (item.begins) continue;
      if (const auto home = HomeOf(item, homes)) {
        Group& group = joined.groups[home->first];
        (home->second ? group.tried : group.items).push_back(i);
      } else if (item.rank >= 2) {
        joined.alone.push_back(i);
      }
    }
    for (Group& group : joined.groups) {
      std::ranges::sort(group.items,
                        [&](size_t left, size_t right) { return Key(left) < Key(right); });
    }
    return joined;
  }

  const std::vector<Item>& items_;
  const Actors& actors_;
  const Places& places_;
  const Facts& facts_;
  std::vector<size_t> parent_;
  Indexes order_;  // by time
  std::map<int, Indexes> by_actor_;
  ByKey acted_, appeared_;      // by place
  std::set<size_t> explained_;  // on a host, and it is known from where
  Indexes near_;                // joined for want of anything better
};

}  // namespace

Joined Join(const std::vector<Item>& items, const Actors& actors, const Places& places,
            const Facts& facts) {
  return Joiner(items, actors, places, facts).Run();
}

}  // namespace ekshume::detect::story
