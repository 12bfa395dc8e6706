// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/coverage_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "casefile/detection/coverage_sources.h"
#include "casefile/gaps.h"
#include "detect/coverage/coverage.h"

namespace ekshume::casefile {
namespace {

namespace coverage = detect::coverage;
using coverage::Fact;
using coverage::Facts;
using coverage::State;
using coverage::View;

// A log that ends so much earlier than the others is incomplete.
constexpr int64_t kEarlyEndSeconds = 3600;
// Partitions that are no larger are for booting.
constexpr uint64_t kBootBytes = uint64_t{1} << 30;

bool HasBody(std::string_view level) { return level == "Request" || level == "RequestResponse"; }

class FactReader {
 public:
  FactReader(std::map<std::string, SourceFacts> sources, AuditFacts audit)
      : sources_(std::move(sources)), audit_(std::move(audit)) {}

  Facts Read(const Evidence* evidence, const runtime::Inventory* inventory) {
    AddAudit();
    AddLog(View::kAuthenticator, {"authenticator"});
    AddLog(View::kCloudTrail, {"cloudtrail"});
    AddLog(View::kGuardDuty, {"guardduty"});
    AddLog(View::kFlow, {"vpc_flow"});
    AddLog(View::kDns, {"resolver"});
    AddLog(View::kRuntime, {"falco", "tetragon", "auditd"});
    AddLog(View::kContainerLogs, {"cri", "docker_json"});
    AddLog(View::kHostLogs, {"journal", "syslog", "klog", "utmp"});
    AddDisk(evidence, inventory);
    return std::move(facts_);
  }

  Json SourcesJson() const {
    Json list = Json::array();
    for (const auto& [name, facts] : sources_) {
      Json silences = Json::array();
      for (const Silence& silence : facts.silences) {
        silences.push_back(
            {{"from", FormatTimestamp(silence.from)}, {"to", FormatTimestamp(silence.to)}});
      }
      list.push_back({{"source", name},
                      {"rows", facts.rows},
                      {"first", TimeOrNull(facts.first)},
                      {"last", TimeOrNull(facts.last)},
                      {"silent", std::move(silences)}});
    }
    return list;
  }

  Json AuditJson() const {
    if (audit_.rows == 0) return nullptr;
    Json resources = Json::array();
    const auto level = [](const std::string& text) {
      return text.empty() ? Json(nullptr) : Json(text);
    };
    for (const auto& [name, kept] : audit_.resources) {
      resources.push_back({{"resource", name},
                           {"reads", kept.reads},
                           {"read_level", level(kept.read_level)},
                           {"writes", kept.writes},
                           {"write_level", level(kept.write_level)}});
    }
    return {{"rows", audit_.rows},
            {"truncated", audit_.truncated},
            {"exec", audit_.exec},
            {"exec_with_command", audit_.exec_with_command},
            {"reads_recorded", audit_.HasReads()},
            {"core_events_recorded", audit_.core_events},
            {"resources", std::move(resources)}};
  }

 private:
  void Set(View view, State state, std::string why = {}) {
    coverage::Of(facts_, view) = {state, std::move(why)};
  }

  // The bodies of some resources: as they were met, else as the policy keeps others.
  void SetBodies(View view, std::initializer_list<const char*> names) {
    const std::string level = audit_.WriteLevel(names);
    if (HasBody(level)) return Set(view, State::kPresent);
    if (!level.empty()) {
      return Set(view, State::kLimited, fmt::format("level {}: without their content", level));
    }
    const bool others = std::ranges::any_of(audit_.resources, [](const auto& resource) {
      return HasBody(resource.second.write_level);
    });
    Set(view, State::kLimited,
        others ? "none was recorded; of other resources the content is kept"
               : "none was recorded, and of no resource is the content kept");
  }

