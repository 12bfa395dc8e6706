// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "detect/drift/checks.h"
#include "detect/drift/places.h"

namespace ekshume::detect::drift {
namespace {

using fs::overlay::ContentKind;

Verdict Say(std::string_view rule, std::string_view level = {}) {
  Verdict verdict;
  verdict.rule = &RuleOf(rule);
  verdict.level = level.empty() ? verdict.rule->level : level;
  return verdict;
}

// Where agents of AWS, the kubelet's plugins and network drivers keep programs that they renew
// themselves.
bool RenewsItself(std::string_view path) {
  constexpr std::array<std::string_view, 9> kFolders = {
      "opt/cni/",      "opt/aws/",         "var/lib/amazon/", "usr/libexec/amazon",
      "opt/amazon/",   "var/lib/kubelet/", "var/lib/cni/",    "usr/libexec/kubernetes/",
      "var/lib/cloud/"};
  return std::ranges::any_of(kFolders, [&](std::string_view f) { return path.starts_with(f); });
}

// Words that have no business in a table of cron or a unit.
std::string_view SuspiciousWord(std::string_view text) {
  constexpr std::array<std::string_view, 12> kWords = {
      "curl ",    "wget ", "/dev/tcp/", "base64",    "/tmp/",   "/dev/shm/",
      "/var/tmp", "nc -",  "ncat ",     "python -c", "bash -i", "chmod +s"};
  for (const std::string_view word : kWords) {
    if (text.find(word) != std::string_view::npos) return word;
  }
  return "";
}

std::optional<Verdict> CheckPlace(const HostFile& file, const Place& place) {
  const bool is_regular = file.stat.type == fs::NodeType::kRegular;
  const std::string_view name = FileName(file.path);
  if (place.rule == "drift.name_resolution" && file.writers.empty()) return std::nullopt;
  if (place.rule == "drift.ssh_key") {
    if (name.starts_with("known_hosts") || !is_regular) return std::nullopt;
    if (!name.starts_with("authorized_keys")) return Say(place.rule, "low");
    // cloud-init writes root's and the default user's once, before anything else runs.
    return Say(place.rule, "medium");
  }
  if (place.rule == "drift.static_pod") {
    constexpr std::array<std::string_view, 4> kControlPlane = {
        "kube-apiserver.yaml", "kube-controller-manager.yaml", "kube-scheduler.yaml", "etcd.yaml"};
    const bool is_known = std::ranges::find(kControlPlane, name) != kControlPlane.end();
    return Say(place.rule, is_known ? "low" : "high");
  }
  if (place.rule == "drift.account") {
    if (file.path.ends_with('-') || file.path.ends_with(".lock")) return std::nullopt;
    Verdict verdict = Say(place.rule, "low");
    if (file.path != "etc/passwd") return verdict;
    for (const std::string_view line : SplitNonEmpty(file.text, '\n')) {
      const std::vector<std::string_view> fields = SplitNonEmpty(line, ':');
      if (fields.size() < 4 || fields[0] == "root" || fields[2] != "0") continue;
      verdict.level = "high";
      verdict.reasons.push_back(fmt::format("account {} has root's rights (uid 0)", fields[0]));
    }
    return verdict;
  }
  // The SSM agent gives its user these rights when a session begins.
  if (place.rule == "drift.sudo_rule" && name == "ssm-agent-users") return Say(place.rule, "low");
  if (place.rule == "drift.shell_profile") return Say(place.rule, "low");
  Verdict verdict = Say(place.rule);
  if (!is_regular && file.writers.empty()) verdict.level = Lower(verdict.level);  // enabled units
  return verdict;
}

std::optional<Verdict> CheckProgram(const HostFile& file) {
  const bool is_regular = file.stat.type == fs::NodeType::kRegular && file.stat.size_bytes > 0;
  const bool executable = (file.stat.permissions & 0111U) != 0;
  if (!is_regular || (!executable && file.kind != ContentKind::kElf)) return std::nullopt;
  if (executable && (file.stat.permissions & 06000U) != 0) {
    const bool setuid = (file.stat.permissions & 04000U) != 0;
    return Say("drift.setuid_added", setuid ? "high" : "medium");
  }
  if (file.kind == ContentKind::kElf && !DisguiseOf(file.path).empty()) {
    return Say("drift.program_disguised");
  }
  if (RenewsItself(file.path)) return std::nullopt;
  if (!Imitates(file.path).empty() && !file.path.starts_with("opt/")) {
    return Say("drift.name_masquerade");
  }
  if (IsCache(file.path) || IsLibraryName(file.path)) return Say("drift.program_added", "low");
  if (IsHidden(file.path)) return Say("drift.hidden_program");
  if (IsGoBuild(file.path)) return Say("drift.temporary_program", "low");
  if (IsTemporary(file.path)) {
    return Say("drift.temporary_program", file.kind == ContentKind::kElf      ? "high"
                                          : file.kind == ContentKind::kScript ? "medium"
                                                                              : "low");
  }
  if (file.system_writer && file.writers.empty()) return Say("drift.program_added", "low");
  if (file.is_new) {
    return Say("drift.program_added", file.kind == ContentKind::kElf ? "medium" : "low");
  }
  // A change of the inode alone (owner, links) is no change of content; times tell.
  if (file.stat.modified < file.stat.changed && file.package.empty()) return std::nullopt;
  return Say("drift.program_changed", file.package.empty() ? "low" : "medium");
}

}  // namespace

std::optional<Verdict> CheckHostFile(const HostFile& file) {
  if (file.installed_then) return std::nullopt;
  const Place* place = FindPlace(file.path);
  std::optional<Verdict> verdict = place != nullptr ? CheckPlace(file, *place) : CheckProgram(file);
  if (!verdict) return std::nullopt;
  if (!file.writers.empty()) {
    verdict->reasons.push_back(fmt::format("{} had this place of the node mounted and ran then",
                                           fmt::join(file.writers, ", ")));
    verdict->tags.emplace_back("attack.privilege-escalation attack.t1611");
    // Data folders of the host that a container works in hold programs too.
    const bool is_own_work = (verdict->rule->id == "drift.program_added" ||
                              verdict->rule->id == "drift.program_changed") &&
                             !IsSystemFolder(file.path) && !file.path.starts_with("usr/local/");
    const bool is_minor = is_own_work || verdict->rule->id == "drift.shell_history" ||
                          verdict->rule->id == "drift.name_resolution";
    if (!is_minor && verdict->level != "critical") verdict->level = "high";
  }
  if (place != nullptr && file.kind != ContentKind::kElf) {
    if (const std::string_view word = SuspiciousWord(file.text);
        !word.empty() && verdict->rule->id != "drift.shell_history" &&
        verdict->rule->id != "drift.ssh_server") {
      verdict->reasons.push_back(fmt::format("it holds \"{}\"", word));
      if (verdict->level == "low") verdict->level = "medium";
    }
  }
  if (!file.package.empty()) {
    verdict->reasons.push_back(fmt::format("it belongs to the package {}", file.package));
  }
  return verdict;
}

std::optional<Verdict> CheckDeletedFile(const DeletedFile& file) {
  const bool executable = (file.stat.permissions & 0111U) != 0;
  if (file.stat.type != fs::NodeType::kRegular || file.stat.size_bytes == 0) return std::nullopt;
  const bool is_program =
      executable && (file.kind == ContentKind::kElf || file.kind == ContentKind::kScript);
  if (!is_program) return std::nullopt;
  // Programs and libraries that a package replaced stay in use until the next start.
  const bool by_package = file.folder && IsSystemFolder(*file.folder + "/");
  if (by_package) return Say("drift.deleted_running", file.in_container ? "medium" : "low");
  if (!file.folder) return Say("drift.deleted_running", "medium");
  return Say("drift.deleted_running");
}

std::optional<Verdict> CheckVolumeFile(const VolumeFile& file) {
  if (file.stat.type != fs::NodeType::kRegular || file.stat.size_bytes == 0) return std::nullopt;
  const bool executable = (file.stat.permissions & 0111U) != 0;
  if (file.kind == ContentKind::kElf && !DisguiseOf(file.path).empty()) {
    return Say("drift.program_disguised");
  }
  if (executable && (file.stat.permissions & 04000U) != 0) return Say("drift.setuid_added");
  const bool is_elf = file.kind == ContentKind::kElf;
  if (executable && (is_elf || file.kind == ContentKind::kScript)) {
    if (IsHidden(file.path) && !file.made_by_start) return Say("drift.hidden_program");
    if (!Imitates(file.path).empty()) return Say("drift.name_masquerade");
    // Init containers and agents hand programs over in such volumes.
    const bool is_ordinary = file.made_by_start || IsLibraryName(file.path) || IsCache(file.path);
    return Say("drift.program_added", is_ordinary || !is_elf ? "low" : "medium");
  }
  if (IsArchiveName(file.path)) return Say("drift.archive_staged");
  return std::nullopt;
}

}  // namespace ekshume::detect::drift
