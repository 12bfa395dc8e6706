// SPDX-License-Identifier: Apache-2.0
#include "cli/report_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/short_time.h"
#include "base/text.h"
#include "cli/objects.h"

namespace ekshume::cli {
namespace {

using casefile::Json;

// Lists on the page end here; report.json and the verbs have the rest.
constexpr size_t kMaxFirstLooks = 40;
constexpr size_t kMaxChangesPerContainer = 12;
constexpr size_t kMaxOtherHostChanges = 8;
constexpr size_t kMaxDiagnosticLines = 20;
constexpr size_t kMaxProcesses = 60;
constexpr size_t kMaxCommand = 100;

std::string ShortHash(const std::string& hash) { return hash.substr(0, 16); }

std::string Size(const Json& object) {
  return HumanBytes(object.contains("size") && object["size"].is_number_unsigned()
                        ? object["size"].get<uint64_t>()
                        : 0);
}

std::string PodOf(const Json& container) {
  if (container["pod"].is_null()) return {};
  return Safe(container, "pod.namespace") + "/" + Safe(container, "pod.name");
}

// What the user would call this container: namespace/pod/container, or name and id.
std::string NameOf(const Json& container) {
  const std::string pod = PodOf(container);
  const std::string in_pod = Safe(container, "pod.container");
  if (pod.empty()) {
    const std::string name = Safe(container, "name");
    return name.empty() ? Safe(container, "id").substr(0, 12) : name;
  }
  return in_pod.empty() ? pod + " (sandbox)" : pod + "/" + in_pod;
}

class Page {
 public:
  Page(const Json& report, std::string case_name)
      : report_(report), case_name_(std::move(case_name)) {}

  std::string Write() {
    Node();
    Evidence();
    FirstLooks();
    Live();
    Pods();
    Host();
    CannotShow();
    Diagnostics();
    Next();
    return std::move(out_);
  }

 private:
  template <typename... Args>
  void Line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_.push_back('\n');
  }
  void Title(std::string_view title) { Line("\n{}", title); }

  void Node() {
    const Json& node = report_["node"];
    Line("NODE");
    const auto field = [&](std::string_view title, std::string_view key) {
      if (const std::string text = Safe(node, key); !text.empty()) Line("  {:<14}{}", title, text);
    };
    const std::string name = Safe(node, "node_name");
    Line("  {:<14}{}", "name", name.empty() ? Safe(node, "hostname") : name);
    field("cluster", "cluster");
    field("API server", "api_server");
    field("instance", "instance_id");
    field("region", "region");
    field("system", "operating_system");
    field("kernel", "kernel");
    field("kubelet", "kubelet_version");
    field("runtime", "container_runtime");
    Line("  {:<14}{} pods, {} containers, {} images", "holds", report_["pods"].size(),
         report_["containers"].size(), report_["images"].size());
  }

  void Evidence() {
    Title("EVIDENCE");
    for (const Json& item : report_["evidence"]) {
      Line("  {}  {}{}", Safe(item, "path"), Safe(item, "format"),
           item.contains("size") ? ", " + Size(item) : std::string());
      if (item.contains("hashes")) {
        for (const Json& file : item["hashes"]) {
          Line("    sha256 {}", Safe(file, "sha256"));
        }
      }
      if (!item.contains("partitions")) continue;
      for (const Json& partition : item["partitions"]) {
        if (partition["filesystem"].is_null()) continue;
        const std::string where = Safe(partition, "number") == "0"
                                      ? std::string("whole disk")
                                      : "partition " + Safe(partition, "number");
        Line("    {}: {} {}, log {}", where, Safe(partition, "filesystem.type"), Size(partition),
             Safe(partition, "filesystem.log"));
      }
    }
  }

