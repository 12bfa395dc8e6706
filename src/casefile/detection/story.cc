// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/story.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

#include "base/text.h"
#include "casefile/detection/story_json.h"
#include "casefile/risks.h"
#include "detect/story/indicators.h"
#include "detect/story/story.h"

namespace ekshume::casefile {
namespace {

namespace story = detect::story;

constexpr size_t kIdsPerQuery = 10000;

struct TextColumn {
  const char* name;
  std::string story::EventFacts::* member;
};
constexpr TextColumn kColumns[] = {
    {"source", &story::EventFacts::source},
    {"account_id", &story::EventFacts::account_id},
    {"cluster", &story::EventFacts::cluster},
    {"node", &story::EventFacts::node},
    {"namespace", &story::EventFacts::name_space},
    {"pod", &story::EventFacts::pod},
    {"pod_uid", &story::EventFacts::pod_uid},
    {"container", &story::EventFacts::container},
    {"container_id", &story::EventFacts::container_id},
    {"user_name", &story::EventFacts::user_name},
    {"user_arn", &story::EventFacts::user_arn},
    {"access_key_id", &story::EventFacts::access_key_id},
    {"service_account", &story::EventFacts::service_account},
    {"credential_id", &story::EventFacts::credential_id},
    {"source_ip", &story::EventFacts::source_ip},
    {"destination_ip", &story::EventFacts::destination_ip},
    {"action", &story::EventFacts::action},
    {"object_kind", &story::EventFacts::object_kind},
    {"object_name", &story::EventFacts::object_name},
    {"outcome", &story::EventFacts::outcome},
    {"process", &story::EventFacts::process},
    {"command_line", &story::EventFacts::command_line},
    {"path", &story::EventFacts::path},
    {"sha256", &story::EventFacts::sha256},
    {"message", &story::EventFacts::message},
    {"tags", &story::EventFacts::tags},
};

// An id as the store makes them: a UUID.
bool IsEventId(std::string_view id) {
  return id.size() == 36 && std::ranges::all_of(id, [](char c) {
           return c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

class Gatherer {
 public:
  Gatherer(event::Store& store, const StoryLimits& limits, DiagnosticSink& diagnostics,
           Progress& progress)
      : store_(store), limits_(limits), diagnostics_(diagnostics), progress_(progress) {}

  Result<story::Facts> Gather(const std::vector<detect::Finding>& findings,
                              const runtime::Inventory* inventory) {
    if (inventory != nullptr) TakeInventory(*inventory);
    EKSHUME_TRY(FetchEvents(findings));
    EKSHUME_TRY(FetchPods(findings));
    EKSHUME_TRY(FetchActors());
    EKSHUME_TRY(FetchAddresses());
    EKSHUME_TRY(FetchFirstSeen());
    if (progress_.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
    return std::move(facts_);
  }

 private:
  void LeftOut(size_t count, std::string_view what, std::string_view limit) {
    if (count == 0) return;
    diagnostics_.Report(DiagnosticCode::kStoryLimit, "events",
                        fmt::format("{} {} ({})", count, what, limit));
  }

  // "'a', 'b'": as many as one question may name.
  std::string List(const std::set<std::string>& values, std::string_view what) {
    std::string list;
    size_t count = 0;
    for (const std::string& value : values) {
      if (++count > limits_.values) break;
      if (!list.empty()) list += ", ";
      list += event::SqlLiteral(value);
    }
    LeftOut(values.size() - std::min(values.size(), limits_.values), what, "kMaxToldValues");
    return list;
  }

  void TakeInventory(const runtime::Inventory& inventory) {
    const std::string& node =
        inventory.node.node_name.empty() ? inventory.node.hostname : inventory.node.node_name;
    for (const runtime::Pod& pod : inventory.pods) {
      story::PodFacts facts;
      facts.name_space = pod.namespace_name;
      facts.name = pod.name;
      facts.uid = pod.uid;
      facts.node = pod.node.empty() ? node : pod.node;
      facts.service_account = pod.service_account;
      facts.address = pod.ip_address;
      facts.containers = pod.containers;
      facts_.pods.push_back(std::move(facts));
    }
    for (const runtime::Container& container : inventory.containers) {
      if (container.kind == runtime::ContainerKind::kSandbox) continue;
      story::ContainerFacts facts;
      facts.id = container.id;
      facts.name = container.name;
      facts.node = node;
      facts.image = container.image;
      facts.host_access = HostAccess(container);
      facts.since = container.started ? container.started : container.created;
      if (container.pod) {
        facts.name_space = container.pod->namespace_name;
        facts.pod = container.pod->name;
      }
      facts_.containers.push_back(std::move(facts));
    }
  }

  // Puts the rows that `where` chooses into the facts.
  Result<void> Fetch(const std::string& where) {
    std::string columns = "id, time";
    for (const TextColumn& column : kColumns) columns += fmt::format(", {}", column.name);
    const auto rows =
        EKSHUME_TRY(store_.Query(fmt::format("SELECT {} FROM events WHERE {}", columns, where)));
    while (EKSHUME_TRY(rows->Next())) {
      story::EventFacts event;
      event.id = rows->Text(0);
      if (!rows->IsNull(1)) event.time = ParseTimestamp(rows->Text(1));
      for (size_t i = 0; i < std::size(kColumns); ++i) {
        if (!rows->IsNull(i + 2)) event.*kColumns[i].member = rows->Text(i + 2);
      }
      std::string id = event.id;
      facts_.events.insert_or_assign(std::move(id), std::move(event));
    }
    return {};
  }

  Result<void> FetchEvents(const std::vector<detect::Finding>& findings) {
    std::set<std::string> ids;
    size_t asked = 0;
    size_t left_out = 0;
    const auto flush = [&]() -> Result<void> {
      if (ids.empty() || progress_.cancelled()) return {};
      std::string list;
      for (const std::string& id : ids) {
        if (!list.empty()) list += ", ";
        list += event::SqlLiteral(id);
      }
      EKSHUME_TRY(Fetch(fmt::format("id IN ({})", list)));
      ids.clear();
      return {};
    };
    for (const detect::Finding& finding : findings) {
      for (const std::string& id : finding.events) {
        if (!IsEventId(id)) continue;
        if (asked >= limits_.events) {
          ++left_out;
          continue;
        }
        if (ids.insert(id).second) ++asked;
        if (ids.size() >= kIdsPerQuery) EKSHUME_TRY(flush());
      }
    }
    LeftOut(left_out, "events behind findings were not read", "kMaxToldEvents");
    return flush();
  }

  // How pods that findings name were created, and on which node they ran.
  Result<void> FetchPods(const std::vector<detect::Finding>& findings) {
    std::set<std::string> pods;
    for (const detect::Finding& finding : findings) {
      if (!finding.pod.empty()) pods.insert(finding.pod);
    }
    if (pods.empty()) return {};
    const std::string list = List(pods, "pods were not looked up");
    EKSHUME_TRY(Fetch(fmt::format(
        "source = 'k8s_audit' AND action = 'create' AND object_kind = 'pods' AND pod IN ({}) "
        "ORDER BY time, id LIMIT {}",
        list, limits_.values)));
    const auto rows = EKSHUME_TRY(store_.Query(
        fmt::format("SELECT namespace, pod, min(node), min(pod_uid) FROM events WHERE pod IN ({}) "
                    "AND node IS NOT NULL AND namespace IS NOT NULL GROUP BY ALL ORDER BY ALL",
                    list)));
    while (EKSHUME_TRY(rows->Next())) {
      story::PodFacts pod;
      pod.name_space = rows->Text(0);
      pod.name = rows->Text(1);
      pod.node = rows->Text(2);
      if (!rows->IsNull(3)) pod.uid = rows->Text(3);
      facts_.pods.push_back(std::move(pod));
    }
    return {};
  }

  Result<void> FetchActors() {
    std::set<story::Name> known;
    std::set<story::Name> asked;
    for (const auto& [id, event] : facts_.events) {
      for (const auto& [field, value] :
           {std::pair<const char*, const std::string&>{"access_key_id", event.access_key_id},
            {"user_arn", event.user_arn},
            {"service_account", event.service_account},
            {"user_name", event.user_name},
            {"credential_id", event.credential_id}}) {
        // Files' owners are no actors, and credentials lie around in them.
        if (value.empty() || event.source == "file" || event.source == "ssh") continue;
        asked.insert({field, value});
      }
    }
    size_t count = 0;
    size_t actors_left_out = 0;
    size_t names_left_out = 0;
    // In the order of their fields, the strongest first: "access_key_id" < "credential_id" < ...
    for (const story::Name& name : asked) {
      if (known.contains(name) || progress_.cancelled()) continue;
      if (count >= limits_.actors) {
        ++actors_left_out;
        continue;
      }
      ++count;
      std::vector<story::Name> names = {name};
      for (const event::NamedValue& other : EKSHUME_TRY(store_.SameActor(name.field, name.value))) {
        const story::Name same{other.field, other.value};
        if (same == name) continue;
        if (names.size() < limits_.actor_names) {
          names.push_back(same);
        } else {
          ++names_left_out;
        }
      }
      known.insert(names.begin(), names.end());
      facts_.actors.push_back(std::move(names));
    }
    LeftOut(actors_left_out, "names of actors were not looked up", "kMaxToldActors");
    LeftOut(names_left_out, "further names of actors were left out", "kMaxActorNames");
    return {};
  }

  Result<void> FetchAddresses() {
    std::set<std::string> addresses;
    for (const auto& [id, event] : facts_.events) {
      if (story::IsPublicAddress(event.source_ip)) addresses.insert(event.source_ip);
    }
    if (addresses.empty()) return {};
    const auto rows = EKSHUME_TRY(store_.Query(fmt::format(
        "SELECT source_ip, count(DISTINCT coalesce(user_arn, user_name)) FROM events WHERE "
        "source_ip IN ({}) GROUP BY source_ip",
        List(addresses, "addresses were not looked up"))));
    while (EKSHUME_TRY(rows->Next())) {
      facts_.users_of_address[std::string(rows->Text(0))] = static_cast<uint64_t>(rows->Integer(1));
    }
    return {};
  }

  Result<void> FetchFirstSeen() {
    std::set<std::string> keys;
    for (const auto& [id, event] : facts_.events) {
      if (!event.access_key_id.empty()) keys.insert(event.access_key_id);
    }
    if (keys.empty()) return {};
    const auto rows = EKSHUME_TRY(store_.Query(fmt::format(
        "SELECT access_key_id, min(time) FROM events WHERE access_key_id IN ({}) AND time IS NOT "
        "NULL GROUP BY access_key_id",
        List(keys, "access keys were not looked up"))));
    while (EKSHUME_TRY(rows->Next())) {
      if (const auto time = ParseTimestamp(rows->Text(1))) {
        facts_.first_seen[std::string(rows->Text(0))] = *time;
      }
    }
    return {};
  }

  event::Store& store_;
  const StoryLimits& limits_;
  DiagnosticSink& diagnostics_;
  Progress& progress_;
  story::Facts facts_;
};

}  // namespace

Result<Json> StoryJson(event::Store& store, const std::vector<detect::Finding>& findings,
                       const runtime::Inventory* inventory, DiagnosticSink& diagnostics,
                       Progress& progress, const StoryLimits& limits) {
  progress.SetStage("telling the story");
  std::vector<detect::Finding> told = findings;
  detect::SortFindings(told);
  if (told.size() > limits.findings) {
    diagnostics.Report(DiagnosticCode::kStoryLimit, "findings",
                       fmt::format("{} of the mildest were not joined (kMaxToldFindings)",
                                   told.size() - limits.findings));
    told.resize(limits.findings);
  }
  const story::Facts facts =
      EKSHUME_TRY(Gatherer(store, limits, diagnostics, progress).Gather(told, inventory));
  Json json = ToJson(story::Tell(told, facts));
  json["verdict"]["findings"] = findings.size();
  json["verdict"]["findings_left_out"] = findings.size() - told.size();
  return json;
}

}  // namespace ekshume::casefile