  void AddAudit() {
    if (audit_.rows == 0) {
      for (const View view : {View::kAuditWrites, View::kAuditSpecs, View::kAuditRbac,
                              View::kAuditReads, View::kAuditSecrets, View::kAuditConfigMaps,
                              View::kAuditExec, View::kAuditEvents, View::kAuditIdentity}) {
        Set(view, State::kAbsent);
      }
      return;
    }
    const std::string hole = HoleIn({"k8s_audit"});
    const State whole = hole.empty() ? State::kPresent : State::kLimited;
    Set(View::kAuditIdentity, whole, hole);
    Set(View::kAuditWrites, audit_.HasWrites() ? whole : State::kLimited,
        audit_.HasWrites() ? hole : "no change was recorded");
    SetBodies(View::kAuditSpecs, {"pods", "deployments", "daemonsets", "statefulsets",
                                  "replicasets", "jobs", "cronjobs"});
    SetBodies(View::kAuditRbac,
              {"roles", "clusterroles", "rolebindings", "clusterrolebindings",
               "validatingwebhookconfigurations", "mutatingwebhookconfigurations"});
    SetBodies(View::kAuditConfigMaps, {"configmaps"});
    Set(View::kAuditReads, audit_.HasReads() ? whole : State::kAbsent,
        audit_.HasReads() ? hole : "get and list are not recorded");
    const auto secrets = audit_.resources.find("secrets");
    const bool has_secrets = secrets != audit_.resources.end() && secrets->second.reads > 0;
    Set(View::kAuditSecrets,
        has_secrets         ? whole
        : audit_.HasReads() ? State::kLimited
                            : State::kAbsent,
        has_secrets         ? hole
        : audit_.HasReads() ? "none was recorded, though other reads were"
                            : "get and list are not recorded");
    Set(View::kAuditExec, audit_.exec_with_command > 0 ? whole : State::kLimited,
        audit_.exec_with_command > 0 ? hole
        : audit_.exec > 0            ? "recorded without the command"
                                     : "none was recorded");
    if (audit_.core_events) {
      Set(View::kAuditEvents, whole, hole);
    } else if (audit_.resources.contains("events")) {
      Set(View::kAuditEvents, State::kLimited,
          "of events only the group events.k8s.io is recorded, not the core group that kubectl "
          "deletes");
    } else {
      Set(View::kAuditEvents, State::kAbsent,
          "the audit policy does not record events, as EKS's never does");
    }
    // A hole in the log is one in each of its views.
    for (const View view : {View::kAuditSpecs, View::kAuditRbac, View::kAuditConfigMaps}) {
      Fact& fact = coverage::Of(facts_, view);
      if (fact.state == State::kPresent && !hole.empty()) fact = {State::kLimited, hole};
    }
  }

  // Why a log is not whole: a phrase, "" when nothing speaks against it.
  std::string HoleIn(std::initializer_list<const char*> names) const {
    std::optional<Timestamp> end;  // of the logs that should all reach to the end
    for (const char* name : {"k8s_audit", "authenticator", "cloudtrail", "vpc_flow", "resolver"}) {
      const auto found = sources_.find(name);
      if (found == sources_.end() || !found->second.last) continue;
      if (!end || *end < *found->second.last) end = found->second.last;
    }
    for (const char* name : names) {
      const auto found = sources_.find(name);
      if (found == sources_.end()) continue;
      const SourceFacts& facts = found->second;
      if (!facts.silences.empty()) {
        const auto longest = std::ranges::max_element(
            facts.silences, {}, [](const Silence& s) { return s.to.seconds - s.from.seconds; });
        return fmt::format("silent from {} to {}{}", FormatTimestamp(longest->from),
                           FormatTimestamp(longest->to),
                           facts.silences.size() > 1 ? " and at other times" : "");
      }
      if (end && facts.last && end->seconds - facts.last->seconds > kEarlyEndSeconds) {
        return fmt::format("ends at {}, other logs at {}", FormatTimestamp(*facts.last),
                           FormatTimestamp(*end));
      }
    }
    return {};
  }

  void AddLog(View view, std::initializer_list<const char*> names) {
    const bool has_any =
        std::ranges::any_of(names, [&](const char* name) { return sources_.contains(name); });
    if (!has_any) return Set(view, State::kAbsent);
    // Findings, and what a node keeps, end when they end.
    const bool is_steady = view == View::kAuthenticator || view == View::kCloudTrail ||
                           view == View::kFlow || view == View::kDns;
    const std::string hole = is_steady || view == View::kRuntime || view == View::kHostLogs
                                 ? HoleIn(names)
                                 : std::string();
    const bool counts = is_steady || hole.starts_with("silent");
    const bool limited = counts && !hole.empty();
    Set(view, limited ? State::kLimited : State::kPresent, limited ? hole : std::string());
  }

