// SPDX-License-Identifier: Apache-2.0
// What bundles keep of /proc/PID: proc(5).
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "fs/path.h"
#include "process/command_output.h"
#include "process/json_lines.h"

namespace ekshume::process {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

}  // namespace

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

}  // namespace ekshume::process
