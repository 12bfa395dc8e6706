// SPDX-License-Identifier: Apache-2.0
#include "collect/control.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>

#include "base/limits.h"
#include "base/text.h"
#include "collect/json_line.h"
#include "collect/proc_stat.h"
#include "collect/system.h"
#include "collection/cgroup.h"

namespace ekshume::collect {
namespace {

constexpr int kLooks = 100;  // of a tenth of a second
constexpr int kStatStartTime = 22;

bool CanWrite(const std::string& path) { return access(path.c_str(), W_OK) == 0; }

Result<void> WriteWord(const std::string& path, std::string_view word) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.is_open()) return SystemError("open", path, errno);
  if (write(file.number(), word.data(), word.size()) != static_cast<ssize_t>(word.size())) {
    return SystemError("write", path, errno);
  }
  return {};
}

struct Member {
  uint64_t pid = 0;
  std::string cgroup;  // the text of its /proc/PID/cgroup
};

Result<std::vector<Member>> MembersOf(const ControlOptions& options) {
  std::vector<Member> members;
  for (const std::string& name : EKSHUME_TRY(ListDirectory(options.proc, limits::kMaxProcesses))) {
    const auto pid = ParseNumber(name);
    if (!pid) continue;
    std::string text = TextOrEmpty(fmt::format("{}/{}/cgroup", options.proc, name));
    if (collection::ParseProcCgroup(text).container_id == options.container) {
      members.push_back({*pid, std::move(text)});
    }
  }
  if (members.empty()) {
    return Fail(ErrorCode::kNotFound, fmt::format("no process is of the container {}",
                                                  EscapeForTerminal(options.container)));
  }
  return members;
}

// What the kernel says of it now: a frozen cgroup of version 1 may still be on its way.
bool IsAt(const FreezerPlace& place, bool frozen) {
  if (place.file == "freezer.state") {
    return TrimmedText(place.directory + "/freezer.state") == (frozen ? "FROZEN" : "THAWED");
  }
  const std::string events = TextOrEmpty(place.directory + "/cgroup.events");
  return events.find(frozen ? "frozen 1" : "frozen 0") != std::string::npos;
}

Result<void> SetFrozen(const FreezerPlace& place, bool frozen) {
  const std::string path = fmt::format("{}/{}", place.directory, place.file);
  const bool is_first_version = place.file == "freezer.state";
  const std::string_view word =
      is_first_version ? (frozen ? "FROZEN" : "THAWED") : (frozen ? "1" : "0");
  for (int i = 0; i < kLooks; ++i) {
    EKSHUME_TRY(WriteWord(path, word));
    if (IsAt(place, frozen)) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  // Half stopped is worse than not at all.
  if (frozen) EKSHUME_TRY(WriteWord(path, is_first_version ? "THAWED" : "0"));
  return Fail(ErrorCode::kIo, fmt::format("{} does not come to rest within ten seconds{}",
                                          place.directory, frozen ? "; it was let go on" : ""));
}

// Below the host's root as it is seen from here, as its first process sees it, and here: a
// container may have some of them empty, or read-only.
Result<FreezerPlace> FindAnyFreezer(const ControlOptions& options, const std::string& proc_cgroup) {
  if (!options.cgroups.empty()) {
    return FindFreezer(proc_cgroup, options.container, options.cgroups);
  }
  const std::string mount = "/sys/fs/cgroup";
  for (const std::string& root : {options.root, options.proc + "/1/root"}) {
    auto place = FindFreezer(proc_cgroup, options.container, root + mount);
    if (place) return place;
  }
  return FindFreezer(proc_cgroup, options.container, mount);
}

Result<std::string> FreezeOrThaw(const ControlOptions& options) {
  const std::vector<Member> members = EKSHUME_TRY(MembersOf(options));
  const FreezerPlace place = EKSHUME_TRY(FindAnyFreezer(options, members.front().cgroup));
  const bool frozen = options.action == "freeze";
  EKSHUME_TRY(SetFrozen(place, frozen));
  JsonLine line;
  line.Text("action", options.action);
  line.Text("state", frozen ? "frozen" : "thawed");
  line.Text("cgroup", fmt::format("{}/{}", place.directory, place.file));
  std::vector<uint64_t> pids;
  for (const Member& member : members) pids.push_back(member.pid);
  line.Numbers("pids", pids);
  return line.Take();
}

// The last number of NSpid: of the innermost PID namespace.
bool IsFirstOfItsNamespace(const std::string& status) {
  const auto numbers = StatusNumbers(status, "NSpid");
  return numbers.size() > 1 && numbers.back() == 1;
}

Result<std::string> Kill(const ControlOptions& options) {
  JsonLine line;
  line.Text("action", "kill");
  line.Numbers("pids", std::vector<uint64_t>{options.pid});
  const auto ended = [&]() -> Result<std::string> {
    line.Text("state", "gone");
    return line.Take();
  };
  // First a hold on the process, then the questions: what answers them is what is killed.
  const Descriptor process(
      static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(options.pid), 0)));
  if (!process.is_open() && errno == ESRCH) return ended();
  if (!process.is_open()) return SystemError("pidfd_open", std::to_string(options.pid), errno);
  const std::string folder = fmt::format("{}/{}/", options.proc, options.pid);
  const auto stat = ReadText(folder + "stat", 4096);
  if (!stat) return ended();
  if (ParseStat(*stat).At(kStatStartTime) != options.start_ticks) return ended();
  const auto owner = collection::ParseProcCgroup(TextOrEmpty(folder + "cgroup"));
  if (!options.container.empty() && owner.container_id != options.container) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("the process {} is not of the container {}", options.pid,
                            EscapeForTerminal(options.container)));
  }
  if (owner.container_id.empty()) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("the process {} is of no container", options.pid));
  }
  if (!options.even_first && IsFirstOfItsNamespace(TextOrEmpty(folder + "status"))) {
    return Fail(
        ErrorCode::kUnsupported,
        fmt::format("{} is the first process of its container: killing it ends and restarts "
                    "the container",
                    options.pid));
  }
  if (syscall(SYS_pidfd_send_signal, process.number(), SIGKILL, nullptr, 0) != 0) {
    if (errno == ESRCH) return ended();
    return SystemError("pidfd_send_signal", std::to_string(options.pid), errno);
  }
  pollfd poll_entry{.fd = process.number(), .events = POLLIN, .revents = 0};
  constexpr int kWaitMilliseconds = 10000;
  if (poll(&poll_entry, 1, kWaitMilliseconds) != 1) {
    return Fail(ErrorCode::kIo,
                fmt::format("{} got SIGKILL but does not end: it is frozen, or waits in the kernel",
                            options.pid));
  }
  line.Text("state", "killed");
  return line.Take();
}

}  // namespace