  void AddDisk(const Evidence* evidence, const runtime::Inventory* inventory) {
    if (evidence == nullptr || inventory == nullptr) {
      const bool has_files = sources_.contains("file");
      for (const View view : {View::kDisk, View::kLayers, View::kContainerRecords}) {
        Set(view, has_files ? State::kLimited : State::kAbsent,
            has_files ? "only as events that were read from disks before" : "no disk was given");
      }
      return;
    }
    DiagnosticSink ignored;  // the report has these already
    std::vector<std::string> lost;
    for (const Gap& gap : FindGaps(*evidence, *inventory, ignored)) {
      if (gap.lost) lost.push_back(fmt::format("{} {}", gap.path, gap.reason));
    }
    const auto unread = std::ranges::count_if(evidence->volumes(), [](const Volume& volume) {
      // Boot partitions hold no evidence of these.
      return volume.filesystem == nullptr && volume.partition.size_bytes > kBootBytes;
    });
    if (!lost.empty()) {
      Set(View::kDisk, State::kLimited, lost.front());
    } else if (unread > 0) {
      Set(View::kDisk, State::kLimited, fmt::format("{} volumes could not be read", unread));
    } else {
      Set(View::kDisk, State::kPresent);
    }
    size_t containers = 0;
    size_t without_layer = 0;
    size_t recovered = 0;
    for (const runtime::Container& container : inventory->containers) {
      if (container.kind == runtime::ContainerKind::kSandbox) continue;
      ++containers;
      if (!container.layers.upper && !container.native_root) ++without_layer;
      if (!container.recovered.empty()) ++recovered;
    }
    const std::string gone =
        fmt::format("of {} of {} containers no layer is left: deleted, or on another disk",
                    without_layer, containers);
    Set(View::kLayers,
        containers == 0 || without_layer == containers ? State::kAbsent
        : without_layer > 0 || !lost.empty()           ? State::kLimited
                                                       : State::kPresent,
        containers == 0     ? "no container was found"
        : without_layer > 0 ? gone
        : !lost.empty()     ? lost.front()
                            : "");
    Set(View::kContainerRecords,
        containers == 0 ? State::kAbsent
        : recovered > 0 ? State::kLimited
                        : State::kPresent,
        containers == 0 ? "no container was found"
        : recovered > 0
            ? fmt::format("of {} of {} containers only traces are left", recovered, containers)
            : "");
  }

