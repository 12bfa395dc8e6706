// SPDX-License-Identifier: Apache-2.0
#include "process/command_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "collection/cgroup.h"
#include "fs/path.h"
#include "fs/walk.h"
#include "log/text_time.h"
#include "process/json_lines.h"

namespace ekshume::process {
namespace {

// The unit of times in /proc: USER_HZ, which is 100 on every architecture that EKS has.
constexpr uint64_t kTicksPerSecond = 100;
constexpr size_t kNameBytes = 15;          // of a comm
constexpr size_t kMaxNotReadNames = 1000;  // kept by name; all are counted
constexpr std::string_view kDeleted = " (deleted)";

bool IsNumber(std::string_view text) { return DecimalOf(text).has_value(); }

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

// Takes the branches of `ps f` away; returns how deep the process stands (0: at the top).
size_t TakeForest(std::string_view& command) {
  const size_t end = command.find_first_not_of(" |");
  if (end == std::string_view::npos || end == 0 || !command.substr(end).starts_with("\\_ ")) {
    return 0;
  }
  command.remove_prefix(end + 3);
  return (end - 1) / 4 + 1;
}

}  // namespace

std::vector<std::string_view> Words(std::string_view line, size_t most) {
  std::vector<std::string_view> words;
  while (true) {
    line = Trimmed(line);
    if (line.empty()) return words;
    if (words.size() + 1 >= most) {
      words.push_back(line);
      return words;
    }
    const size_t end = std::min(line.find_first_of(" \t"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

std::optional<int64_t> DecimalOf(std::string_view text) {
  int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::optional<Timestamp> ParseCtime(std::string_view text) {
  std::vector<std::string_view> words = Words(text);
  if (words.size() == 6) words.erase(words.begin() + 4);
  if (words.size() != 5) return std::nullopt;
  const auto day = DecimalOf(words[2]);
  const auto year = DecimalOf(words[4]);
  const std::string_view clock = words[3];
  if (!day || !year || clock.size() != 8 || clock[2] != ':' || clock[5] != ':') return std::nullopt;
  const auto hour = DecimalOf(clock.substr(0, 2));
  const auto minute = DecimalOf(clock.substr(3, 2));
  const auto second = DecimalOf(clock.substr(6, 2));
  const unsigned month = log::MonthOf(words[1]);
  if (month == 0 || !hour || !minute || !second) return std::nullopt;
  return log::MomentOf(*year, month, *day, *hour, *minute, *second);
}

bool CommandOutput::Lines(const std::string& path,
                          const std::function<void(std::string_view line)>& visit) {
  not_understood_ = 0;
  if (!VisitLines(source_, path, diagnostics_, visit)) return false;
  MarkRead(path);
  if (not_understood_ > 0) {
    diagnostics_.Report(DiagnosticCode::kLogRecordUnknown, source_.name,
                        fmt::format("{}: {} lines", path, not_understood_));
  }
  return true;
}

Process* CommandOutput::Of(int64_t pid) {
  const auto known = processes_.find(pid);
  if (known != processes_.end()) return &known->second;
  if (processes_.size() >= limits::kMaxProcesses) {
    diagnostics_.Report(DiagnosticCode::kCollectionLimit, source_.name,
                        "further processes (kMaxProcesses)");
    return nullptr;
  }
  Process& process = processes_[pid];
  process.pid = pid;
  return &process;
}

bool CommandOutput::ReadPs(const std::string& path) {
  std::vector<std::string> columns;
  std::vector<int64_t> forest;  // the last process of each depth
  std::set<int64_t> threads;    // counted in this table
  const auto visit = [&](std::string_view line) {
    const std::vector<std::string_view> words = Words(line);
    if (words.empty()) return;
    // The header, which comes again on each page.
    const bool is_header = std::ranges::find(words, "PID") != words.end() && !IsNumber(words[0]);
    if (is_header) {
      columns.assign(words.begin(), words.end());
      return;
    }
    if (columns.empty()) return NotUnderstood();
    std::optional<int64_t> pid, parent, thread;
    std::string_view user, state, tty, command, cgroup;
    std::optional<Timestamp> start;
    std::string_view rest = line;
    bool whole = true;
    for (size_t i = 0; i < columns.size(); ++i) {
      const std::string_view column = columns[i];
      if (column == "COMMAND" || column == "CMD" || column == "ARGS") {
        // One blank ends the column before; more are branches of a forest.
        if (!rest.empty()) rest.remove_prefix(1);
        command = rest;
        rest = {};
        break;
      }
      while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
      if (rest.empty()) {
        whole = false;
        break;
      }
      if (column == "STARTED" && !IsNumber(rest.substr(0, 1))) {
        const std::vector<std::string_view> parts = Words(rest, 6);
        if (parts.size() < 5) {
          whole = false;
          break;
        }
        const size_t length = static_cast<size_t>(parts[4].data() - rest.data()) +
                              parts[4].substr(0, parts[4].find(' ')).size();
        start = ParseCtime(rest.substr(0, length));
        if (start) start->seconds -= zone_seconds_;
        rest.remove_prefix(length);
        continue;
      }
      const size_t end = std::min(rest.find_first_of(" \t"), rest.size());
      const std::string_view value = rest.substr(0, end);
      rest.remove_prefix(end);
      if (column == "PID") pid = DecimalOf(value);
      if (column == "PPID") parent = DecimalOf(value);
      if (column == "SPID" || column == "LWP") thread = DecimalOf(value);
      if (column == "USER" || column == "UID") user = value;
      if (column == "STAT" || column == "S") state = value;
      if (column == "TTY" || column == "TT") tty = value;
      if (column == "CGROUP") cgroup = value;
    }
    if (!whole || !pid || *pid <= 0) return NotUnderstood();
    Process* process = Of(*pid);
    if (process == nullptr) return;
    if (thread) {
      if (threads.insert(*pid).second) threads_[*pid] = 0;
      ++threads_[*pid];
    }
    const size_t depth = TakeForest(command);
    if (depth < forest.size()) forest.resize(depth);
    if (depth > 0 && depth <= forest.size()) forest_parents_[*pid] = forest[depth - 1];
    forest.resize(depth, 0);
    forest.push_back(*pid);
    if (parent) process->parent = *parent;
    if (!user.empty()) {
      if (const auto uid = DecimalOf(user)) {
        process->effective_uid = *uid;
      } else if (process->user.empty()) {
        process->user = user;
      }
    }
    if (!state.empty() && process->state == '?') process->state = state.front();
    if (!tty.empty() && tty != "?" && tty != "-") process->tty = tty;
    if (start && !process->start) process->start = *start;
    if (!cgroup.empty() && cgroup != "-") {
      // One path of version 2, or "N:controllers:path" of version 1 with commas between.
      for (const std::string_view part : SplitNonEmpty(cgroup, ',')) {
        const collection::CgroupOwner owner =
            collection::ParseCgroupPath(part.substr(std::min(part.find('/'), part.size())));
        if (process->container_id.empty()) process->container_id = owner.container_id;
        if (process->pod_uid.empty()) process->pod_uid = owner.pod_uid;
        if (process->runtime.empty()) process->runtime = owner.runtime;
      }
    }
    command = Trimmed(command);
    if (command.empty() || with_argv_.contains(*pid)) return;
    if (command.starts_with('[') && command.ends_with(']')) {
      // No arguments: a thread of the kernel, or a process that cleared its own.
      if (process->name.empty()) process->name = command.substr(1, command.size() - 2);
      return;
    }
    size_t length = 0;
    for (const std::string& argument : process->arguments) length += argument.size() + 1;
    // Some forms of ps cut what others show whole.
    if (command.size() + 1 <= length) return;
    process->arguments.clear();
    for (const std::string_view word : SplitNonEmpty(command, ' ')) {
      if (process->arguments.size() >= limits::kMaxArguments) break;
      process->arguments.emplace_back(word);
    }
  };
  return Lines(path, visit);
}

bool CommandOutput::ReadStat(const std::string& path) {
  return Lines(path, [&](std::string_view line) {
    // pid (comm) state ppid ... starttime, where comm may hold anything.
    const size_t open = line.find(" (");
    const size_t close = line.rfind(") ");
    if (line.empty()) return;
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
      return NotUnderstood();
    }
    const auto pid = DecimalOf(line.substr(0, open));
    const std::vector<std::string_view> fields = Words(line.substr(close + 2));
    // proc_pid_stat(5): field 3 is fields[0]; 4 the parent, 20 the threads, 22 the start.
    if (!pid || *pid <= 0 || fields.size() < 20) return NotUnderstood();
    Process* process = Of(*pid);
    if (process == nullptr) return;
    process->name = line.substr(open + 2, close - open - 2);
    process->state = fields[0].front();
    process->parent = DecimalOf(fields[1]).value_or(0);
    process->threads = DecimalOf(fields[17]);
    const auto ticks = DecimalOf(fields[19]);
    if (ticks && *ticks >= 0) start_ticks_[*pid] = static_cast<uint64_t>(*ticks);
  });
}

bool CommandOutput::ReadSystemStat(const std::string& path) {
  return Lines(path, [&](std::string_view line) {
    if (!line.starts_with("btime ")) return;
    const auto seconds = DecimalOf(Trimmed(line.substr(6)));
    if (seconds) state_.boot_time = Timestamp{*seconds, 0};
  });
}

bool CommandOutput::ReadMounts(const std::string& path) {
  return Lines(path, [&](std::string_view line) {
    // SOURCE on POINT type TYPE (OPTIONS); what follows (df) is no mount.
    const size_t on = line.find(" on ");
    const size_t type = line.rfind(" type ");
    if (on == std::string_view::npos || type == std::string_view::npos || type < on + 4) return;
    const std::string_view rest = line.substr(type + 6);
    const size_t open = rest.find(" (");
    Mount mount;
    mount.source = line.substr(0, on);
    mount.point = line.substr(on + 4, type - on - 4);
    mount.type = rest.substr(0, open);
    if (open != std::string_view::npos && rest.ends_with(')')) {
      mount.options = rest.substr(open + 2, rest.size() - open - 3);
    }
    if (state_.mounts.size() < limits::kMaxArtifactFiles) state_.mounts.push_back(std::move(mount));
  });
}

bool CommandOutput::ReadModules(const std::string& path) {
  return Lines(path, [&](std::string_view line) {
    const std::vector<std::string_view> words = Words(line);
    if (words.empty() || words[0] == "Module") return;
    const auto size = words.size() > 1 ? DecimalOf(words[1]) : std::nullopt;
    if (!size) return NotUnderstood();
    if (state_.modules.size() >= limits::kMaxArtifactFiles) return;
    Module module;
    module.name = words[0];
    module.size_bytes = static_cast<uint64_t>(*size);
    // /proc/modules: name size references used_by state address (taint)
    if (words.size() >= 6) {
      for (const char c : words[4])
        module.state.push_back(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    if (words.size() >= 7) module.taint = words[6];
    state_.modules.push_back(std::move(module));
  });
}

bool CommandOutput::ReadUname(const std::string& path) {
  return Lines(path, [&](std::string_view line) {
    const std::vector<std::string_view> words = Words(line);
    if (words.size() < 3 || words[0] != "Linux") return;
    if (state_.hostname.empty()) state_.hostname = words[1];
    state_.kernel = words[2];
  });
}

bool CommandOutput::ReadLinks(
    const std::string& path, std::string_view name,
    const std::function<void(Process&, std::string target, bool deleted)>& visit) {
  return Lines(path, [&](std::string_view line) {
    // lrwxrwxrwx 1 root root 0 Nov 27 19:30 /proc/7/exe -> /usr/bin/bash
    const size_t proc = line.find(" /proc/");
    if (proc == std::string_view::npos) return;
    const std::string_view link = line.substr(proc + 7);
    const size_t slash = link.find('/');
    const size_t arrow = link.find(" -> ");
    const auto pid = DecimalOf(link.substr(0, slash));
    if (!pid || slash == std::string_view::npos) return NotUnderstood();
    Process* process = Of(*pid);
    // The kernel's own threads have none.
    if (process == nullptr || arrow == std::string_view::npos) return;
    if (link.substr(slash + 1, arrow - slash - 1) != name) return NotUnderstood();
    std::string_view target = link.substr(arrow + 4);
    const bool deleted = target.ends_with(kDeleted);
    if (deleted) target.remove_suffix(kDeleted.size());
    visit(*process, std::string(target), deleted);
  });
}

bool CommandOutput::ReadExecutables(const std::string& path) {
  return ReadLinks(path, "exe", [](Process& process, std::string target, bool deleted) {
    process.executable = std::move(target);
    process.executable_deleted = deleted;
  });
}

bool CommandOutput::ReadWorkingDirectories(const std::string& path) {
  return ReadLinks(path, "cwd", [](Process& process, std::string target, bool) {
    process.working_directory = std::move(target);
  });
}

bool CommandOutput::ReadDescriptors(int64_t pid, const std::string& path) {
  return Lines(path, [&](std::string_view line) {
    const size_t arrow = line.find(" -> ");
    if (arrow == std::string_view::npos) return;  // "total 0", the folder itself
    const std::string_view before = line.substr(0, arrow);
    const auto fd = DecimalOf(before.substr(before.rfind(' ') + 1));
    if (!fd) return NotUnderstood();
    Process* process = Of(pid);
    if (process == nullptr) return;
    if (++open_files_ > limits::kMaxSockets) {
      diagnostics_.Report(DiagnosticCode::kCollectionLimit, source_.name,
                          "further open files (kMaxSockets)");
      return;
    }
    OpenFile file;
    file.fd = *fd;
    std::string_view target = line.substr(arrow + 4);
    file.deleted = target.ends_with(kDeleted);
    if (file.deleted) target.remove_suffix(kDeleted.size());
    file.path = target;
    file.type = target.starts_with("socket:[")      ? 's'
                : target.starts_with("pipe:[")      ? 'p'
                : target.starts_with("anon_inode:") ? 'a'
                                                    : 'U';
    process->files.push_back(std::move(file));
  });
}

bool CommandOutput::ReadMaps(int64_t pid, const std::string& path) {
  return Lines(path, [&](std::string_view line) {
    // 55d0-55e0 r-xp 00002000 08:01 1234   /usr/bin/bash
    if (line.empty()) return;
    const std::vector<std::string_view> words = Words(line, 6);
    const size_t dash = words[0].find('-');
    if (words.size() < 5 || dash == std::string_view::npos) return NotUnderstood();
    const auto start = Hexadecimal(words[0].substr(0, dash));
    const auto end = Hexadecimal(words[0].substr(dash + 1));
    const auto offset = Hexadecimal(words[2]);
    if (!start || !end || !offset || *end < *start) return NotUnderstood();
    Process* process = Of(pid);
    if (process == nullptr) return;
    if (process->mappings.size() >= limits::kMaxMemoryRegions) {
      diagnostics_.Report(DiagnosticCode::kCollectionLimit, source_.name,
                          "mappings of a process (kMaxMemoryRegions)");
      return;
    }
    Mapping mapping{.start = *start,
                    .end = *end,
                    .permissions = std::string(words[1]),
                    .offset_bytes = *offset,
                    .path = words.size() > 5 ? std::string(words[5]) : std::string()};
    mapping.deleted = mapping.path.ends_with(kDeleted);
    if (mapping.deleted) mapping.path.resize(mapping.path.size() - kDeleted.size());
    process->mappings.push_back(std::move(mapping));
  });
}

bool CommandOutput::ReadStatus(int64_t pid, const std::string& path) {
  return Lines(path, [&](std::string_view line) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    const std::string_view key = line.substr(0, colon);
    const std::vector<std::string_view> values = Words(line.substr(colon + 1));
    if (values.empty()) return;
    Process* process = Of(pid);
    if (process == nullptr) return;
    if (key == "Name" && process->name.empty()) process->name = values[0];
    if (key == "State") process->state = values[0].front();
    if (key == "PPid") process->parent = DecimalOf(values[0]).value_or(process->parent);
    if (key == "Threads") process->threads = DecimalOf(values[0]);
    if (key == "TracerPid") process->tracer = DecimalOf(values[0]).value_or(0);
    if (key == "CapEff") process->effective_capabilities = values[0];
    if (key == "Uid") {
      process->uid = DecimalOf(values[0]);
      if (values.size() > 1) process->effective_uid = DecimalOf(values[1]);
    }
    if (key == "NSpid") {
      process->namespace_pids.clear();
      for (const std::string_view value : values) {
        if (process->namespace_pids.size() < 64) {
          process->namespace_pids.push_back(DecimalOf(value).value_or(0));
        }
      }
    }
  });
}

std::string CommandOutput::ReadSmall(const std::string& path) {
  const auto text = fs::ReadWholeFile(source_.tree, path, limits::kMaxDocumentBytes);
  if (text) {
    MarkRead(path);
    return *text;
  }
  if (text.error().code != ErrorCode::kNotFound) {
    diagnostics_.Report(DiagnosticCode::kCollectionDamaged, source_.name,
                        fmt::format("{}: {}", path, text.error().message));
  }
  return "";
}

bool CommandOutput::ReadCommandLine(int64_t pid, const std::string& path) {
  const std::string text = ReadSmall(path);
  if (text.empty()) return false;
  Process* process = Of(pid);
  if (process == nullptr) return true;
  process->arguments.clear();
  std::string_view rest = text;
  if (rest.ends_with('\0')) rest.remove_suffix(1);
  while (process->arguments.size() < limits::kMaxArguments) {
    const size_t end = rest.find('\0');
    process->arguments.emplace_back(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  with_argv_.insert(pid);
  return true;
}

bool CommandOutput::ReadName(int64_t pid, const std::string& path) {
  std::string text = ReadSmall(path);
  if (text.empty()) return false;
  if (text.ends_with('\n')) text.pop_back();
  if (Process* process = Of(pid)) process->name = std::move(text);
  return true;
}

bool CommandOutput::ReadEnvironment(int64_t pid, const std::string& path) {
  std::string text = ReadSmall(path);
  if (text.empty()) return false;
  std::ranges::replace(text, '\0', '\n');
  Process* process = Of(pid);
  if (process == nullptr) return true;
  process->environment.clear();
  for (const std::string_view line : SplitNonEmpty(text, '\n')) {
    if (process->environment.size() >= limits::kMaxArguments) break;
    process->environment.emplace_back(line);
  }
  return true;
}

bool CommandOutput::ReadExecutableHashes(const std::string& path) {
  return Lines(path, [&](std::string_view line) {
    if (line.empty()) return;
    const std::vector<std::string_view> words = Words(line, 2);
    constexpr std::string_view kProc = "/proc/";
    if (words.size() < 2 || !words[1].contains(kProc)) {
      return NotUnderstood();
    }
    const std::string_view rest = words[1].substr(words[1].find(kProc) + kProc.size());
    const auto pid = DecimalOf(rest.substr(0, rest.find('/')));
    if (!pid || !rest.ends_with("/exe")) return NotUnderstood();
    Process* process = Of(*pid);
    if (process == nullptr) return;
    switch (words[0].size()) {
      case 32: process->executable_md5 = words[0]; break;
      case 40: process->executable_sha1 = words[0]; break;
      case 64: process->executable_sha256 = words[0]; break;
      default: NotUnderstood();
    }
  });
}

void CommandOutput::VisitProcesses(const std::function<void(Process&)>& visit) {
  for (auto& [pid, process] : processes_) visit(process);
}

int64_t CommandOutput::ParentOf(int64_t pid) const {
  const auto process = processes_.find(pid);
  if (process == processes_.end()) return 0;
  if (process->second.parent != 0) return process->second.parent;
  const auto parent = forest_parents_.find(pid);
  return parent == forest_parents_.end() ? 0 : parent->second;
}

void CommandOutput::Finish() {
  // The moment of boot from a process of which both clocks are known.
  for (auto process = processes_.begin(); !state_.boot_time && process != processes_.end();
       ++process) {
    const auto ticks = start_ticks_.find(process->first);
    if (ticks == start_ticks_.end() || !process->second.start) continue;
    state_.boot_time = *process->second.start;
    state_.boot_time->seconds -= static_cast<int64_t>(ticks->second / kTicksPerSecond);
  }
  for (auto& [pid, process] : processes_) {
    const auto ticks = start_ticks_.find(pid);
    if (ticks != start_ticks_.end() && state_.boot_time) {
      process.start = *state_.boot_time;
      process.start->seconds += static_cast<int64_t>(ticks->second / kTicksPerSecond);
      process.start->nanoseconds =
          static_cast<uint32_t>(ticks->second % kTicksPerSecond * (1000000000 / kTicksPerSecond));
    }
    const auto parent = forest_parents_.find(pid);
    if (process.parent == 0 && parent != forest_parents_.end()) process.parent = parent->second;
    const auto threads = threads_.find(pid);
    if (!process.threads && threads != threads_.end()) process.threads = threads->second;
    if (process.name.empty() && !process.arguments.empty()) {
      const std::string_view program = process.arguments.front();
      process.name = program.substr(program.rfind('/') + 1).substr(0, kNameBytes);
    }
    state_.processes.push_back(std::move(process));
  }
  processes_.clear();
  Complete(state_);
}

void CountNotRead(const Source& source, const std::function<bool(std::string_view path)>& is_read,
                  State& state, DiagnosticSink& diagnostics) {
  const auto walked =
      fs::Walk(source.tree, source.tree.root(), diagnostics, [&](const fs::WalkItem& item) {
        if (item.stat.type != fs::NodeType::kRegular || item.stat.size_bytes == 0 ||
            is_read(item.path)) {
          return fs::WalkStep::kContinue;
        }
        ++state.not_read_count;
        if (state.not_read.size() < kMaxNotReadNames) state.not_read.push_back(item.path);
        return fs::WalkStep::kContinue;
      });
  if (!walked) {
    diagnostics.Report(DiagnosticCode::kCollectionDamaged, source.name, walked.error().message);
  }
  if (state.not_read_count > 0) {
    diagnostics.Report(
        DiagnosticCode::kLogFileUnknown, source.name,
        fmt::format("{} files of the bundle, of which the first: {}", state.not_read_count,
                    EscapeForTerminal(state.not_read.front())));
  }
}

}  // namespace ekshume::process
