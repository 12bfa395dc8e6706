// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/coverage_sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ekshume::casefile {
namespace {

// Logs that a cluster in use writes all the time. Findings and files come when they come.
constexpr std::string_view kSteadySources =
    "'k8s_audit', 'authenticator', 'cloudtrail', 'vpc_flow', 'resolver', 'falco', 'tetragon', "
    "'auditd', 'journal', 'syslog', 'klog'";
constexpr int64_t kMostSlots = 4000;  // of the whole time, for each source
constexpr int64_t kShortestSlotSeconds = 60;
constexpr int64_t kNanoseconds = 1000000000;
// Fewer slots with events make no habit.
constexpr size_t kLeastSlots = 30;
constexpr size_t kMostSampledGroups = 400;
constexpr size_t kMostSampledEvents = 50;

constexpr std::array<std::string_view, 4> kLevels = {"None", "Metadata", "Request",
                                                     "RequestResponse"};
size_t LevelRank(std::string_view level) {
  const auto* found = std::ranges::find(kLevels, level);
  return found == kLevels.end() ? 0 : static_cast<size_t>(found - kLevels.begin());
}

void Raise(std::string& level, const std::string& seen) {
  if (!seen.empty() && (level.empty() || LevelRank(level) < LevelRank(seen))) level = seen;
}

bool IsRead(std::string_view verb) { return verb == "get" || verb == "list" || verb == "watch"; }

std::optional<Timestamp> TimeOf(event::Rows& rows, size_t column) {
  return rows.IsNull(column) ? std::nullopt : ParseTimestamp(rows.Text(column));
}

Result<void> ReadSilences(event::Store& store, std::map<std::string, SourceFacts>& sources) {
  std::optional<Timestamp> first;
  std::optional<Timestamp> last;
  for (const auto& [name, facts] : sources) {
    if (kSteadySources.find("'" + name + "'") == std::string_view::npos) continue;
    if (facts.first && (!first || *facts.first < *first)) first = facts.first;
    if (facts.last && (!last || *last < *facts.last)) last = facts.last;
  }
  if (!first) return {};
  const int64_t slot_seconds =
      std::max(kShortestSlotSeconds, (last->seconds - first->seconds) / kMostSlots + 1);
  const auto rows = EKSHUME_TRY(store.Query(fmt::format(
      "SELECT source, CAST(epoch_ns(time) // {} AS BIGINT) AS slot, count(*) FROM events WHERE "
      "source IN ({}) AND time IS NOT NULL GROUP BY ALL ORDER BY source, slot",
      slot_seconds * kNanoseconds, kSteadySources)));
  std::map<std::string, std::vector<int64_t>> slots;
  while (EKSHUME_TRY(rows->Next())) {
    slots[std::string(rows->Text(0))].push_back(rows->Integer(1));
  }
  for (const auto& [name, numbers] : slots) {
    std::vector<std::pair<int64_t, int64_t>> found = FindSilences(numbers);
    std::ranges::stable_sort(found, [](const auto& a, const auto& b) {
      return a.second - a.first > b.second - b.first;
    });
    if (found.size() > kMostSilences) found.resize(kMostSilences);
    std::ranges::sort(found);
    for (const auto& [from, to] : found) {
      sources[name].silences.push_back({{(from + 1) * slot_seconds, 0}, {to * slot_seconds, 0}});
    }
  }
  return {};
}

// The raw records of events by their ids: one pass over the store for all of them.
Result<std::map<std::string, std::string>> ReadRecords(event::Store& store,
                                                       const std::vector<std::string>& ids) {
  std::map<std::string, std::string> records;
  if (ids.empty()) return records;
  std::string list;
  for (const std::string& id : ids) {
    list += fmt::format("{}{}", list.empty() ? "" : ", ", event::SqlLiteral(id));
  }
  const auto rows =
      EKSHUME_TRY(store.Query(fmt::format("SELECT id, raw FROM events WHERE id IN ({})", list)));
  while (EKSHUME_TRY(rows->Next())) records.emplace(rows->Text(0), rows->Text(1));
  return records;
}

// By a sample of the requests for events: no column has the group.
Result<bool> HasCoreEvents(event::Store& store) {
  const auto rows = EKSHUME_TRY(store.Query(fmt::format(
      "SELECT id FROM events WHERE source = 'k8s_audit' AND object_kind = 'events' ORDER BY id "
      "LIMIT {}",
      kMostSampledEvents)));
  std::vector<std::string> ids;
  while (EKSHUME_TRY(rows->Next())) ids.emplace_back(rows->Text(0));
  const auto records = EKSHUME_TRY(ReadRecords(store, ids));
  return std::ranges::any_of(records, [](const auto& record) {
    return record.second.find("events.k8s.io") == std::string::npos;
  });
}

}  // namespace