  // What was running: programs that stand out, connections, how much there is of the rest.
  void Live() {
    if (!report_.contains("live")) return;
    for (const Json& live : report_["live"]) {
      Title("WHAT WAS RUNNING");
      Line("  {} ({}), taken {}: {} processes, {} sockets", Safe(live, "path"),
           Safe(live, "format"), ShortTime(Safe(live, "taken")), Safe(live, "processes_count"),
           Safe(live, "sockets_count"));
      size_t shown = 0;
      for (const Json& one : live["processes"]) {
        if (one["kernel_thread"] == true || shown++ >= kMaxProcesses) continue;
        std::string line = fmt::format("    {:>7} {:>7}  {}", Safe(one, "pid"), Safe(one, "ppid"),
                                       Safe(one, "command_line").substr(0, kMaxCommand));
        if (one["executable_deleted"] == true) {
          line += fmt::format("  [executable deleted: {}", Safe(one, "executable"));
          const std::string hash = Safe(one, "sha256");
          line += hash.empty() ? "]" : ", sha256 " + ShortHash(hash) + "...]";
        }
        if (!one["pod"].is_null()) {
          line += fmt::format("  {}/{}", Safe(one, "pod.namespace"), Safe(one, "pod.name"));
        }
        Line("{}", line);
      }
      if (shown > kMaxProcesses) {
        Line("    ... and {} more in report.json", shown - kMaxProcesses);
      }
      shown = 0;
      for (const Json& socket : live["sockets"]) {
        if (socket["local"].is_null() || shown++ >= kMaxProcesses) continue;
        const std::string remote = Safe(socket, "remote.address");
        std::string line = fmt::format("    {} {}:{} {}{} {}", Safe(socket, "protocol"),
                                       Safe(socket, "local.address"), Safe(socket, "local.port"),
                                       remote.empty() ? "" : "-> " + remote + ":",
                                       Safe(socket, "remote.port"), Safe(socket, "state"));
        for (const Json& holder : socket["processes"]) {
          line += fmt::format("  {} {}", Safe(holder, "pid"), Safe(holder, "process"));
        }
        Line("{}", line);
      }
      if (shown > kMaxProcesses) {
        Line("    ... and {} more in report.json", shown - kMaxProcesses);
      }
    }
  }

  // What deserves the responder's first minutes.
  void FirstLooks() {
    std::vector<std::string> looks;
    for (const Json& container : report_["containers"]) {
      if (Safe(container, "kind") == "sandbox") continue;
      const Json& access = container["host_access"];
      if (!access.empty()) {
        std::string phrases;
        for (const Json& phrase : access) {
          phrases += (phrases.empty() ? "" : ", ") + EscapeForTerminal(phrase.get<std::string>());
        }
        looks.push_back(fmt::format("{} can reach the host: {}", NameOf(container), phrases));
      }
    }
    for (const Json& container : report_["containers"]) {
      if (container["changes"].is_null()) continue;
      for (const Json& entry : container["changes"]["entries"]) {
        if (entry["notable"].is_null()) continue;
        looks.push_back(fmt::format("{}: {} {}{}", NameOf(container), Safe(entry, "notable"),
                                    Safe(entry, "path"), FileDetail(entry)));
      }
    }
    for (const Json& change : report_["host"]["changes"]) {
      looks.push_back(fmt::format("host: {} {}{}", Safe(change, "why"), Safe(change, "path"),
                                  FileDetail(change)));
    }
    for (const Json& file : report_["host"]["deleted"]) {
      const std::string kind = Safe(file, "kind");
      if (kind != "elf" && kind != "script") continue;
      looks.push_back(
          fmt::format("deleted while open: a program, {}{}", Safe(file, "path"), FileDetail(file)));
    }
    Title("LOOK AT THESE FIRST");
    if (looks.empty()) Line("  Nothing stands out by itself; see what changed below.");
    for (size_t i = 0; i < looks.size() && i < kMaxFirstLooks; ++i) {
      Line("  {:>2}. {}", i + 1, looks[i]);
    }
    if (looks.size() > kMaxFirstLooks) {
      Line("      and {} more in report.json", looks.size() - kMaxFirstLooks);
    }
  }

  static std::string FileDetail(const Json& entry) {
    std::string detail = fmt::format("  ({}, {}", ShortTime(Safe(entry, "ctime")), Size(entry));
    if (const std::string hash = Safe(entry, "sha256"); !hash.empty()) {
      detail += ", sha256 " + ShortHash(hash) + "...";
    }
    return detail + ")";
  }

