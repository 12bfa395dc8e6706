// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/folded_search.h"
#include "base/text.h"
#include "detect/drift/places.h"
#include "detect/running/checks.h"

namespace ekshume::detect::running {
namespace {

using process::Process;

constexpr std::string_view kMemoryFile = "/memfd:";

// Without the leading slash, as drift/places.h wants it.
std::string_view PathOf(const Process& process) {
  std::string_view path = process.executable;
  if (path.starts_with('/')) path.remove_prefix(1);
  return path;
}

bool InContainer(const Process& process) { return !process.container_id.empty(); }

// Folders between the one for temporary files and the program.
size_t DepthInTemporary(std::string_view path) {
  const size_t own = path.starts_with("tmp/") ? 1 : 2;
  const auto slashes = static_cast<size_t>(std::ranges::count(path, '/'));
  return slashes > own ? slashes - own : 0;
}

// What a folder for temporary files says. Builds, tests and installers run programs deep below
// it; intruders have little reason to.
std::string_view TemporaryLevel(const Process& process) {
  const std::string_view path = PathOf(process);
  if (drift::IsHidden(path) || path.starts_with("dev/shm/")) return "high";
  if (drift::IsGoBuild(path)) return "low";
  const size_t depth = DepthInTemporary(path);
  if (depth == 0) return "high";
  if (depth == 1 || InContainer(process)) return "medium";
  return "low";
}

// Programs that start container runtimes, besides the runtimes themselves.
constexpr std::array<std::string_view, 7> kManagers = {"containerd", "dockerd", "crio",   "podman",
                                                       "buildkitd",  "buildah", "nerdctl"};

// A program on the host, or the host's process 1, to which processes come that lost their parent.
bool StartsRuntimes(const Process& process) {
  if (IsRuntime(process)) return true;
  if (!process.container_id.empty()) return false;
  return process.pid == 1 ||
         std::ranges::find(kManagers, process::ShortName(process)) != kManagers.end();
}

// runc and crun run from a copy of themselves in memory, so that a container cannot change them
// (CVE-2019-5736). The copy's name alone says nothing, as anybody may give it: it must be a runtime
// that something started which starts runtimes.
std::optional<Verdict> CheckMemory(const Subject& subject) {
  const Process& process = *subject.process;
  const std::string_view name = std::string_view(process.executable).substr(kMemoryFile.size());
  if (!name.starts_with("runc_cloned") && !name.starts_with("crun_cloned")) {
    return MakeVerdict(
        "running.memory_program", "",
        fmt::format("runs from a file in memory that was made under the name '{}'", name));
  }
  if (!IsRuntime(process) || (subject.parent != nullptr && !StartsRuntimes(*subject.parent))) {
    return MakeVerdict("running.memory_program", "",
                       fmt::format("runs from a file in memory with the name that container "
                                   "runtimes give a copy of themselves ('{}'), and is none",
                                   name));
  }
  if (subject.parent != nullptr) return std::nullopt;
  return MakeVerdict("running.memory_program", "low",
                     "runs from memory, as container runtimes do from a copy of themselves; who "
                     "started it is not listed");
}

// What `go test` and `go run` built and run themselves.
bool IsOfGoCommand(const Subject& subject) {
  if (subject.parent == nullptr || !drift::IsGoBuild(PathOf(*subject.process))) return false;
  const std::string_view parent = PathOf(*subject.parent);
  return drift::FileName(parent) == "go" && !drift::IsTemporary(parent) && !drift::IsHidden(parent);
}

// A file of the system or of an application that is deleted: an update leaves another in its place,
// who hides does not.
std::optional<Verdict> CheckDeletedInPlace(const Subject& subject) {
  const Process& process = *subject.process;
  const bool in_container = InContainer(process);
  const bool in_system = drift::IsSystemFolder(PathOf(process));
  if (process.executable_replaced == true) {
    const std::string_view on_host = in_system ? "informational" : "low";
    return MakeVerdict("running.deleted_program",
                       !in_container ? on_host
                       : in_system   ? "low"
                                     : "medium",
                       fmt::format("runs {} as it was before another file took its place: an "
                                   "update does that",
                                   process.executable));
  }
  if (process.executable_replaced == false) {
    return MakeVerdict("running.deleted_program", in_container ? "high" : "medium",
                       fmt::format("runs {}, which is deleted, and no other file took its place",
                                   process.executable));
  }
  if (in_system) {
    return MakeVerdict("running.deleted_program", in_container ? "medium" : "low",
                       fmt::format("runs {}, which is deleted or was replaced: an update does that",
                                   process.executable));
  }
  return MakeVerdict("running.deleted_program", in_container ? "high" : "medium",
                     fmt::format("runs {}, which is deleted", process.executable));
}

std::optional<Verdict> CheckDeleted(const Subject& subject) {
  const Process& process = *subject.process;
  const std::string_view path = PathOf(process);
  if (drift::IsTemporary(path)) {
    const std::string_view level = TemporaryLevel(process);
    return MakeVerdict("running.deleted_program", level == "low" ? "medium" : "high",
                       fmt::format("runs {}, which is deleted and was in a folder for temporary "
                                   "files",
                                   process.executable));
  }
  if (drift::IsHidden(path)) {
    return MakeVerdict("running.deleted_program", "high",
                       fmt::format("runs {}, which is deleted and was hidden", process.executable));
  }
  return CheckDeletedInPlace(subject);
}

// Options and addresses that only miners have.
constexpr std::array<std::string_view, 11> kMinerArguments = {
    "stratum+tcp:", "stratum+ssl:",           "stratum+tls:", "stratum+udp:",
    "stratum2+",    "--donate-level",         "--randomx-",   "--nicehash",
    "cryptonight",  "--cpu-max-threads-hint", "--coin=monero"};
constexpr std::array<std::string_view, 15> kMinerNames = {
    "xmrig",      "xmr-stak",  "minerd",       "cpuminer", "kinsing",
    "kdevtmpfsi", "nanominer", "ethminer",     "nbminer",  "lolminer",
    "ccminer",    "srbminer",  "teamredminer", "xmr",      "ddgs"};
// Programs that have such words as what they look for.
constexpr std::array<std::string_view, 14> kSearchers = {
    "grep", "egrep", "fgrep", "rg",  "pgrep", "pkill",   "yara",
    "ag",   "less",  "vi",    "vim", "nano",  "ekshume", "zgrep"};
// Ports that pools of coins have and hardly anything else.
constexpr std::array<int64_t, 7> kPoolPorts = {3333, 10128, 14433, 14444, 20128, 45560, 45700};

bool IsOwnNetwork(std::string_view address) {
  return address.starts_with("127.") || address == "::1" || address.empty() ||
         address == "0.0.0.0" || address == "::";
}

// Ruby and Python for memory, packaging and displays, agents of monitoring, sanitizers.
constexpr std::array<std::string_view, 20> kKnownLibraries = {
    "libjemalloc", "libtcmalloc",    "libmimalloc", "libfakeroot", "libeatmydata",
    "libfaketime", "libgtk3-nocsd",  "liboneagent", "libasan",     "libtsan",
    "libubsan",    "libnss_wrapper", "libstdbuf",   "libdlfaker",  "libvglfaker",
    "libgomp",     "libapminsttool", "libdd_",      "libddwaf",    "libsnoopy"};

}  // namespace

Verdict MakeVerdict(std::string_view rule, std::string_view level, std::string what) {
  Verdict verdict;
  verdict.rule = &RuleOf(rule);
  verdict.level = level.empty() ? verdict.rule->level : level;
  verdict.what = std::move(what);
  return verdict;
}

std::optional<Verdict> CheckProgram(const Subject& subject) {
  const Process& process = *subject.process;
  if (process.executable.starts_with(kMemoryFile)) return CheckMemory(subject);
  if (process.executable_deleted) return CheckDeleted(subject);
  const std::string_view path = PathOf(process);
  if (drift::IsTemporary(path)) {
    // Some images have their program there.
    const bool is_built_in = subject.is_of_image == true && !drift::IsHidden(path);
    if (is_built_in || IsOfGoCommand(subject)) return std::nullopt;
    return MakeVerdict("running.temporary_program", TemporaryLevel(process),
                       fmt::format("runs {}{}", process.executable,
                                   drift::IsHidden(path) ? ", which is hidden" : ""));
  }
  if (subject.is_of_image == false && !subject.is_on_volume && !IsRuntime(process)) {
    return MakeVerdict(
        "running.program_not_of_image", "",
        fmt::format("runs {}, which is in no layer of its image", process.executable));
  }
  return std::nullopt;
}

std::optional<Verdict> CheckName(const Subject& subject) {
  const Process& process = *subject.process;
  if (process.kernel_thread || process.executable.empty()) return std::nullopt;
  const std::string_view argument =
      process.arguments.empty() ? std::string_view() : process.arguments.front();
  const bool in_brackets = argument.size() > 2 && argument.starts_with('[') &&
                           argument.find(']') != std::string_view::npos &&
                           argument.find(' ') > argument.find(']');
  const std::string first(argument.substr(0, argument.find(']') + 1));
  const auto is_thread = [](std::string_view name) {
    // "kworker/0:1-events" is a name, not a path.
    return drift::Imitates(name.substr(0, name.find('/'))) == "a kernel thread";
  };
  if (in_brackets && is_thread(first)) {
    return MakeVerdict("running.kernel_look_alike", "",
                       fmt::format("calls itself {} and runs {}", first, process.executable));
  }
  // A program of the system that is really called so.
  const std::string_view own = drift::FileName(process.executable);
  const bool is_own_name = drift::IsSystemFolder(PathOf(process)) && own.starts_with(process.name);
  if (is_thread(process.name) && !is_own_name) {
    return MakeVerdict("running.kernel_look_alike", "",
                       fmt::format("is named {} and runs {}", process.name, process.executable));
  }
  // "[celeryd: worker]" and the like say what they do in brackets; one plain word hides.
  if (in_brackets && argument == first && first.find(':') == std::string::npos) {
    return MakeVerdict("running.kernel_look_alike", "medium",
                       fmt::format("calls itself {} and runs {}", first, process.executable));
  }
  return std::nullopt;
}

std::vector<std::string> UnknownLibraries(std::string_view list) {
  std::vector<std::string> unknown;
  std::string separated(list);
  for (char& c : separated) {
    if (c == ':' || c == '\n' || c == '\t' || c == '\r') c = ' ';
  }
  for (const std::string_view library : SplitNonEmpty(separated, ' ')) {
    const std::string_view name = drift::FileName(library);
    std::string_view path = library;
    if (path.starts_with('/')) path.remove_prefix(1);
    const bool is_known = std::ranges::any_of(
        kKnownLibraries, [&](std::string_view known) { return name.starts_with(known); });
    if (is_known && !drift::IsTemporary(path) && !drift::IsHidden(path)) continue;
    unknown.emplace_back(library);
  }
  return unknown;
}

std::optional<Verdict> CheckPreload(const Subject& subject) {
  for (const std::string& variable : subject.process->environment) {
    const std::string_view text = variable;
    const size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    if (equals == std::string_view::npos || (name != "LD_PRELOAD" && name != "LD_AUDIT")) continue;
    const std::vector<std::string> libraries = UnknownLibraries(text.substr(equals + 1));
    if (libraries.empty()) continue;
    const bool is_odd = std::ranges::any_of(libraries, [](const std::string& library) {
      const std::string_view path = std::string_view(library).substr(library.starts_with('/'));
      return drift::IsTemporary(path) || drift::IsHidden(path);
    });
    Verdict verdict =
        MakeVerdict("running.library_preload", is_odd ? "high" : "medium",
                    fmt::format("was started with {}={}", name, fmt::join(libraries, ":")));
    verdict.key = fmt::format("{}", fmt::join(libraries, ":"));
    return verdict;
  }
  return std::nullopt;
}

std::optional<Verdict> CheckMiner(const System& system, const Subject& subject) {
  const Process& process = *subject.process;
  if (process.kernel_thread) return std::nullopt;
  const std::string_view program = ProgramName(process);
  if (std::ranges::find(kSearchers, program) != kSearchers.end()) return std::nullopt;
  for (const std::string_view name : kMinerNames) {
    const bool is_it = program == name || (name.size() > 4 && program.starts_with(name));
    if (is_it) {
      return MakeVerdict("running.miner", "", fmt::format("has the name of a miner ({})", program));
    }
  }
  for (const std::string& argument : process.arguments) {
    for (const std::string_view word : kMinerArguments) {
      if (!ContainsFolded(argument, word)) continue;
      return MakeVerdict("running.miner", "",
                         fmt::format("was started with arguments of a miner ({})", word));
    }
  }
  for (const HeldSocket& held : system.SocketsOf(process.pid)) {
    const process::Socket& socket = *held.socket;
    if (!socket.remote || socket.protocol != "tcp" || IsOwnNetwork(socket.remote->address))
      continue;
    if (std::ranges::find(kPoolPorts, socket.remote->port) == kPoolPorts.end()) continue;
    const auto program_verdict = CheckProgram(subject);
    const bool is_odd =
        program_verdict && (program_verdict->level == "high" || program_verdict->level == "medium");
    return MakeVerdict("running.miner", is_odd ? "high" : "low",
                       fmt::format("is connected to {} port {}, which pools of coins use",
                                   socket.remote->address, socket.remote->port));
  }
  return std::nullopt;
}

std::vector<Verdict> CheckProcess(const System& system, const Subject& subject) {
  std::vector<Verdict> verdicts;
  const auto add = [&verdicts](std::optional<Verdict> verdict) {
    if (verdict) verdicts.push_back(std::move(*verdict));
  };
  add(CheckProgram(subject));
  add(CheckName(subject));
  add(CheckPreload(subject));
  add(CheckMiner(system, subject));
  add(CheckShell(system, subject));
  add(CheckPacketSocket(system, subject));
  add(CheckNamespaces(system, subject));
  add(CheckEntered(system, subject));
  if (subject.process->hidden) {
    add(MakeVerdict("running.hidden_process", "",
                    "answers to its number and is not in the listing of /proc"));
  }
  add(CheckTraced(system, subject));
  add(CheckWritableCode(subject));
  return verdicts;
}

}  // namespace ekshume::detect::running
