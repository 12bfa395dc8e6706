// SPDX-License-Identifier: Apache-2.0
#include "process/collected/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/limits.h"
#include "fs/archive/subtree.h"
#include "fs/path.h"
#include "process/json_lines.h"

namespace ekshume::process::collected {
namespace {

using runtime::Member;
using runtime::Text;

// What a list of what is missing keeps of skipped.jsonl.
constexpr size_t kMaxMissing = 1000;

class CollectionReader {
 public:
  CollectionReader(const Source& source, DiagnosticSink& diagnostics)
      : source_(source), diagnostics_(diagnostics) {}

  Result<State> Run() {
    state_.format = "collection";
    EKSHUME_TRY(ReadDescription());
    Table("live/processes.jsonl", [this](const Json& row) { AddProcess(row); });
    std::ranges::sort(state_.processes, {}, &Process::pid);
    for (Process& process : state_.processes) by_pid_[process.pid] = &process;
    Table("live/sockets.jsonl", [this](const Json& row) { AddSocket(row); });
    Table("live/open_files.jsonl", [this](const Json& row) { AddOpenFile(row); });
    Table("live/maps.jsonl", [this](const Json& row) { AddMapping(row); });
    Table("live/modules.jsonl", [this](const Json& row) { AddModule(row); });
    ReadMemory();
    ReadFiles();
    Table("skipped.jsonl", [this](const Json& row) { AddSkipped(row); });
    if (skipped_ > 0) {
      diagnostics_.Report(
          DiagnosticCode::kCollectionIncomplete, source_.name,
          fmt::format("{} things, of which the first: {}", skipped_, state_.missing.front()));
    }
    Complete(state_);
    return std::move(state_);
  }

 private:
  void Table(const std::string& path, const std::function<void(const Json&)>& visit) {
    VisitTable(source_, path, diagnostics_, visit);
  }

  Result<void> ReadDescription() {
    const std::string text =
        EKSHUME_TRY(fs::ReadWholeFile(source_.tree, "collection.json", limits::kMaxDocumentBytes));
    const Json json = EKSHUME_TRY(runtime::ParseJson(text));
    if (Text(Member(json, "format")) != "ekshume-collection") {
      return Fail(ErrorCode::kUnsupported, source_.name + ": collection.json is of another format");
    }
    const auto version = runtime::Integer(Member(json, "version")).value_or(0);
    if (version != 1) {
      return Fail(ErrorCode::kUnsupported,
                  fmt::format("{}: version {} of collections is not known; this ekshume reads 1",
                              source_.name, version));
    }
    const Json& host = Member(json, "host");
    state_.tool = Text(Member(json, "tool"));
    state_.taken = runtime::Time(Member(json, "started"));
    state_.hostname = Text(Member(host, "hostname"));
    state_.kernel = Text(Member(host, "kernel"));
    state_.boot_id = Text(Member(host, "boot_id"));
    state_.machine_id = Text(Member(host, "machine_id"));
    state_.boot_time = runtime::Time(Member(host, "boot_time"));
    const Json& scope = Member(json, "scope");
    state_.scope = Text(Member(scope, "kind"));
    scope_containers_ = runtime::Texts(Member(scope, "container_ids"));
    return {};
  }

  // The bytes of another member.
  std::optional<Extent> Content(const std::string& member) const {
    if (member.empty()) return std::nullopt;
    const auto node = fs::ResolvePath(source_.tree, member, fs::FollowLast::kNo);
    if (!node) return std::nullopt;
    const auto stat = source_.tree.GetStat(*node);
    if (!stat || stat->type != fs::NodeType::kRegular) return std::nullopt;
    return Extent{*node, 0, stat->size_bytes};
  }

  static std::optional<int64_t> At(const Json& list, size_t index) {
    return list.is_array() && index < list.size() ? runtime::Integer(list[index]) : std::nullopt;
  }