  void Pods() {
    Title("PODS AND CONTAINERS");
    std::map<std::string, std::vector<const Json*>> by_pod;
    std::vector<const Json*> without_pod;
    for (const Json& container : report_["containers"]) {
      if (container["pod"].is_null()) {
        without_pod.push_back(&container);
      } else {
        by_pod[Safe(container, "pod.uid")].push_back(&container);
      }
    }
    for (const Json& pod : report_["pods"]) {
      std::string line = fmt::format("  {}/{}", Safe(pod, "namespace"), Safe(pod, "name"));
      if (const std::string ip = Safe(pod, "ip_address"); !ip.empty()) line += "  " + ip;
      if (const std::string account = Safe(pod, "service_account"); !account.empty()) {
        line += "  service account " + account;
      }
      line += "  uid " + Safe(pod, "uid");
      if (const std::string from = Safe(pod, "recovered_from"); !from.empty()) {
        line += fmt::format("  (only its {} is left)", from);
      }
      Line("{}", line);
      const auto found = by_pod.find(Safe(pod, "uid"));
      if (found == by_pod.end()) continue;
      for (const Json* container : found->second) Container(*container);
      by_pod.erase(found);
    }
    for (const auto& [uid, containers] : by_pod) {
      Line("  pod {}", uid.empty() ? "unknown" : uid);
      for (const Json* container : containers) Container(*container);
    }
    if (!without_pod.empty()) Line("  of no pod");
    for (const Json* container : without_pod) Container(*container);
  }

  static bool HasNotable(const Json& changes) {
    return !changes.is_null() && std::ranges::any_of(changes["entries"], [](const Json& entry) {
      return !entry["notable"].is_null();
    });
  }

  void Container(const Json& container) {
    const Json& changes = container["changes"];
    const bool sandbox = Safe(container, "kind") == "sandbox";
    // A pause container does nothing of its own; it is worth a line when something of it stands
    // out.
    if (sandbox && !HasNotable(changes) && Safe(container, "recovered_from").empty()) return;
    std::string state = Safe(container, "state");
    if (const std::string code = Safe(container, "exit_code"); state == "exited" && !code.empty()) {
      state += " " + code;
    }
    const std::string key = state.starts_with("exited") ? "finished" : "started";
    if (const std::string time = Safe(container, key); !time.empty()) {
      state += (key == "started" ? " since " : " at ") + ShortTime(time);
    }
    if (const std::string reason = Safe(container, "reason"); !reason.empty())
      state += " " + reason;
    if (const std::string from = Safe(container, "recovered_from"); !from.empty()) {
      state += fmt::format(", recovered from its {}", from);
    }
    const std::string name = sandbox                      ? "(sandbox)"
                             : container["pod"].is_null() ? Safe(container, "name")
                                                          : Safe(container, "pod.container");
    Line("    {:<20} {:<12}  {}  {}", name, Safe(container, "id").substr(0, 12), state,
         Safe(container, "image"));
    if (!container["ecs"].is_null()) {
      Line("        ECS task {} in {}", Safe(container, "ecs.task_arn"),
           Safe(container, "ecs.cluster"));
    }
    if (changes.is_null()) {
      Line("        files: {}", Safe(container, "changes_problem"));
      return;
    }
    const uint64_t mount_points = changes["mount_points"].get<uint64_t>();
    Line("        {} added, {} modified, {} metadata only, {} deleted (and {} mount points made)",
         changes["added"].get<uint64_t>() - mount_points, Safe(changes, "modified"),
         Safe(changes, "metadata"), Safe(changes, "deleted"), mount_points);
    size_t shown = 0;
    const auto show = [&](const Json& entry) {
      if (shown++ >= kMaxChangesPerContainer) return;
      std::string line =
          fmt::format("        {:<9} {}", Safe(entry, "change"), Safe(entry, "path"));
      if (const std::string target = Safe(entry, "target"); !target.empty())
        line += " -> " + target;
      if (const std::string notable = Safe(entry, "notable"); !notable.empty()) {
        line += "  [" + notable + "]";
      }
      Line("{}", line);
    };
    for (const Json& entry : changes["entries"]) {
      if (!entry["notable"].is_null()) show(entry);
    }
    for (const Json& entry : changes["entries"]) {
      const bool folded = entry["with_parent"] == true || entry["mount_point"] == true;
      if (entry["notable"].is_null() && !folded) show(entry);
    }
    if (shown > kMaxChangesPerContainer) {
      Line("        ... and {} more: ekshume containers diff {} {}",
           shown - kMaxChangesPerContainer, case_name_, Safe(container, "id").substr(0, 12));
    }
  }