Result<FreezerPlace> FindFreezer(std::string_view proc_cgroup, std::string_view container,
                                 const std::string& cgroups) {
  std::string version1;
  std::string version2;
  for (const std::string_view line : SplitNonEmpty(proc_cgroup, '\n')) {
    const size_t first = line.find(':');
    const size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    std::string_view path = line.substr(second + 1);
    // The container's own, not one that it made below.
    const size_t id = path.find(container);
    if (id == std::string_view::npos) continue;
    path = path.substr(0, path.find('/', id));
    if (path.find("/../") != std::string_view::npos) continue;
    if (controllers == "freezer") version1 = path;
    if (controllers.empty() && line.starts_with("0:")) version2 = path;
  }
  if (!version1.empty()) {
    const FreezerPlace place{cgroups + "/freezer" + version1, "freezer.state"};
    if (CanWrite(fmt::format("{}/{}", place.directory, place.file))) return place;
  }
  if (!version2.empty()) {
    for (const char* mount : {"", "/unified"}) {
      const FreezerPlace place{fmt::format("{}{}{}", cgroups, mount, version2), "cgroup.freeze"};
      if (CanWrite(fmt::format("{}/{}", place.directory, place.file))) return place;
    }
  }
  return Fail(ErrorCode::kUnsupported,
              fmt::format("no control group below {} can freeze the container", cgroups));
}

Result<std::string> Control(const ControlOptions& options) {
  return options.action == "kill" ? Kill(options) : FreezeOrThaw(options);
}

Result<ControlOptions> ParseControl(const std::vector<std::string>& arguments) {
  ControlOptions options;
  const auto bad = [](std::string_view why) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("control freeze|thaw --container ID, control kill --pid PID "
                            "--start-ticks N [--container ID] [--even-first]: {}",
                            why));
  };
  if (arguments.empty()) return bad("which action?");
  options.action = arguments[0];
  if (options.action != "freeze" && options.action != "thaw" && options.action != "kill") {
    return bad("unknown action");
  }
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string& name = arguments[i];
    if (name == "--even-first") {
      options.even_first = true;
      continue;
    }
    if (i + 1 == arguments.size()) return bad(EscapeForTerminal(name) + " needs a value");
    const std::string& value = arguments[++i];
    const auto number = ParseNumber(value);
    if (name == "--container") {
      options.container = value;
    } else if (name == "--cgroups") {
      options.cgroups = value;
    } else if (name == "--proc") {
      options.proc = value;
    } else if (name == "--root") {
      options.root = value == "/" ? std::string() : value;
    } else if (name == "--pid" && number && *number > 1 && *number <= INT32_MAX) {
      options.pid = *number;
    } else if (name == "--start-ticks" && number) {
      options.start_ticks = *number;
    } else {
      return bad(EscapeForTerminal(name));
    }
  }
  if (options.action == "kill" ? options.pid == 0 || options.start_ticks == 0
                               : options.container.empty()) {
    return bad("something is missing");
  }
  return options;
}

}  // namespace ekshume::collect