std::vector<std::pair<int64_t, int64_t>> FindSilences(const std::vector<int64_t>& slots) {
  if (slots.size() < kLeastSlots) return {};
  std::vector<int64_t> distances;
  for (size_t i = 1; i < slots.size(); ++i) distances.push_back(slots[i] - slots[i - 1]);
  // What nineteen of twenty distances do not exceed is usual.
  std::vector<int64_t> sorted = distances;
  std::ranges::sort(sorted);
  const int64_t usual = sorted[sorted.size() * 19 / 20];
  const int64_t limit = std::max<int64_t>(10 * usual, 5);
  std::vector<std::pair<int64_t, int64_t>> found;
  for (size_t i = 0; i < distances.size(); ++i) {
    if (distances[i] > limit) found.emplace_back(slots[i], slots[i + 1]);
  }
  return found;
}

Result<std::map<std::string, SourceFacts>> ReadSources(event::Store& store) {
  std::map<std::string, SourceFacts> sources;
  const auto rows = EKSHUME_TRY(store.Query(
      "SELECT source, count(*), min(time), max(time) FROM events WHERE source IS NOT NULL GROUP BY "
      "source ORDER BY source"));
  while (EKSHUME_TRY(rows->Next())) {
    SourceFacts& facts = sources[std::string(rows->Text(0))];
    facts.rows = static_cast<uint64_t>(rows->Integer(1));
    facts.first = TimeOf(*rows, 2);
    facts.last = TimeOf(*rows, 3);
  }
  EKSHUME_TRY(ReadSilences(store, sources));
  return sources;
}

std::string AuditLevel(const std::string& record) {
  // The API server writes it among the first members, before anything that a client wrote.
  constexpr std::string_view kName = "\"level\"";
  const size_t name = record.find(kName);
  if (name == std::string::npos) return {};
  const size_t begin = record.find('"', name + kName.size());
  if (begin == std::string::npos) return {};
  const size_t end = record.find('"', begin + 1);
  if (end == std::string::npos) return {};
  const std::string level = record.substr(begin + 1, end - begin - 1);
  return std::ranges::find(kLevels, level) == kLevels.end() ? std::string() : level;
}

Result<AuditFacts> ReadAudit(event::Store& store) {
  struct Group {
    std::string resource;
    std::string verb;
    std::vector<std::string> samples;
  };
  AuditFacts facts;
  std::vector<Group> groups;
  const auto rows = EKSHUME_TRY(store.Query(
      "SELECT object_kind, action, count(*) AS n, count(*) FILTER (WHERE command_line IS NOT "
      "NULL), "
      "count(*) FILTER (WHERE contains(tags, 'truncated')), min(id), max(id) FROM events WHERE "
      "source = 'k8s_audit' GROUP BY object_kind, action ORDER BY n DESC, object_kind, action"));
  while (EKSHUME_TRY(rows->Next())) {
    const auto count = static_cast<uint64_t>(rows->Integer(2));
    facts.rows += count;
    facts.truncated += static_cast<uint64_t>(rows->Integer(4));
    if (rows->IsNull(0) || rows->IsNull(1)) continue;  // no resource: /version, /healthz
    const std::string resource(rows->Text(0));
    const std::string verb(rows->Text(1));
    AuditResource& kept = facts.resources[resource];
    const bool is_exec = resource == "pods/exec" || resource == "pods/attach";
    // `get` of exec is how newer clients run a command.
    (IsRead(verb) && !is_exec ? kept.reads : kept.writes) += count;
    if (is_exec) {
      facts.exec += count;
      facts.exec_with_command += static_cast<uint64_t>(rows->Integer(3));
    }
    if (groups.size() >= kMostSampledGroups) continue;
    Group group{resource, verb, {std::string(rows->Text(5))}};
    if (count > 1) group.samples.emplace_back(rows->Text(6));
    groups.push_back(std::move(group));
  }
  std::vector<std::string> samples;
  for (const Group& group : groups) {
    samples.insert(samples.end(), group.samples.begin(), group.samples.end());
  }
  const auto records = EKSHUME_TRY(ReadRecords(store, samples));
  for (const Group& group : groups) {
    AuditResource& kept = facts.resources[group.resource];
    std::string& level = IsRead(group.verb) ? kept.read_level : kept.write_level;
    for (const std::string& id : group.samples) {
      const auto record = records.find(id);
      if (record != records.end()) Raise(level, AuditLevel(record->second));
    }
  }
  if (facts.resources.contains("events")) facts.core_events = EKSHUME_TRY(HasCoreEvents(store));
  return facts;
}

bool AuditFacts::HasReads() const {
  return std::ranges::any_of(resources, [](const auto& r) { return r.second.reads > 0; });
}

bool AuditFacts::HasWrites() const {
  return std::ranges::any_of(resources, [](const auto& r) { return r.second.writes > 0; });
}

std::string AuditFacts::WriteLevel(std::initializer_list<const char*> names) const {
  std::string level;
  for (const char* name : names) {
    const auto found = resources.find(name);
    if (found != resources.end()) Raise(level, found->second.write_level);
  }
  return level;
}

}  // namespace ekshume::casefile
