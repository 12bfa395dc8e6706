// SPDX-License-Identifier: Apache-2.0
#include "process/uac/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/limits.h"
#include "fs/path.h"
#include "process/command_output.h"

namespace ekshume::process::uac {
namespace {

// tclahr/uac, artifacts/: the folders and files that its artifacts write.
constexpr std::string_view kProcess = "live_response/process";
constexpr std::string_view kNetwork = "live_response/network";
constexpr std::string_view kSystem = "live_response/system";
constexpr std::string_view kRoot = "[root]";
constexpr std::string_view kLog = "uac.log";
// dd(1) stops there: bs=1024 count=50000.
constexpr uint64_t kMostRecoveredBytes = uint64_t{1024} * 50000;

// "+0200" in seconds.
std::optional<int64_t> ZoneSeconds(std::string_view text) {
  if (text.size() != 5 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const auto hours = DecimalOf(text.substr(1, 2));
  const auto minutes = DecimalOf(text.substr(3, 2));
  if (!hours || !minutes || *hours > 14 || *minutes > 59) return std::nullopt;
  const int64_t seconds = *hours * 3600 + *minutes * 60;
  return text[0] == '-' ? -seconds : seconds;
}

class UacReader {
 public:
  UacReader(const Source& source, DiagnosticSink& diagnostics)
      : source_(source), diagnostics_(diagnostics), output_(source, state_, diagnostics) {}

  Result<State> Run() {
    state_.format = "uac";
    state_.tool = "UAC";
    state_.scope = "node";
    ReadLog();
    output_.ReadUname(In(kSystem, "uname_-a.txt"));
    output_.ReadUname(In(kSystem, "uname.txt"));
    output_.ReadSystemStat(In(kSystem, "proc_stat.txt"));
    ReadProcesses();
    ReadSockets();
    output_.ReadModules(In(kSystem, "lsmod.txt"));
    output_.ReadMounts("live_response/storage/mount.txt");
    for (const char* path : {"bodyfile/bodyfile.txt", "body_file/body_file.txt"}) AddBodyFile(path);
    AddJournals();
    AddHostFiles(source_, kRoot, state_);
    output_.Finish();
    CountNotRead(
        source_,
        [this](std::string_view path) {
          return path.starts_with("[root]/") || path.ends_with(".stderr") ||
                 output_.read().contains(path);
        },
        state_, diagnostics_);
    return std::move(state_);
  }

 private:
  static std::string In(std::string_view folder, std::string_view name) {
    return fmt::format("{}/{}", folder, name);
  }

  std::vector<fs::DirectoryEntry> Entries(std::string_view folder) const {
    const auto node = fs::ResolvePath(source_.tree, folder, fs::FollowLast::kNo);
    if (!node) return {};
    auto entries = fs::ListDirectory(source_.tree, *node);
    if (entries) return *std::move(entries);
    diagnostics_.Report(DiagnosticCode::kCollectionDamaged, source_.name,
                        fmt::format("{}: {}", folder, entries.error().message));
    return {};
  }

  // 2026-11-27 19:30:27 +0000 INF ...: when, and in which zone the host's clock was.
  void ReadLog() {
    bool found = false;
    output_.Lines(std::string(kLog), [&](std::string_view line) {
      const auto words = Words(line);
      if (found || words.size() < 3) return;
      const auto zone = ZoneSeconds(words[2]);
      if (!zone || words[0].size() != 10 || words[1].size() != 8) return;
      found = true;
      output_.set_zone_seconds(*zone);
      auto taken = ParseTimestamp(fmt::format("{}T{}Z", words[0], words[1]));
      if (taken) taken->seconds -= *zone;
      state_.taken = taken;
    });
    if (state_.taken) return;
    const auto node = fs::ResolvePath(source_.tree, kProcess, fs::FollowLast::kNo);
    const auto stat = node ? source_.tree.GetStat(*node) : Result<fs::Stat>(node.error());
    if (stat) state_.taken = stat->modified;
  }

  void ReadProcesses() {
    for (const fs::DirectoryEntry& entry : Entries(In(kProcess, "proc"))) {
      const auto pid = DecimalOf(entry.name);
      if (pid && *pid > 0) ReadProcess(*pid, fmt::format("{}/proc/{}", kProcess, entry.name));
    }
    for (const fs::DirectoryEntry& entry : Entries(kProcess)) {
      const std::string path = In(kProcess, entry.name);
      if (entry.name.starts_with("ps_") || entry.name == "ps.txt") {
        output_.ReadPs(path);
      } else if (entry.name.starts_with("date_before_ps")) {
        output_.MarkRead(path);
      } else if (entry.name.starts_with("hash_running_processes.")) {
        output_.ReadExecutableHashes(path);
      }
    }
    output_.ReadExecutables(In(kProcess, "running_processes_full_paths.txt"));
    output_.ReadWorkingDirectories(In(kProcess, "ls_-l_proc_pid_cwd.txt"));
    output_.ReadWorkingDirectories(In(kProcess, "running_processes_cwd.txt"));
  }

  void ReadProcess(int64_t pid, const std::string& folder) {
    output_.ReadStat(In(folder, "stat.txt"));
    output_.ReadStatus(pid, In(folder, "status.txt"));
    output_.ReadName(pid, In(folder, "comm.txt"));
    output_.ReadCommandLine(pid, In(folder, "cmdline.txt"));
    output_.ReadEnvironment(pid, In(folder, "environ.txt"));
    output_.ReadMaps(pid, In(folder, "maps.txt"));
    output_.ReadDescriptors(pid, In(folder, "fd.txt"));
    // "conv=swab": the collector swaps each two bytes, so that nothing runs the program by mistake.
    Recover(pid, In(folder, "recovered_exe.dd.swab"), true, [](Process& process, Kept kept) {
      process.executable_member = std::move(kept.member);
      process.executable_content = kept.extent;
    });
    for (const fs::DirectoryEntry& entry : Entries(In(folder, "fd"))) {
      const auto fd = DecimalOf(entry.name);
      if (!fd) continue;
      Recover(pid, fmt::format("{}/fd/{}/recovered_file.dd", folder, entry.name), false,
              [&](Process& process, Kept kept) {
                const auto file = std::ranges::find(process.files, *fd, &OpenFile::fd);
                if (file == process.files.end()) return;
                file->content_member = std::move(kept.member);
                file->content = kept.extent;
                file->size_bytes = kept.extent.length_bytes;
              });
    }
  }

  struct Kept {
    std::string member;
    Extent extent;
  };
  void Recover(int64_t pid, const std::string& member, bool swapped,
               const std::function<void(Process&, Kept)>& visit) {
    const auto node = fs::ResolvePath(source_.tree, member, fs::FollowLast::kNo);
    if (!node) return;
    const auto stat = source_.tree.GetStat(*node);
    Process* process = output_.Of(pid);
    if (!stat || stat->type != fs::NodeType::kRegular || process == nullptr) return;
    output_.MarkRead(member);
    if (stat->size_bytes >= kMostRecoveredBytes) {
      state_.missing.push_back(
          fmt::format("{}: UAC keeps at most {} bytes of it", member, kMostRecoveredBytes));
    }
    visit(*process, {member, {*node, 0, stat->size_bytes, swapped}});
  }

  void ReadSockets() {
    for (const fs::DirectoryEntry& entry : Entries(kNetwork)) {
      const std::string path = In(kNetwork, entry.name);
      const std::string_view name = entry.name;
      const size_t options = name.find("_-");
      if (options == std::string_view::npos) continue;
      const std::string_view letters = name.substr(options + 2, name.rfind('.') - options - 2);
      // Names instead of numbers say nothing of use.
      if (!letters.contains('n') || letters.contains('r')) continue;
      if (name.starts_with("netstat_")) output_.ReadNetstat(path);
      if (name.starts_with("ss_")) output_.ReadSs(path);
      if (name.starts_with("lsof_") && letters.contains('i')) output_.ReadLsof(path);
    }
  }

  void AddBodyFile(const std::string& path) {
    const auto node = fs::ResolvePath(source_.tree, path, fs::FollowLast::kNo);
    if (!node) return;
    state_.body_files.push_back({path, path, *node});
    output_.MarkRead(path);
  }

  void AddJournals() {
    for (const fs::DirectoryEntry& entry : Entries(kSystem)) {
      if (!entry.name.starts_with("journalctl")) continue;
      const std::string path = In(kSystem, entry.name);
      state_.records.push_back({path, fmt::format("/var/log/{}", entry.name), entry.node});
      output_.MarkRead(path);
    }
  }

  const Source& source_;
  DiagnosticSink& diagnostics_;
  State state_;
  CommandOutput output_;
};

class Uac final : public Format {
 public:
  std::string_view name() const override { return "uac"; }
  std::string_view description() const override {
    return "what UAC (Unix-like Artifacts Collector) packed on a Linux host";
  }
  std::span<const std::string_view> marks() const override {
    static constexpr std::array<std::string_view, 4> kMarks = {
        "live_response/process", "live_response/network", "live_response/system", "uac.log"};
    return kMarks;
  }
  Result<State> Read(const Source& source, DiagnosticSink& diagnostics) const override {
    return UacReader(source, diagnostics).Run();
  }
};

}  // namespace

const Format& UacFormat() {
  static const Uac format;
  return format;
}

}  // namespace ekshume::process::uac