  void Host() {
    const Json& host = report_["host"];
    Title("HOST");
    if (host["since"].is_null()) {
      Line("  No container gives a time to compare the host's files with.");
    } else {
      Line("  The node's own files changed since its first container ({}):",
           ShortTime(Safe(host, "since")));
      for (const Json& change : host["changes"]) {
        Line("    {}  {:<30} {}", ShortTime(Safe(change, "ctime")), Safe(change, "why"),
             Safe(change, "path"));
      }
      size_t shown = 0;
      for (const Json& change : host["other_changes"]) {
        if (shown++ == kMaxOtherHostChanges) break;
        Line("    {}  {:<30} {}", ShortTime(Safe(change, "ctime")), "", Safe(change, "path"));
      }
      const uint64_t other = host["other_changes_count"].get<uint64_t>();
      if (other > kMaxOtherHostChanges) {
        Line("    ... and {} other files (report.json)", other - kMaxOtherHostChanges);
      }
      if (host["changes"].empty() && other == 0) Line("    none");
    }
    if (!host["deleted"].empty()) Line("  Deleted while open; the data is still there:");
    for (const Json& file : host["deleted"]) {
      Line("    {:<14} {:>10}  {:<7} changed {}  sha256 {}", Safe(file, "path"), Size(file),
           Safe(file, "kind"), ShortTime(Safe(file, "ctime")), Safe(file, "sha256"));
    }
  }

  void CannotShow() {
    Title("WHAT THIS EVIDENCE CANNOT SHOW");
    for (const Json& gap : report_["cannot_show"]) {
      Line("  {}{} {}", gap["lost"].get<bool>() ? "LOST  " : "", Safe(gap, "path"),
           Safe(gap, "reason"));
    }
  }

  void Diagnostics() {
    if (report_["diagnostics"].empty()) return;
    Title("NOTES ON THE EVIDENCE");
    size_t shown = 0;
    for (const Json& diagnostic : report_["diagnostics"]) {
      if (shown++ == kMaxDiagnosticLines) break;
      std::string line =
          fmt::format("  {:<9} {}", Safe(diagnostic, "severity"), Safe(diagnostic, "meaning"));
      if (const std::string evidence = Safe(diagnostic, "evidence"); !evidence.empty()) {
        line += ": " + evidence;
      }
      if (const std::string detail = Safe(diagnostic, "detail"); !detail.empty()) {
        line += ": " + detail;
      }
      Line("{}", line);
    }
    if (report_["diagnostics"].size() > kMaxDiagnosticLines) {
      Line("  ... and {} more in report.json", report_["diagnostics"].size() - kMaxDiagnosticLines);
    }
  }

  void Next() {
    Title("NEXT");
    Line("  ekshume containers list {}", case_name_);
    Line("  ekshume containers diff {} ID        everything that changed in a container",
         case_name_);
    Line("  ekshume containers cat {} ID PATH    a file as the container saw it", case_name_);
    Line("  ekshume containers export {} ID --output files.tar", case_name_);
    Line("  ekshume fs find {} --deleted         files deleted while open; `fs cat {} inode:N`",
         case_name_, case_name_);
  }

  const Json& report_;
  const std::string case_name_;
  std::string out_;
};

}  // namespace

std::string ReportPage(const Json& report, const std::string& case_name) {
  return Page(report, case_name).Write();
}

}  // namespace ekshume::cli
