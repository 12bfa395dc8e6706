// SPDX-License-Identifier: Apache-2.0
#include "process/varc/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "fs/path.h"
#include "process/command_output.h"
#include "runtime/json.h"

namespace ekshume::process::varc {
namespace {

using runtime::Json;
using runtime::Member;
using runtime::Text;

// As varc's output has them: tables are JSON objects with a list of rows.
constexpr std::string_view kProcesses = "processes.json";
constexpr std::string_view kOpenFiles = "open_files.json";
constexpr std::string_view kNetstat = "netstat.log";
constexpr std::string_view kDumps = "process_dumps";
constexpr std::string_view kFiles = "collected_files";
constexpr std::string_view kDeleted = " (deleted)";

// "2026-11-27 20:21:08", taken as UTC.
std::optional<Timestamp> TimeOf(std::string_view date, std::string_view clock) {
  return ParseTimestamp(fmt::format("{}T{}Z", date, clock));
}

// psutil's words in proc(5)'s letters.
char StateLetter(std::string_view word) {
  if (word == "running") return 'R';
  if (word == "sleeping") return 'S';
  if (word == "disk-sleep") return 'D';
  if (word == "stopped") return 'T';
  if (word == "tracing-stop") return 't';
  if (word == "zombie") return 'Z';
  if (word == "idle") return 'I';
  return '?';
}

class VarcReader {
 public:
  VarcReader(const Source& source, DiagnosticSink& diagnostics)
      : source_(source), diagnostics_(diagnostics), output_(source, state_, diagnostics) {}

  Result<State> Run() {
    state_.format = "varc";
    state_.tool = "varc";
    // What it sees is the container when it ran in one; nothing in the bundle says where.
    ReadProcesses();
    ReadSockets();
    ReadDumps();
    AddHostFiles(source_, kFiles, state_);
    if (fs::ResolvePath(source_.tree, kOpenFiles, fs::FollowLast::kNo)) {
      output_.MarkRead(kOpenFiles);  // the same names are in the rows of processes
    }
    output_.Finish();
    CountNotRead(
        source_,
        [this](std::string_view path) {
          return path.starts_with("collected_files/") || output_.read().contains(path);
        },
        state_, diagnostics_);
    return std::move(state_);
  }

 private:
  std::optional<Extent> Content(const std::string& member) const {
    const auto node = fs::ResolvePath(source_.tree, member, fs::FollowLast::kNo);
    const auto stat = node ? source_.tree.GetStat(*node) : Result<fs::Stat>(node.error());
    if (!stat || stat->type != fs::NodeType::kRegular) return std::nullopt;
    return Extent{*node, 0, stat->size_bytes};
  }

  void Damaged(std::string_view member, std::string_view what) {
    diagnostics_.Report(DiagnosticCode::kCollectionDamaged, source_.name,
                        fmt::format("{}: {}", member, what));
  }

  void ReadProcesses() {
    const auto text = fs::ReadWholeFile(source_.tree, kProcesses, limits::kMaxDocumentBytes);
    if (!text) return Damaged(kProcesses, text.error().message);
    const auto json = runtime::ParseJson(*text);
    if (!json) return Damaged(kProcesses, json.error().message);
    output_.MarkRead(kProcesses);
    const Json& rows = Member(*json, "rows");
    uint64_t unknown = 0;
    for (size_t i = 0; rows.is_array() && i < rows.size(); ++i) {
      const Json& row = rows[i];
      const auto pid = runtime::Integer(Member(row, "Process ID"));
      Process* process = pid && *pid > 0 ? output_.Of(*pid) : nullptr;
      if (process == nullptr) {
        ++unknown;
        continue;
      }
      process->parent = runtime::Integer(Member(row, "Parent ID")).value_or(0);
      process->name = Text(Member(row, "Name"));
      process->user = Text(Member(row, "Username"));
      process->state = StateLetter(Text(Member(row, "Status")));
      std::string executable = Text(Member(row, "Executable Path"));
      process->executable_deleted = executable.ends_with(kDeleted);
      if (process->executable_deleted) executable.resize(executable.size() - kDeleted.size());
      process->executable = std::move(executable);
      if (!process->executable.empty() && !process->executable_deleted) {
        const std::string member = fmt::format("{}{}", kFiles, process->executable);
        if (const auto content = Content(member)) {
          process->executable_member = member;
          process->executable_content = *content;
        }
      }
      const std::string command = Text(Member(row, "Command"));
      for (const std::string_view word : SplitNonEmpty(command, ' ')) {
        if (process->arguments.size() >= limits::kMaxArguments) break;
        process->arguments.emplace_back(word);
      }
      const std::string created = Text(Member(row, "Creation Time"));
      const auto parts = Words(created);
      if (parts.size() == 2) process->start = TimeOf(parts[0], parts[1]);
      if (process->start) newest_ = std::max(newest_, process->start->seconds);
      const std::string files = Text(Member(row, "Open Files"));
      // Blanks part them, so a path with one falls apart.
      for (const std::string_view path : SplitNonEmpty(files, ' ')) {
        if (++open_files_ > limits::kMaxSockets) {
          diagnostics_.Report(DiagnosticCode::kCollectionLimit, source_.name,
                              "further open files (kMaxSockets)");
          break;
        }
        OpenFile file;
        file.path = path;
        file.type = 'f';
        file.content_member = fmt::format("{}{}", kFiles, path);
        file.content = path.starts_with('/') ? Content(file.content_member) : std::nullopt;
        if (!file.content) file.content_member.clear();
        process->files.push_back(std::move(file));
      }
      by_name_[process->name].push_back(*pid);
    }
    if (!rows.is_array()) Damaged(kProcesses, "it has no rows");
    if (unknown > 0) Damaged(kProcesses, fmt::format("{} rows that name no process", unknown));
  }