  std::map<std::string, SourceFacts> sources_;
  AuditFacts audit_;
  Facts facts_;
};

Json DisksJson(const Evidence* evidence, const runtime::Inventory* inventory) {
  if (evidence == nullptr || inventory == nullptr) return nullptr;
  Json without_layer = Json::array();
  size_t in_memory = 0;
  for (const runtime::Container& container : inventory->containers) {
    if (container.kind == runtime::ContainerKind::kSandbox) continue;
    if (!container.layers.upper && !container.native_root) without_layer.push_back(container.id);
  }
  for (const runtime::Pod& pod : inventory->pods) {
    in_memory +=
        static_cast<size_t>(std::ranges::count_if(pod.volumes, &runtime::PodVolume::in_memory));
  }
  DiagnosticSink ignored;
  Json lost = Json::array();
  for (const Gap& gap : FindGaps(*evidence, *inventory, ignored)) {
    if (gap.lost) lost.push_back({{"path", gap.path}, {"reason", gap.reason}});
  }
  return {{"volumes", evidence->volumes().size()},
          {"containers", inventory->containers.size()},
          {"containers_without_layer", std::move(without_layer)},
          {"pod_volumes_in_memory", in_memory},
          {"lost", std::move(lost)}};
}

// What was damaged, by kind.
Json DamageJson(const DiagnosticSink& diagnostics, const std::vector<event::Item>& items) {
  uint64_t damaged = 0;
  uint64_t unknown = 0;
  for (const event::Item& item : items) {
    damaged += item.damaged;
    unknown += item.unknown;
  }
  std::map<DiagnosticCode, uint64_t> codes;
  for (const Diagnostic& diagnostic : diagnostics.Sorted()) {
    const Severity severity = DiagnosticSeverity(diagnostic.code);
    if (severity == Severity::kDataLoss || severity == Severity::kError) {
      codes[diagnostic.code] = diagnostics.Count(diagnostic.code);
    }
  }
  Json list = Json::array();
  for (const auto& [code, count] : codes) {
    list.push_back({{"code", DiagnosticCodeName(code)},
                    {"meaning", DiagnosticSentence(code)},
                    {"count", count}});
  }
  return {{"records_damaged", damaged}, {"records_unknown", unknown}, {"kinds", std::move(list)}};
}

}  // namespace

Result<Json> CoverageJson(event::Store& store, const Evidence* evidence,
                          const runtime::Inventory* inventory, const DiagnosticSink& diagnostics) {
  FactReader reader(EKSHUME_TRY(ReadSources(store)), EKSHUME_TRY(ReadAudit(store)));
  const Facts facts = reader.Read(evidence, inventory);
  Json json;
  json["sources"] = reader.SourcesJson();
  json["audit"] = reader.AuditJson();
  json["disks"] = DisksJson(evidence, inventory);
  json["damage"] = DamageJson(diagnostics, EKSHUME_TRY(store.Items()));
  json["views"] = Json::array();
  for (size_t i = 0; i < coverage::kViewCount; ++i) {
    const auto view = static_cast<View>(i);
    json["views"].push_back({{"view", coverage::ViewName(view)},
                             {"words", coverage::ViewWords(view)},
                             {"state", coverage::StateName(facts[i].state)},
                             {"why", facts[i].why.empty() ? Json(nullptr) : Json(facts[i].why)}});
  }
  std::map<std::string_view, size_t> counts = {{"visible", 0}, {"partly", 0}, {"not_visible", 0}};
  Json techniques = Json::array();
  for (const coverage::Judgement& judgement : coverage::Judge(facts)) {
    const coverage::Technique& technique = *judgement.technique;
    const std::string_view verdict = coverage::VerdictName(judgement.verdict);
    ++counts[verdict];
    techniques.push_back({{"id", technique.id},
                          {"name", technique.name},
                          {"matrix", technique.matrix},
                          {"tactics", technique.tactics},
                          {"verdict", verdict},
                          {"reason", judgement.reason}});
  }
  json["counts"] = {{"visible", counts["visible"]},
                    {"partly", counts["partly"]},
                    {"not_visible", counts["not_visible"]}};
  json["techniques"] = std::move(techniques);
  return json;
}

std::vector<std::string> CoverageLines(const Json& coverage) {
  std::vector<std::string> lines;
  const Json& counts = coverage["counts"];
  lines.push_back(fmt::format(
      "Of {} techniques (MITRE ATT&CK for containers, Microsoft's matrix for Kubernetes) this "
      "evidence can show {}, {} in part and {} not at all.",
      coverage["techniques"].size(), counts["visible"].get<size_t>(),
      counts["partly"].get<size_t>(), counts["not_visible"].get<size_t>()));
  std::string absent;
  for (const Json& view : coverage["views"]) {
    const std::string words = view["words"].get<std::string>();
    const std::string why = view["why"].is_null() ? "" : view["why"].get<std::string>();
    if (view["state"] == "limited") {
      lines.push_back(fmt::format("With limits: {}: {}.", words, why));
    } else if (view["state"] == "absent") {
      // Without an audit log there is no use in naming what it would hold.
      const bool is_of_audit = view["view"].get<std::string>().starts_with("audit_");
      if (is_of_audit && coverage["audit"].is_null()) {
        if (absent.find("audit log") == std::string::npos) {
          absent += std::string(absent.empty() ? "" : ", ") + "the Kubernetes audit log";
        }
        continue;
      }
      absent += (absent.empty() ? "" : ", ") + words + (why.empty() ? "" : " (" + why + ")");
    }
  }
  if (!absent.empty()) lines.push_back(fmt::format("Not in the evidence: {}.", absent));
  const Json& damage = coverage["damage"];
  const auto damaged = damage["records_damaged"].get<uint64_t>();
  const auto unknown = damage["records_unknown"].get<uint64_t>();
  if (damaged + unknown > 0) {
    lines.push_back(
        fmt::format("Records that could not be read: {} damaged, {} of no known "
                    "format.",
                    damaged, unknown));
  }
  return lines;
}

}  // namespace ekshume::casefile
