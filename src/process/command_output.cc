// SPDX-License-Identifier: Apache-2.0
#include "process/command_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "collection/cgroup.h"
#include "fs/archive/subtree.h"
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

void AddHostFiles(const Source& source, std::string_view folder, State& state) {
  const auto node = fs::ResolvePath(source.tree, folder, fs::FollowLast::kNo);
  const auto stat = node ? source.tree.GetStat(*node) : Result<fs::Stat>(node.error());
  if (!stat || stat->type != fs::NodeType::kDirectory) return;
  Files files;
  files.of = Files::Of::kHost;
  files.name = folder;
  files.filesystem = std::make_unique<fs::archive::Subtree>(source.tree, *node);
  state.files.push_back(std::move(files));
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
