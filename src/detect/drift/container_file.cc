// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "detect/drift/checks.h"
#include "detect/drift/places.h"

namespace ekshume::detect::drift {
namespace {

using fs::overlay::Change;
using fs::overlay::ContentKind;
using fs::overlay::DiffEntry;

Verdict Say(std::string_view rule, std::string_view level = {}) {
  Verdict verdict;
  verdict.rule = &RuleOf(rule);
  verdict.level = level.empty() ? verdict.rule->level : level;
  return verdict;
}

bool Differs(const DiffEntry& entry, std::string_view what) {
  return std::ranges::find(entry.differs, what) != entry.differs.end();
}

bool ContentChanged(const DiffEntry& entry) {
  return entry.change == Change::kAdded ||
         (entry.change == Change::kModified &&
          (Differs(entry, "content") || Differs(entry, "type") || Differs(entry, "target")));
}

// Something that can be started: a program of the machine, a script with its execute bit, or
// anything else with one.
bool IsProgram(const DiffEntry& entry) {
  if (entry.stat.type != fs::NodeType::kRegular || entry.stat.size_bytes == 0) return false;
  return entry.kind == ContentKind::kElf || entry.executable;
}

// What stands out about a file besides what its rule says.
void AddReasons(const ContainerFile& file, Verdict& verdict) {
  const DiffEntry& entry = *file.entry;
  if (entry.setuid && verdict.rule->id != "drift.setuid_added" && !entry.previous) {
    verdict.reasons.emplace_back("it is set-uid");
  }
  const bool is_program = IsProgram(entry);
  if (is_program && IsHidden(entry.path)) {
    verdict.reasons.emplace_back("it is hidden by a dot in its path");
    verdict.tags.emplace_back("attack.defense-evasion attack.t1564.001");
  }
  if (const std::string_view what = Imitates(entry.path); is_program && !what.empty()) {
    verdict.reasons.push_back(fmt::format("its name imitates {}", what));
    verdict.tags.emplace_back("attack.defense-evasion attack.t1036.005");
  }
  if (is_program && IsTemporary(entry.path)) {
    verdict.reasons.emplace_back("it lies in a folder for temporary files");
  }
  if (!file.start.empty() && verdict.rule->id != "drift.start_changed") {
    verdict.reasons.push_back(fmt::format("it is {}", file.start));
  }
  if (!file.package.empty()) {
    verdict.reasons.push_back(
        fmt::format("it belongs to the package {}{}", file.package,
                    file.installed_here ? ", installed in the container" : ""));
  }
}

// Set-uid, set-gid and capabilities: also where only the mode changed.
std::optional<Verdict> CheckRights(const ContainerFile& file) {
  const DiffEntry& entry = *file.entry;
  const uint16_t before = entry.previous ? entry.previous->permissions : 0;
  const bool was_file = entry.previous && entry.previous->type == fs::NodeType::kRegular;
  const bool setuid = entry.setuid && (!was_file || (before & 04000U) == 0);
  const bool setgid = entry.setgid && (!was_file || (before & 02000U) == 0);
  // Without an execute bit neither does anything.
  if ((setuid || setgid) && entry.executable) {
    if (file.installed_here) return Say("drift.setuid_added", "low");
    Verdict verdict = Say("drift.setuid_added", setuid || IsHidden(entry.path) ? "high" : "medium");
    verdict.reasons.push_back(fmt::format("it is set-{} of {} {}", setuid ? "uid" : "gid",
                                          setuid ? "user" : "group",
                                          setuid ? entry.stat.uid : entry.stat.gid));
    if (entry.change == Change::kMetadata) {
      verdict.reasons.push_back(
          fmt::format("only its mode changed, from {:o} to {:o}; its content is the image's",
                      before, entry.stat.permissions));
    }
    if (setuid && IsShell(entry.path)) verdict.reasons.emplace_back("it is a shell");
    return verdict;
  }
  if (file.capability_gained && entry.executable) {
    return Say("drift.file_capability_added", file.installed_here ? "low" : "high");
  }
  return std::nullopt;
}

std::optional<Verdict> CheckAccount(const ContainerFile& file) {
  // An account of root's rights under another name, or a password for one that had none. Start
  // scripts of images for arbitrary users add ordinary lines.
  Verdict verdict = Say("drift.account", "low");
  for (const std::string_view line : SplitNonEmpty(file.added_text, '\n')) {
    const std::vector<std::string_view> fields = SplitNonEmpty(line, ':');
    const bool is_passwd = file.entry->path == "etc/passwd";
    if (is_passwd && fields.size() >= 4 && fields[0] != "root" && fields[2] == "0") {
      verdict.level = "high";
      verdict.reasons.push_back(fmt::format("account {} has root's rights (uid 0)", fields[0]));
    }
    if (file.entry->path == "etc/shadow" && fields.size() >= 2 && fields[1].starts_with('$')) {
      verdict.level = "high";
      verdict.reasons.push_back(fmt::format("account {} has a password now", fields[0]));
    }
  }
  return verdict;
}

std::optional<Verdict> CheckPlace(const ContainerFile& file) {
  const DiffEntry& entry = *file.entry;
  const bool is_thing =
      entry.stat.type == fs::NodeType::kRegular || entry.stat.type == fs::NodeType::kSymlink;
  if (!is_thing || !ContentChanged(entry)) return std::nullopt;
  const Place* place = FindPlace(entry.path);
  if (place == nullptr) return std::nullopt;
  if (file.installed_here) return std::nullopt;
  if (place->rule == "drift.account") {
    // Copies that the tools for accounts leave say nothing more.
    if (entry.path.ends_with('-') || entry.path.ends_with(".lock")) return std::nullopt;
    return CheckAccount(file);
  }
  if (place->rule == "drift.name_resolution") return std::nullopt;  // the runtime's own file
  if (place->rule == "drift.ssh_key") {
    const std::string_view name = FileName(entry.path);
    if (name.starts_with("known_hosts")) return std::nullopt;
    // Keys to log in elsewhere, or settings of the client.
    if (!name.starts_with("authorized_keys")) return Say(place->rule, "medium");
  }
  // Nothing in a container runs these, unless somebody sees to it; what writes them has plans.
  // A container that is there to run cron may write its own table when it starts, and keep its
  // environment for the jobs.
  if (place->rule == "drift.cron") return Say(place->rule, file.runs_cron ? "low" : "high");
  if (entry.path == "etc/environment") return Say(place->rule, "low");
  if (place->rule == "drift.systemd_unit") return Say(place->rule, "medium");
  return Say(place->rule);
}

std::optional<Verdict> CheckAddedProgram(const ContainerFile& file) {
  const DiffEntry& entry = *file.entry;
  const std::string_view disguise = DisguiseOf(entry.path);
  if (entry.kind == ContentKind::kElf && !disguise.empty()) {
    Verdict verdict = Say("drift.program_disguised");
    verdict.reasons.push_back(fmt::format("its name says .{}", disguise));
    return verdict;
  }
  if (!IsProgram(entry)) return std::nullopt;
  if (file.installed_here) return std::nullopt;  // one finding for all packages
  const bool is_elf = entry.kind == ContentKind::kElf;
  const bool is_library = IsLibraryName(entry.path);
  // Programs for Java and others unpack their own libraries when they start.
  if (is_library && !IsHidden(entry.path)) return Say("drift.program_added", "low");
  if (!Imitates(entry.path).empty()) return Say("drift.name_masquerade");
  if (IsCache(entry.path)) return Say("drift.program_added", "low");
  if (IsHidden(entry.path)) return Say("drift.hidden_program");
  if (IsGoBuild(entry.path)) return Say("drift.temporary_program", "low");
  if (IsTemporary(entry.path)) {
    const bool is_script = entry.kind == ContentKind::kScript;
    return Say("drift.temporary_program", is_elf ? "high" : is_script ? "medium" : "low");
  }
  // Start scripts write scripts for what they start, and install some with pip and the like.
  return Say("drift.program_added", is_elf || IsSystemFolder(entry.path) ? "medium" : "low");
}

std::optional<Verdict> CheckModified(const ContainerFile& file) {
  const DiffEntry& entry = *file.entry;
  if (file.installed_here || entry.stat.type != fs::NodeType::kRegular || IsCache(entry.path)) {
    return std::nullopt;
  }
  const bool is_program = IsProgram(entry);
  const bool in_system = IsSystemFolder(entry.path);
  if (is_program && (in_system || !file.package.empty())) return Say("drift.program_changed");
  if (is_program) {
    const bool is_elf = entry.kind == ContentKind::kElf;
    return Say("drift.program_changed", is_elf ? "medium" : "low");
  }
  const bool is_state = entry.path.starts_with("var/") || entry.path.starts_with("run/") ||
                        entry.path.starts_with("etc/");
  if (!file.package.empty() && !is_state) return Say("drift.package_file_changed");
  return std::nullopt;
}

std::optional<Verdict> CheckDirectory(const ContainerFile& file) {
  const DiffEntry& entry = *file.entry;
  if (IsCache(entry.path + "/") || IsTemporary(entry.path + "/")) return std::nullopt;
  const bool is_now = entry.stat.type == fs::NodeType::kDirectory;
  const bool was = entry.previous && entry.previous->type == fs::NodeType::kDirectory;
  if (!was) return std::nullopt;
  const bool is_state = entry.path.starts_with("var/log") || entry.path.starts_with("run/");
  std::optional<Verdict> verdict;
  if (entry.change == Change::kDeleted) {
    if (!entry.renamed_to.empty()) return std::nullopt;
    verdict = Say("drift.directory_deleted", file.lost == 0 || is_state ? "low" : "medium");
  } else if (entry.stat.type == fs::NodeType::kSymlink) {
    verdict = Say("drift.directory_to_symlink");
    verdict->reasons.push_back(fmt::format("it leads to {} now", entry.target));
  } else if (is_now && entry.replaced) {
    verdict = Say("drift.directory_replaced", file.lost == 0 || is_state ? "low" : "medium");
  }
  if (verdict && file.lost > 0) {
    verdict->reasons.push_back(
        fmt::format("files of the image that are gone with it: {}", file.lost));
  }
  return verdict;
}

std::optional<Verdict> CheckDeleted(const ContainerFile& file) {
  const DiffEntry& entry = *file.entry;
  // What was below a directory that is gone is said once, of the directory.
  if (entry.with_parent || !entry.renamed_to.empty() || file.installed_here) return std::nullopt;
  if (IsTool(entry.path)) return Say("drift.tool_removed");
  if (!IsProgram(entry) || IsCache(entry.path)) return std::nullopt;
  if (!file.package.empty() || IsSystemFolder(entry.path)) return Say("drift.package_file_deleted");
  return std::nullopt;
}

// In the order of what is gravest.
std::optional<Verdict> Gravest(const ContainerFile& file) {
  const DiffEntry& entry = *file.entry;
  const bool was_directory = entry.previous && entry.previous->type == fs::NodeType::kDirectory;
  if (was_directory) return CheckDirectory(file);
  if (entry.change == Change::kDeleted) {
    if (!file.start.empty() && !entry.with_parent && entry.renamed_to.empty() &&
        file.start == "the entry point") {
      return Say("drift.start_changed");
    }
    return CheckDeleted(file);
  }
  if (const auto verdict = CheckRights(file)) return verdict;
  if (!file.start.empty() && ContentChanged(entry) && !file.installed_here) {
    // The start may itself write what it runs next; what the image held it has no reason to touch.
    const bool is_own = entry.change == Change::kModified || file.start == "the entry point";
    return Say("drift.start_changed", is_own ? "high" : "low");
  }
  if (const auto verdict = CheckPlace(file)) return verdict;
  if (entry.change == Change::kAdded) {
    if (const auto verdict = CheckAddedProgram(file)) return verdict;
    const bool is_file = entry.stat.type == fs::NodeType::kRegular && entry.stat.size_bytes > 0;
    if (is_file && IsTemporary(entry.path) && IsArchiveName(entry.path)) {
      return Say("drift.archive_staged");
    }
    if (is_file && IsTemporary(entry.path) && IsHidden(entry.path)) return Say("drift.hidden_file");
    return std::nullopt;
  }
  if (entry.change == Change::kModified) return CheckModified(file);
  return std::nullopt;
}

}  // namespace

std::optional<Verdict> CheckContainerFile(const ContainerFile& file) {
  if (file.is_mount_point) return std::nullopt;
  std::optional<Verdict> verdict = Gravest(file);
  if (verdict) AddReasons(file, *verdict);
  return verdict;
}

std::string KindWords(const fs::Stat& stat, ContentKind kind) {
  switch (stat.type) {
    case fs::NodeType::kDirectory: return "directory";
    case fs::NodeType::kSymlink: return "symbolic link";
    case fs::NodeType::kRegular: break;
    default: return "special file";
  }
  switch (kind) {
    case ContentKind::kElf: return "program (ELF)";
    case ContentKind::kScript: return "script";
    case ContentKind::kText: return "text file";
    case ContentKind::kData: return "file";
    case ContentKind::kNone: return "empty file";
  }
  return "file";
}

}  // namespace ekshume::detect::drift
