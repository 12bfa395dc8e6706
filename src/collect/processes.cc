// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <limits>

#include "base/limits.h"
#include "base/text.h"
#include "collect/context.h"
#include "collect/proc_stat.h"
#include "collect/system.h"
#include "collection/cgroup.h"

namespace ekshume::collect {
namespace {

using collection::NulSeparated;
using collection::StatusValue;

constexpr size_t kMaxArgumentBytes = size_t{256} << 10;
constexpr std::string_view kDeleted = " (deleted)";
constexpr uint64_t kKernelThreadFlag = 0x00200000;  // PF_KTHREAD in field 9 of /proc/PID/stat

// "net:[4026531992]"
uint64_t NamespaceInode(const std::string& path) {
  const std::string target = LinkTarget(path).value_or(std::string());
  const size_t open = target.find('[');
  if (open == std::string::npos || !target.ends_with(']')) return 0;
  return ParseNumber(std::string_view(target).substr(open + 1, target.size() - open - 2))
      .value_or(0);
}

class ProcessScanner {
 public:
  explicit ProcessScanner(Context& context)
      : context_(context), table_(context.writer, "live/processes.jsonl") {
    const int64_t boottime = ClockNanoseconds(CLOCK_BOOTTIME);
    boot_nanoseconds_ = ClockNanoseconds(CLOCK_REALTIME) - boottime;
    ticks_per_second_ = std::max<int64_t>(sysconf(_SC_CLK_TCK), 1);
    own_numbers_ = LinkTarget(context.options.proc + "/self") == fmt::format("{}", getpid());
  }

  Result<void> Run();

 private:
  Result<void> Add(int pid, bool hidden);
  bool InScope(int pid, const collection::CgroupOwner& owner) const;
  void AddExecutable(JsonLine& line, int pid, Process& process);
  void AddStatus(JsonLine& line, std::string_view status);
  Result<std::vector<int>> Listed() const;
  std::vector<int> Hidden(const std::vector<int>& listed);

