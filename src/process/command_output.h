// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "process/format.h"

// What commands and files of /proc print of a running system, as bundles of other collectors keep
// it: ps(1), netstat(8), ss(8), lsof(8), conntrack(8), mount(8), ls(1) of links in /proc, proc(5).
namespace ekshume::process {

// Of what several outputs say of the same system, makes one State: a process is known by its pid, a
// socket by its addresses. The columns of tables are told by their headers. Lines that make no
// sense are counted and reported once for each file (kLogRecordUnknown). The functions return false
// when there is no such file; paths are those in the source's tree. One thread.
class CommandOutput {
 public:
  // All must outlive it.
  CommandOutput(const Source& source, State& state, DiagnosticSink& diagnostics)
      : source_(source), state_(state), diagnostics_(diagnostics) {}

  // How far the clock of the tables is ahead of UTC; 0 until it is set. Tables name no zone.
  void set_zone_seconds(int64_t seconds) { zone_seconds_ = seconds; }

  // Any output of ps with a header, also of threads and of "forests".
  bool ReadPs(const std::string& path);
  // Lines of /proc/PID/stat, of one or of many processes.
  bool ReadStat(const std::string& path);
  // /proc/stat, for the time of the last boot.
  bool ReadSystemStat(const std::string& path);
  bool ReadNetstat(const std::string& path);
  bool ReadSs(const std::string& path);
  bool ReadLsof(const std::string& path);       // lsof -nPli
  bool ReadConntrack(const std::string& path);  // conntrack -L
  bool ReadMounts(const std::string& path);     // mount, without arguments
  bool ReadModules(const std::string& path);    // lsmod, /proc/modules
  bool ReadUname(const std::string& path);      // uname -a: host name and kernel
  // ls -l /proc/PID/exe and /proc/PID/cwd, of many processes.
  bool ReadExecutables(const std::string& path);
  bool ReadWorkingDirectories(const std::string& path);
  // Of one process.
  bool ReadDescriptors(int64_t pid, const std::string& path);  // ls -l /proc/PID/fd
  bool ReadMaps(int64_t pid, const std::string& path);         // /proc/PID/maps
  bool ReadStatus(int64_t pid, const std::string& path);       // /proc/PID/status
  bool ReadCommandLine(int64_t pid, const std::string& path);  // /proc/PID/cmdline
  bool ReadName(int64_t pid, const std::string& path);         // /proc/PID/comm
  bool ReadEnvironment(int64_t pid, const std::string& path);  // one NAME=value a line, or NULs
  // "DIGEST  /proc/PID/exe", a line for each process; MD5, SHA-1 or SHA-256, told by its length.
  bool ReadExecutableHashes(const std::string& path);

  // Calls `visit` for each line and counts the file as read.
  bool Lines(const std::string& path, const std::function<void(std::string_view line)>& visit);
  // Says that a line of the file being read makes no sense.
  void NotUnderstood() { ++not_understood_; }
  // The process, made when it is new; null at limits::kMaxProcesses (reported).
  Process* Of(int64_t pid);
  // Adds a socket, or what this one says besides to the same one.
  void AddSocket(Socket socket);

  // Calls `visit` for each process so far, by pid.
  void VisitProcesses(const std::function<void(Process&)>& visit);
  // 0 when it is not known.
  int64_t ParentOf(int64_t pid) const;

  // Every file that was read, by its path.
  const std::set<std::string, std::less<>>& read() const { return read_; }
  // Counts a file as read.
  void MarkRead(std::string_view path) { read_.emplace(path); }

  // Puts everything into the state. The last call.
  void Finish();

 private:
  bool ReadLinks(const std::string& path, std::string_view name,
                 const std::function<void(Process&, std::string target, bool deleted)>& visit);
  void AddNetstatRow(std::string_view line, bool has_inode);
  void AddUnixRow(std::string_view line);
  std::string ReadSmall(const std::string& path);

  const Source& source_;
  State& state_;
  DiagnosticSink& diagnostics_;
  int64_t zone_seconds_ = 0;
  std::map<int64_t, Process> processes_;
  std::map<int64_t, uint64_t> start_ticks_;  // since boot
  std::map<int64_t, int64_t> forest_parents_;
  std::map<int64_t, int64_t> threads_;  // counted by rows
  std::set<int64_t> with_argv_;         // arguments are exact, not cut at blanks
  std::map<std::string, size_t> socket_at_;
  size_t open_files_ = 0;
  std::set<std::string, std::less<>> read_;
  uint64_t not_understood_ = 0;
};

// The words of a line, between blanks; at most `most`, the last with all that follows.
std::vector<std::string_view> Words(std::string_view line, size_t most = SIZE_MAX);
// A whole decimal number.
std::optional<int64_t> DecimalOf(std::string_view text);
// "Thu Nov 26 22:21:01 2026", also with a zone before the year ("UTC"), as date(1) and ps print it;
// taken as UTC.
std::optional<Timestamp> ParseCtime(std::string_view text);

// Gives the state the files of the host that lie below a folder of the bundle, if it is there.
void AddHostFiles(const Source& source, std::string_view folder, State& state);

// What of a bundle nobody has read: each regular file that `is_read` does not know is counted in
// state.not_read, the first ones by name.
void CountNotRead(const Source& source, const std::function<bool(std::string_view path)>& is_read,
                  State& state, DiagnosticSink& diagnostics);

}  // namespace ekshume::process