  void AddProcess(const Json& row) {
    if (state_.processes.size() >= limits::kMaxProcesses) return Limit("processes (kMaxProcesses)");
    Process process;
    process.pid = runtime::Integer(Member(row, "pid")).value_or(0);
    process.parent = runtime::Integer(Member(row, "ppid")).value_or(0);
    process.start = runtime::Time(Member(row, "start"));
    process.name = BytesOf(row, "comm");
    const std::string state = Text(Member(row, "state"));
    process.state = state.empty() ? '?' : state.front();
    process.kernel_thread = runtime::IsTrue(Member(row, "kernel_thread"));
    process.hidden = runtime::IsTrue(Member(row, "hidden"));
    process.executable = BytesOf(row, "exe");
    process.executable_deleted = runtime::IsTrue(Member(row, "exe_deleted"));
    if (const Json& replaced = Member(row, "exe_replaced"); replaced.is_boolean()) {
      process.executable_replaced = replaced.get<bool>();
    }
    process.executable_member = Text(Member(row, "exe_member"));
    process.executable_content = Content(process.executable_member);
    process.arguments = BytesList(row, "argv");
    process.environment = BytesList(row, "environ");
    process.working_directory = BytesOf(row, "cwd");
    process.root = BytesOf(row, "root");
    process.uid = At(Member(row, "uids"), 0);
    process.effective_uid = At(Member(row, "uids"), 1);
    const Json& namespaces = Member(row, "namespaces");
    if (namespaces.is_object()) {
      for (const auto& [name, inode] : namespaces.items()) {
        if (inode.is_number_unsigned()) process.namespaces[name] = Unsigned(inode);
      }
    }
    const Json& pids = Member(row, "ns_pids");
    for (size_t i = 0; pids.is_array() && i < pids.size() && i < 64; ++i) {
      process.namespace_pids.push_back(runtime::Integer(pids[i]).value_or(0));
    }
    process.effective_capabilities = Text(Member(row, "capabilities", "effective"));
    const auto tty = runtime::Integer(Member(row, "tty"));
    if (tty && *tty != 0) process.tty = fmt::format("{}:{}", (*tty >> 8) & 0xfff, *tty & 0xff);
    process.threads = runtime::Integer(Member(row, "threads"));
    process.tracer = runtime::Integer(Member(row, "tracer_pid")).value_or(0);
    process.runtime = Text(Member(row, "runtime"));
    process.container_id = Text(Member(row, "container_id"));
    process.pod_uid = Text(Member(row, "pod_uid"));
    state_.processes.push_back(std::move(process));
  }

  static std::optional<Address> AddressOf(const Json& value) {
    if (!value.is_object()) return std::nullopt;
    return Address{Text(Member(value, "address")),
                   runtime::Integer(Member(value, "port")).value_or(0)};
  }

  void AddSocket(const Json& row) {
    if (state_.sockets.size() >= limits::kMaxSockets) return Limit("sockets (kMaxSockets)");
    Socket socket;
    socket.network_namespace = Unsigned(Member(row, "netns"));
    socket.family = Text(Member(row, "family"));
    socket.protocol = Text(Member(row, "protocol"));
    socket.local = AddressOf(Member(row, "local"));
    socket.remote = AddressOf(Member(row, "remote"));
    socket.state = Text(Member(row, "state"));
    socket.inode = Unsigned(Member(row, "inode"));
    socket.uid = runtime::Integer(Member(row, "uid"));
    socket.path = BytesOf(row, "path");
    const Json& processes = Member(row, "processes");
    for (size_t i = 0; processes.is_array() && i < processes.size() && i < kMaxMissing; ++i) {
      socket.holders.push_back({runtime::Integer(Member(processes[i], "pid")).value_or(0),
                                runtime::Integer(Member(processes[i], "fd")).value_or(-1)});
    }
    state_.sockets.push_back(std::move(socket));
  }

  Process* Owner(const Json& row) {
    const auto found = by_pid_.find(runtime::Integer(Member(row, "pid")).value_or(0));
    return found == by_pid_.end() ? nullptr : found->second;
  }

  void AddOpenFile(const Json& row) {
    Process* process = Owner(row);
    if (process == nullptr) return;
    if (++open_files_ > limits::kMaxSockets) return Limit("open files (kMaxSockets)");
    OpenFile file;
    file.fd = runtime::Integer(Member(row, "fd")).value_or(-1);
    file.path = BytesOf(row, "path");
    file.deleted = runtime::IsTrue(Member(row, "deleted"));
    const std::string type = Text(Member(row, "type"));
    file.type = type.empty() ? 'U' : type.front();
    const Json& size = Member(row, "size");
    if (size.is_number_unsigned()) file.size_bytes = Unsigned(size);
    file.content_member = Text(Member(row, "member"));
    file.content = Content(file.content_member);
    process->files.push_back(std::move(file));
  }

  void AddMapping(const Json& row) {
    Process* process = Owner(row);
    const auto start = Hexadecimal(Text(Member(row, "start")));
    const auto end = Hexadecimal(Text(Member(row, "end")));
    if (process == nullptr || !start || !end || *end < *start) return;
    if (process->mappings.size() >= limits::kMaxMemoryRegions) {
      return Limit("mappings of a process (kMaxMemoryRegions)");
    }
    Mapping mapping;
    mapping.start = *start;
    mapping.end = *end;
    mapping.permissions = Text(Member(row, "permissions"));
    mapping.offset_bytes = Unsigned(Member(row, "offset"));
    mapping.path = BytesOf(row, "path");
    mapping.deleted = runtime::IsTrue(Member(row, "deleted"));
    process->mappings.push_back(std::move(mapping));
  }