  Context& context_;
  collection::TableWriter table_;
  int64_t boot_nanoseconds_ = 0;
  int64_t ticks_per_second_ = 100;
  bool own_numbers_ = false;  // numbers of that /proc mean the same processes to us
};

Result<std::vector<int>> ProcessScanner::Listed() const {
  std::vector<int> pids;
  for (const std::string& name :
       EKSHUME_TRY(ListDirectory(context_.options.proc, limits::kMaxProcesses))) {
    const auto number = ParseNumber(name);
    if (number && *number <= std::numeric_limits<int>::max()) {
      pids.push_back(static_cast<int>(*number));
    }
  }
  std::sort(pids.begin(), pids.end());
  return pids;
}

// Processes that answer to their number and are not in the listing: what a rootkit that filters
// readdir(3) leaves to see. Threads answer as well; their group's number tells them apart. Asked by
// getpgid(2), which needs no right and which, unlike kill(2), nobody's audit rules record.
std::vector<int> ProcessScanner::Hidden(const std::vector<int>& listed) {
  std::vector<int> hidden;
  if (!own_numbers_) return hidden;
  const uint64_t last =
      ParseNumber(TrimmedText(context_.options.proc + "/sys/kernel/pid_max")).value_or(32768);
  context_.journal.process_numbers_asked = std::min(last, uint64_t{limits::kMaxProcesses});
  for (int pid = 1; static_cast<uint64_t>(pid) < std::min(last, uint64_t{limits::kMaxProcesses});
       ++pid) {
    if (getpgid(pid) < 0) continue;
    if (std::binary_search(listed.begin(), listed.end(), pid)) continue;
    const std::string status = TextOrEmpty(context_.ProcPath(pid, "status"));
    if (StatusValue(status, "Tgid") == fmt::format("{}", pid)) hidden.push_back(pid);
  }
  return hidden;
}

bool ProcessScanner::InScope(int pid, const collection::CgroupOwner& owner) const {
  const Options& options = context_.options;
  if (options.pids.empty() && options.container_ids.empty() && options.pod_uids.empty())
    return true;
  const auto is_container = [&](const std::string& id) {
    return !id.empty() && owner.container_id.starts_with(id);
  };
  return std::find(options.pids.begin(), options.pids.end(), pid) != options.pids.end() ||
         std::any_of(options.container_ids.begin(), options.container_ids.end(), is_container) ||
         (!owner.pod_uid.empty() && std::find(options.pod_uids.begin(), options.pod_uids.end(),
                                              owner.pod_uid) != options.pod_uids.end());
}

void ProcessScanner::AddExecutable(JsonLine& line, int pid, Process& process) {
  const std::string link = context_.ProcPath(pid, "exe");
  std::optional<std::string> exe = LinkTarget(link);
  struct stat status{};
  const bool known = exe && stat(link.c_str(), &status) == 0;
  if (known && exe->ends_with(kDeleted)) {
    // A file may really be called so: then the name leads to the same file.
    struct stat named{};
    const std::string path = context_.ProcPath(pid, "root") + *exe;
    process.exe_deleted = lstat(path.c_str(), &named) != 0 || named.st_ino != status.st_ino ||
                          named.st_dev != status.st_dev;
    if (process.exe_deleted) exe->resize(exe->size() - kDeleted.size());
  }
  // Whether an update put another file in its place. Files in memory never had one.
  std::optional<bool> replaced;
  if (process.exe_deleted && !exe->starts_with("/memfd:")) {
    struct stat now{};
    const std::string path = context_.ProcPath(pid, "root") + *exe;
    replaced = lstat(path.c_str(), &now) == 0 && S_ISREG(now.st_mode);
  }
  line.TextIfKnown("exe", exe);
  line.Bool("exe_deleted", process.exe_deleted);
  if (replaced) {
    line.Bool("exe_replaced", *replaced);
  } else {
    line.Null("exe_replaced");
  }
  if (process.exe_deleted) {
    const auto [member, is_new] = context_.deleted_members.emplace(
        FileIdentity{status.st_dev, status.st_ino}, fmt::format("deleted/{}/exe", pid));
    line.Text("exe_member", member->second);
  } else {
    line.Null("exe_member");
  }
  if (known) {
    line.Number("exe_device", status.st_dev);
    line.Number("exe_inode", status.st_ino);
    line.Number("exe_size", status.st_size);
  }
}

void ProcessScanner::AddStatus(JsonLine& line, std::string_view status) {
  line.Numbers("uids", StatusNumbers(status, "Uid"));
  line.Numbers("gids", StatusNumbers(status, "Gid"));
  line.Numbers("groups", StatusNumbers(status, "Groups"));
  line.Numbers("ns_pids", StatusNumbers(status, "NSpid"));
  JsonLine capabilities;
  capabilities.TextOrNull("effective", StatusValue(status, "CapEff"));
  capabilities.TextOrNull("permitted", StatusValue(status, "CapPrm"));
  capabilities.TextOrNull("inheritable", StatusValue(status, "CapInh"));
  capabilities.TextOrNull("bounding", StatusValue(status, "CapBnd"));
  capabilities.TextOrNull("ambient", StatusValue(status, "CapAmb"));
  line.Raw("capabilities", capabilities.Take());
  line.Number("seccomp", ParseNumber(StatusValue(status, "Seccomp")).value_or(0));
  line.Bool("no_new_privs", StatusValue(status, "NoNewPrivs") == "1");
  line.Number("tracer_pid", ParseNumber(StatusValue(status, "TracerPid")).value_or(0));
}

Result<void> ProcessScanner::Add(int pid, bool hidden) {
  const Result<std::string> stat_text = ReadText(context_.ProcPath(pid, "stat"), 4096);
  if (!stat_text && own_numbers_ && getpgid(pid) >= 0) {
    return context_.journal.Skip(SkipReason::kLoss, "live/processes.jsonl",
                                 "it runs, but its folder of /proc is empty: something may be "
                                 "mounted over it",
                                 pid);
  }
  if (!stat_text) {
    return context_.journal.Skip("live/processes.jsonl", stat_text.error(), pid);
  }
  const StatFields stat = ParseStat(*stat_text);
  const std::string cgroup = TextOrEmpty(context_.ProcPath(pid, "cgroup"));
  const collection::CgroupOwner owner = collection::ParseProcCgroup(cgroup);
  if (!InScope(pid, owner)) return {};
  Process process{.pid = pid,
                  .start_ticks = stat.At(22),
                  .kernel_thread = (stat.At(9) & kKernelThreadFlag) != 0,
                  .container_id = owner.container_id,
                  .pod_uid = owner.pod_uid};
  const int64_t started = boot_nanoseconds_ + static_cast<int64_t>(process.start_ticks) *
                                                  (1000000000 / ticks_per_second_);
  JsonLine line;
  line.Number("pid", pid);
  line.Number("ppid", stat.At(4));
  line.Time("start", TimestampFromNanoseconds(started));
  line.Number("start_ticks", process.start_ticks);
  line.Text("comm", stat.comm);
  line.Text("state", stat.fields.empty() ? "?" : stat.fields[0]);
  line.Bool("kernel_thread", process.kernel_thread);
  AddExecutable(line, pid, process);
  bool argv_cut = false;
  bool environ_cut = false;
  const auto argv = ReadText(context_.ProcPath(pid, "cmdline"), kMaxArgumentBytes, &argv_cut);
  const auto environ = ReadText(context_.ProcPath(pid, "environ"), kMaxArgumentBytes, &environ_cut);
  line.List("argv", NulSeparated(argv ? std::string_view(*argv) : std::string_view()));
  line.List("environ", NulSeparated(environ ? std::string_view(*environ) : std::string_view()));
  line.TextIfKnown("cwd", LinkTarget(context_.ProcPath(pid, "cwd")));
  line.TextIfKnown("root", LinkTarget(context_.ProcPath(pid, "root")));
  AddStatus(line, TextOrEmpty(context_.ProcPath(pid, "status")));
  JsonLine namespaces;
  for (const char* name : {"pid", "mnt", "net", "ipc", "uts", "user", "cgroup", "time"}) {
    const uint64_t inode = NamespaceInode(context_.ProcPath(pid, fmt::format("ns/{}", name)));
    if (inode == 0) continue;
    namespaces.Number(name, inode);
    if (std::string_view(name) == "net") process.net_namespace = inode;
    if (std::string_view(name) == "mnt") process.mount_namespace = inode;
  }
  line.Raw("namespaces", namespaces.Take());
  line.Number("session", stat.At(6));
  line.Number("process_group", stat.At(5));
  line.Number("tty", stat.At(7));
  line.Number("threads", stat.At(20));
  line.Number("vm_bytes", stat.At(23));
  line.Number("rss_bytes", stat.At(24) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)));
  line.Number("user_ticks", stat.At(14));
  line.Number("system_ticks", stat.At(15));
  const auto loginuid = ParseNumber(TrimmedText(context_.ProcPath(pid, "loginuid")));
  if (loginuid && *loginuid != 0xFFFFFFFF) {
    line.Number("loginuid", *loginuid);
  } else {
    line.Null("loginuid");
  }
  line.TextOrNull("oom_score_adj", TrimmedText(context_.ProcPath(pid, "oom_score_adj")));
  line.TextOrNull("security_label", TrimmedText(context_.ProcPath(pid, "attr/current")));
  std::vector<std::string> cgroups;
  for (const std::string_view each : SplitNonEmpty(cgroup, '\n')) cgroups.emplace_back(each);
  line.List("cgroup", cgroups);
  line.TextOrNull("runtime", owner.runtime);
  line.TextOrNull("container_id", owner.container_id);
  line.TextOrNull("pod_uid", owner.pod_uid);
  line.TextOrNull("pod_qos", owner.pod_qos);
  line.Bool("hidden", hidden);
  context_.processes.push_back(std::move(process));
  EKSHUME_TRY(table_.AddLine(line.Take()));
  if (argv_cut || environ_cut) {
    EKSHUME_TRY(
        context_.journal.Skip(SkipReason::kLimit, "live/processes.jsonl",
                              fmt::format("only the first {} bytes of its {}", kMaxArgumentBytes,
                                          argv_cut ? "command line" : "environment"),
                              pid));
  }
  if (!environ && environ.error().code != ErrorCode::kNotFound) {
    EKSHUME_TRY(context_.journal.Skip("live/processes.jsonl", environ.error(), pid));
  }
  return {};
}

Result<void> ProcessScanner::Run() {
  const Result<std::vector<int>> listed = Listed();
  if (!listed) {
    EKSHUME_TRY(context_.journal.Skip("live/processes.jsonl", listed.error()));
    return table_.Finish();
  }
  for (const int pid : *listed) {
    if (context_.cancelled) break;
    EKSHUME_TRY(Add(pid, /*hidden=*/false));
  }
  // A second listing finds what was started meanwhile; what is in neither is hidden.
  for (const int pid : Hidden(*listed)) {
    const Result<std::vector<int>> again = Listed();
    const bool is_new = again && std::binary_search(again->begin(), again->end(), pid);
    EKSHUME_TRY(Add(pid, !is_new));
  }
  std::sort(context_.processes.begin(), context_.processes.end(),
            [](const Process& a, const Process& b) { return a.pid < b.pid; });
  return table_.Finish();
}

}  // namespace

std::string Context::ProcPath(int pid, std::string_view name) const {
  return fmt::format("{}/{}/{}", options.proc, pid, name);
}

std::string Context::HostPath(std::string_view path) const {
  return fmt::format("{}{}", options.root, path);
}

Result<void> CollectProcesses(Context& context) { return ProcessScanner(context).Run(); }

}  // namespace ekshume::collect