  // Starts of processes are in UTC, the times of sockets in the host's zone. The newest process is
  // varc, which ran for less than the quarter of an hour by which zones differ.
  std::optional<Timestamp> InUtc(std::optional<Timestamp> local) const {
    constexpr int64_t kZoneStep = 900;
    constexpr int64_t kMostZone = 14 * 3600;
    if (!local || newest_ == 0) return local;
    const int64_t ahead = local->seconds - newest_;
    if (ahead < -kMostZone || ahead > kMostZone + kZoneStep) return local;
    const int64_t steps = ahead >= 0 ? ahead / kZoneStep : -((-ahead + kZoneStep - 1) / kZoneStep);
    local->seconds -= steps * kZoneStep;
    return local;
  }

  // DATE TIME LOCAL PORT REMOTE PORT NAME
  void ReadSockets() {
    output_.Lines(std::string(kNetstat), [this](std::string_view line) {
      const auto words = Words(line, 7);
      if (words.empty()) return;
      const auto local_port = words.size() >= 6 ? DecimalOf(words[3]) : std::nullopt;
      const auto remote_port = words.size() >= 6 ? DecimalOf(words[5]) : std::nullopt;
      if (!local_port || !remote_port) return output_.NotUnderstood();
      if (!state_.taken) state_.taken = InUtc(TimeOf(words[0], words[1]));
      Socket socket;
      socket.family = words[2].contains(':') ? "inet6" : "inet";
      socket.local = Address{std::string(words[2]), *local_port};
      if (*remote_port != 0) {
        socket.remote = Address{std::string(words[4]), *remote_port};
        socket.protocol = "tcp";
      } else {
        socket.protocol = "tcp or udp";  // it does not say which
      }
      // The table has the names of processes only.
      const auto named = by_name_.find(words.size() > 6 ? std::string(words[6]) : std::string());
      if (named != by_name_.end() && named->second.size() == 1) {
        socket.holders.push_back({named->second.front(), -1});
      }
      output_.AddSocket(std::move(socket));
    });
  }

  // process_dumps/NAME_PID.mem: what was readable, one after the other. The addresses are lost, so
  // that those of the parts count from 0.
  void ReadDumps() {
    const auto folder = fs::ResolvePath(source_.tree, kDumps, fs::FollowLast::kNo);
    if (!folder) return;
    const auto entries = fs::ListDirectory(source_.tree, *folder);
    if (!entries) return Damaged(kDumps, entries.error().message);
    for (const fs::DirectoryEntry& entry : *entries) {
      const std::string member = fmt::format("{}/{}", kDumps, entry.name);
      const std::string_view name = entry.name;
      const size_t bar = name.rfind('_');
      if (bar == std::string_view::npos || !name.ends_with(".mem")) continue;
      const auto pid = DecimalOf(name.substr(bar + 1, name.size() - bar - 5));
      const auto content = Content(member);
      Process* process = pid && *pid > 0 && content ? output_.Of(*pid) : nullptr;
      if (process == nullptr) continue;
      output_.MarkRead(member);
      if (content->length_bytes == 0) {
        state_.missing.push_back(fmt::format("{}: it is empty", member));
        continue;
      }
      process->memory.push_back({0, *content});
    }
  }

  const Source& source_;
  DiagnosticSink& diagnostics_;
  State state_;
  CommandOutput output_;
  std::map<std::string, std::vector<int64_t>> by_name_;
  int64_t newest_ = 0;  // when the last process started
  size_t open_files_ = 0;
};

class Varc final : public Format {
 public:
  std::string_view name() const override { return "varc"; }
  std::string_view description() const override {
    return "what varc (Volatile Artifact Collector) packed on a host or in a container";
  }
  std::span<const std::string_view> marks() const override {
    static constexpr std::array<std::string_view, 3> kMarks = {kOpenFiles, kDumps, kFiles};
    return kMarks;
  }
  Result<State> Read(const Source& source, DiagnosticSink& diagnostics) const override {
    return VarcReader(source, diagnostics).Run();
  }
};

}  // namespace

const Format& VarcFormat() {
  static const Varc format;
  return format;
}

}  // namespace ekshume::process::varc