  void AddModule(const Json& row) {
    if (state_.modules.size() >= limits::kMaxArtifactFiles) return;
    Module module;
    module.name = BytesOf(row, "name");
    const Json& size = Member(row, "size");
    if (size.is_number_unsigned()) module.size_bytes = Unsigned(size);
    module.state = Text(Member(row, "state"));
    module.taint = Text(Member(row, "taint"));
    const Json& in_sysfs = Member(row, "in_sysfs");
    module.in_sysfs = !in_sysfs.is_boolean() || runtime::IsTrue(in_sysfs);
    state_.modules.push_back(std::move(module));
  }

  // memory/PID/START-END
  void ReadMemory() {
    for (Process& process : state_.processes) {
      const auto folder =
          fs::ResolvePath(source_.tree, fmt::format("memory/{}", process.pid), fs::FollowLast::kNo);
      if (!folder) continue;
      const Result<void> read =
          source_.tree.ReadDirectory(*folder, [&](const fs::DirectoryEntry& entry) {
            const size_t dash = entry.name.find('-');
            if (dash == std::string::npos || entry.type != fs::NodeType::kRegular) return true;
            const auto start = Hexadecimal(std::string_view(entry.name).substr(0, dash));
            const auto stat = source_.tree.GetStat(entry.node);
            if (!start || !stat) return true;
            process.memory.push_back({*start, {entry.node, 0, stat->size_bytes}});
            return process.memory.size() < limits::kMaxMemoryRegions;
          });
      if (!read) {
        diagnostics_.Report(DiagnosticCode::kCollectionDamaged, source_.name,
                            fmt::format("memory/{}: {}", process.pid, read.error().message));
      }
    }
  }

  void AddFiles(const std::string& path, Files::Of of, const std::string& container) {
    const auto node = fs::ResolvePath(source_.tree, path, fs::FollowLast::kNo);
    if (!node) return;
    const auto stat = source_.tree.GetStat(*node);
    if (!stat || stat->type != fs::NodeType::kDirectory) return;
    Files files;
    files.of = of;
    files.container_id = container;
    files.name = path;
    files.filesystem = std::make_unique<fs::archive::Subtree>(source_.tree, *node);
    state_.files.push_back(std::move(files));
  }

  void ReadFiles() {
    const bool is_container = state_.scope == "container" && scope_containers_.size() == 1;
    AddFiles("root", is_container ? Files::Of::kContainer : Files::Of::kHost,
             is_container ? scope_containers_.front() : "");
    const auto folder = fs::ResolvePath(source_.tree, "containers", fs::FollowLast::kNo);
    if (folder) {
      const auto entries = fs::ListDirectory(source_.tree, *folder);
      for (size_t i = 0; entries && i < entries->size() && i < limits::kMaxContainers; ++i) {
        const std::string& id = (*entries)[i].name;
        AddFiles(fmt::format("containers/{}/root", id), Files::Of::kContainer, id);
      }
    }
  }

  void AddSkipped(const Json& row) {
    if (Text(Member(row, "severity")) != "loss") return;
    ++skipped_;
    if (state_.missing.size() >= kMaxMissing) return;
    state_.missing.push_back(
        fmt::format("{}: {}", BytesOf(row, "what"), Text(Member(row, "reason"))));
  }

  void Limit(std::string_view what) {
    diagnostics_.Report(DiagnosticCode::kCollectionLimit, source_.name,
                        fmt::format("further {}", what));
  }

  const Source& source_;
  DiagnosticSink& diagnostics_;
  State state_;
  std::vector<std::string> scope_containers_;
  std::unordered_map<int64_t, Process*> by_pid_;
  size_t open_files_ = 0;
  size_t skipped_ = 0;
};

class Collection final : public Format {
 public:
  std::string_view name() const override { return "collection"; }
  std::string_view description() const override {
    return "what ekshume collect wrote of a node, pod, container or process";
  }
  std::span<const std::string_view> marks() const override {
    static constexpr std::array<std::string_view, 1> kMarks = {"collection.json"};
    return kMarks;
  }
  Result<State> Read(const Source& source, DiagnosticSink& diagnostics) const override {
    return CollectionReader(source, diagnostics).Run();
  }
};

}  // namespace

const Format& CollectionFormat() {
  static const Collection format;
  return format;
}

}  // namespace ekshume::process::collected
