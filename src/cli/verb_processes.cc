// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <ranges>
#include <set>

#include "base/text.h"
#include "casefile/image_files.h"
#include "casefile/json.h"
#include "casefile/live_json.h"
#include "casefile/process_owners.h"
#include "casefile/running/extract_kept.h"
#include "cli/objects.h"
#include "cli/program.h"

namespace ekshume::cli {
namespace {

using casefile::Json;
using casefile::LiveEvidence;
using process::Process;

struct ProcessesOptions {
  std::string pod;
  std::string container;
  std::optional<int64_t> pid;
  bool deleted = false;
  bool maps = false;
  bool files = false;
  std::string extract;
  std::string target;
  // Of sockets.
  bool listening = false;
  bool all = false;
  std::string remote;
};

// The live evidence that was named, and whose the processes are.
struct Opened {
  const casefile::Evidence* evidence = nullptr;
  runtime::Inventory inventory;
  std::unique_ptr<casefile::ProcessOwners> owners;
};

Result<std::unique_ptr<Opened>> Open(Program& program) {
  auto opened = std::make_unique<Opened>();
  opened->evidence = EKSHUME_TRY(program.OpenEvidence());
  if (opened->evidence->live().empty()) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("{} holds nothing of a running system: no collection and no checkpoint",
                            program.evidence_path));
  }
  opened->inventory = casefile::ReadInventory(*opened->evidence, program.diagnostics);
  opened->owners = std::make_unique<casefile::ProcessOwners>(opened->inventory);
  return opened;
}

bool IsPod(const casefile::ProcessOwner& owner, const std::string& text) {
  return owner.pod == text || owner.pod_uid == text || owner.name_space + "/" + owner.pod == text;
}

bool IsContainer(const casefile::ProcessOwner& owner, const std::string& text) {
  return owner.container == text ||
         (!owner.container_id.empty() && owner.container_id.starts_with(text));
}

bool Fits(const Process& process, const casefile::ProcessOwner& owner,
          const ProcessesOptions& options) {
  if (options.pid && process.pid != *options.pid) return false;
  if (options.deleted && !process.executable_deleted) return false;
  if (!options.pod.empty() && !IsPod(owner, options.pod)) return false;
  return options.container.empty() || IsContainer(owner, options.container);
}

// Which processes were meant, for a sentence.
std::string Wanted(const ProcessesOptions& options) {
  std::string text;
  if (options.pid) text += fmt::format(" with the number {}", *options.pid);
  if (!options.pod.empty()) text += " in pod " + options.pod;
  if (!options.container.empty()) text += " in container " + options.container;
  if (options.deleted) text += " with a deleted executable";
  return text;
}

// In order of a tree: children behind their parents, by number. Without recursion, as evidence may
// claim any depth.
std::vector<std::pair<const Process*, size_t>> InTreeOrder(const process::State& state) {
  std::multimap<int64_t, const Process*> children;
  std::set<int64_t> pids;
  for (const Process& process : state.processes) pids.insert(process.pid);
  std::vector<std::pair<const Process*, size_t>> waiting;
  for (const Process& process : state.processes) {
    if (pids.contains(process.parent) && process.parent != process.pid) {
      children.emplace(process.parent, &process);
    } else {
      waiting.emplace_back(&process, 0);
    }
  }
  std::ranges::reverse(waiting);
  std::vector<std::pair<const Process*, size_t>> ordered;
  std::set<const Process*> seen;
  const auto take = [&] {
    while (!waiting.empty()) {
      const auto [process, depth] = waiting.back();
      waiting.pop_back();
      if (!seen.insert(process).second) continue;
      ordered.emplace_back(process, depth);
      const auto [begin, end] = children.equal_range(process->pid);
      std::vector<const Process*> own;
      for (auto at = begin; at != end; ++at) own.push_back(at->second);
      for (const Process* child : std::views::reverse(own)) waiting.emplace_back(child, depth + 1);
    }
  };
  take();
  // Damaged evidence: processes that are each other's ancestors.
  for (const Process& process : state.processes) {
    if (seen.contains(&process)) continue;
    waiting.emplace_back(&process, 0);
    take();
  }
  return ordered;
}

std::string PodColumn(const Json& object) {
  const std::string name = Member(object, "pod.name");
  if (name.empty()) return Member(object, "container_id").substr(0, 12);
  const std::string container = Member(object, "pod.container");
  return fmt::format("{}/{}{}{}", Member(object, "pod.namespace"), name,
                     container.empty() ? "" : "/", container);
}

std::string ProgramColumn(const Json& object) {
  constexpr size_t kMostIndented = 20;
  constexpr size_t kMostShown = 160;
  const size_t depth = std::min(object["depth"].get<size_t>(), kMostIndented);
  std::string text = std::string(depth * 2, ' ') + Member(object, "command_line");
  if (text.size() > kMostShown) text = text.substr(0, kMostShown) + "...";
  if (object["executable_deleted"] == true) {
    text += fmt::format("  [deleted: {}]", Member(object, "executable"));
  }
  if (object["hidden"] == true) text += "  [hidden]";
  if (object["of_image"] == false) text += "  [not of its image]";
  return text;
}

Result<void> PrintProcesses(Program& program, const Opened& opened,
                            const ProcessesOptions& options) {
  casefile::ImageFiles images(program.diagnostics);
  std::vector<Json> rows;
  for (const auto& live : opened.evidence->live()) {
    for (const auto& [process, depth] : InTreeOrder(live->state)) {
      if (!Fits(*process, opened.owners->Of(live->state, *process), options)) continue;
      Json row = {{"evidence", live->name}, {"depth", depth}};
      row.update(casefile::ProcessJson(live->state, *process, *opened.owners));
      const runtime::Container* container = opened.owners->ContainerOf(*process);
      const auto of_image = container == nullptr || process->executable.empty()
                                ? std::nullopt
                                : images.Has(*container, process->executable);
      row["of_image"] = of_image ? Json(*of_image) : Json(nullptr);
      rows.push_back(std::move(row));
    }
  }
  const bool is_filtered = !Wanted(options).empty();
  if (rows.empty() && is_filtered && !options.deleted) {
    return Fail(ErrorCode::kNotFound, fmt::format("no process{} in the evidence", Wanted(options)));
  }
  std::vector<Column> columns = {MemberColumn("pid", "pid"),
                                 MemberColumn("ppid", "ppid"),
                                 MemberColumn("start", "start", 19),
                                 {"user",
                                  [](const Json& o) {
                                    return o["user"].is_null() ? Member(o, "effective_uid")
                                                               : Member(o, "user");
                                  }},
                                 {"pod or container", PodColumn},
                                 {"command", ProgramColumn}};
  if (opened.evidence->live().size() > 1) {
    columns.insert(columns.begin(), MemberColumn("evidence", "evidence"));
  }
  return PrintObjects(program, rows, columns);
}

struct Found {
  const LiveEvidence* live = nullptr;
  const Process* process = nullptr;
};

// The one process that is meant.
Result<Found> FindOne(const Opened& opened, const ProcessesOptions& options) {
  if (!options.pid) {
    return Fail(ErrorCode::kInvalidArgument, "which process? Name it with --pid N");
  }
  Found found;
  for (const auto& live : opened.evidence->live()) {
    for (const Process& process : live->state.processes) {
      if (!Fits(process, opened.owners->Of(live->state, process), options)) continue;
      if (found.process != nullptr) {
        return Fail(ErrorCode::kInvalidArgument,
                    fmt::format("{} and {} both have a process{}: name one of them as evidence",
                                found.live->name, live->name, Wanted(options)));
      }
      found = {live.get(), &process};
    }
  }
  if (found.process == nullptr) {
    return Fail(ErrorCode::kNotFound, fmt::format("no process{} in the evidence", Wanted(options)));
  }
  return found;
}

Result<void> PrintMaps(Program& program, const Process& process) {
  std::vector<Json> rows;
  for (const process::Mapping& mapping : process.mappings) {
    rows.push_back(casefile::MappingJson(process, mapping));
  }
  return PrintObjects(program, rows,
                      {MemberColumn("start", "start"), MemberColumn("end", "end"),
                       MemberColumn("permissions", "permissions"),
                       MemberColumn("kept bytes", "kept_bytes"), MemberColumn("path", "path")});
}

Result<void> PrintFiles(Program& program, const Process& process) {
  std::vector<Json> rows;
  for (const process::OpenFile& file : process.files) {
    rows.push_back(casefile::OpenFileJson(process, file));
  }
  return PrintObjects(
      program, rows,
      {MemberColumn("fd", "fd"),
       MemberColumn("type", "type"),
       MemberColumn("size", "size"),
       {"deleted", [](const Json& o) { return o["deleted"] == true ? "deleted" : ""; }},
       MemberColumn("path", "path"),
       MemberColumn("kept as", "member")});
}

Result<void> RunProcesses(Program& program, const ProcessesOptions& options) {
  const int wishes = static_cast<int>(options.maps) + static_cast<int>(options.files) +
                     static_cast<int>(!options.extract.empty());
  if (wishes > 1) {
    return Fail(ErrorCode::kInvalidArgument, "--maps, --files and --extract go one at a time");
  }
  if (options.extract.empty() != options.target.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "--extract WHAT and --to TARGET belong together");
  }
  if (wishes > 0 && !options.pid) {
    return Fail(ErrorCode::kInvalidArgument, "which process? Name it with --pid N");
  }
  const auto opened = EKSHUME_TRY(Open(program));
  if (wishes == 0) return PrintProcesses(program, *opened, options);
  const Found found = EKSHUME_TRY(FindOne(*opened, options));
  if (options.maps) return PrintMaps(program, *found.process);
  if (options.files) return PrintFiles(program, *found.process);
  const casefile::KeptBytes kept =
      EKSHUME_TRY(casefile::ExtractKept(*found.live, *found.process, options.extract,
                                        options.target, program.diagnostics, program.progress));
  return PrintObject(program, {{"evidence", found.live->name},
                               {"pid", found.process->pid},
                               {"extracted", options.extract},
                               {"target", options.target},
                               {"files", kept.files},
                               {"bytes", kept.bytes}});
}

// "192.0.2.8", "192.0.2.8:443", "[2001:db8::1]:443", ":443"
struct RemoteFilter {
  std::string address;
  std::optional<int64_t> port;
};

Result<RemoteFilter> ParseRemote(const std::string& text) {
  RemoteFilter filter;
  std::string_view address = text;
  std::string_view port;
  const size_t colon = text.rfind(':');
  const bool in_brackets = text.starts_with('[');
  const bool has_port = colon != std::string::npos &&
                        (in_brackets ? text.rfind(']') + 1 == colon : text.find(':') == colon);
  if (has_port) {
    address = std::string_view(text).substr(0, colon);
    port = std::string_view(text).substr(colon + 1);
  }
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
  }
  filter.address = address;
  if (!has_port) return filter;
  int64_t number = 0;
  for (const char c : port) {
    if (c < '0' || c > '9' || number > 65535) number = 65536;
    if (number <= 65535) number = number * 10 + (c - '0');
  }
  if (port.empty() || number > 65535) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{} is no ADDRESS[:PORT]", text));
  }
  filter.port = number;
  return filter;
}

std::string EndText(const Json& object, std::string_view key) {
  const Json& end = object[std::string(key)];
  if (end.is_null()) return key == "local" ? Member(object, "path") : "";
  const std::string address = Member(end, "address");
  const bool is_v6 = address.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", is_v6 ? "[" : "", address, is_v6 ? "]" : "", Member(end, "port"));
}

std::string HoldersColumn(const Json& object) {
  std::string text;
  for (const Json& holder : object["processes"]) {
    const std::string one = fmt::format("{} {}", Member(holder, "pid"), Member(holder, "process"));
    if (text.ends_with(one)) continue;
    text += (text.empty() ? "" : ", ") + one;
  }
  return text;
}

Result<void> RunSockets(Program& program, const ProcessesOptions& options) {
  const RemoteFilter remote = EKSHUME_TRY(ParseRemote(options.remote));
  const auto opened = EKSHUME_TRY(Open(program));
  std::vector<Json> rows;
  for (const auto& live : opened->evidence->live()) {
    const process::State& state = live->state;
    std::set<int64_t> pids;  // of the processes that fit
    for (const Process& process : state.processes) {
      if (Fits(process, opened->owners->Of(state, process), options)) pids.insert(process.pid);
    }
    const bool by_process = options.pid || !options.pod.empty() || !options.container.empty();
    for (const process::Socket& socket : state.sockets) {
      const bool is_local = socket.family == "unix" || socket.family == "netlink";
      if (is_local && !options.all) continue;
      const bool listens =
          socket.state == "listen" || (!is_local && !socket.remote && socket.protocol != "tcp");
      if (options.listening && !listens) continue;
      if (!options.remote.empty()) {
        if (!socket.remote) continue;
        if (!remote.address.empty() && socket.remote->address != remote.address) continue;
        if (remote.port && socket.remote->port != *remote.port) continue;
      }
      if (by_process &&
          std::ranges::none_of(socket.holders, [&](const process::Socket::Holder& holder) {
            return pids.contains(holder.pid);
          })) {
        continue;
      }
      Json row = {{"evidence", live->name}};
      row.update(casefile::SocketJson(state, socket, *opened->owners));
      rows.push_back(std::move(row));
    }
  }
  std::vector<Column> columns = {MemberColumn("protocol", "protocol"),
                                 {"local", [](const Json& o) { return EndText(o, "local"); }},
                                 {"remote", [](const Json& o) { return EndText(o, "remote"); }},
                                 MemberColumn("state", "state"),
                                 {"processes", HoldersColumn},
                                 {"pod or container", PodColumn}};
  if (opened->evidence->live().size() > 1) {
    columns.insert(columns.begin(), MemberColumn("evidence", "evidence"));
  }
  return PrintObjects(program, rows, columns);
}

void AddFilters(CLI::App& verb, ProcessesOptions& options) {
  verb.add_option("--pod", options.pod, "of a pod: [namespace/]name, or uid")->type_name("POD");
  verb.add_option("--container", options.container,
                  "of a container: its id, the beginning of one, or its name in the pod")
      ->type_name("ID");
  verb.add_option("--pid", options.pid, "of the process with that number")->type_name("N");
}

}  // namespace

void AddProcessesVerbs(Program& program) {
  const auto options = std::make_shared<ProcessesOptions>();
  CLI::App* processes = program.app.add_subcommand(
      "processes", "what was running, by a collection or checkpoint: the tree, or one process");
  processes->footer(
      "EVIDENCE is a collection, a checkpoint, or a case that has some.\n"
      "--extract takes out what was kept: exe (a deleted program), fd/N (a deleted file that was\n"
      "open), memory (a folder with all of it), memory/START-END (hexadecimal, as --maps shows).\n"
      "Examples:\n"
      "  ekshume processes incident-42 --pod shop/webshop\n"
      "  ekshume processes node.ekc --deleted\n"
      "  ekshume processes node.ekc --pid 4711 --maps\n"
      "  ekshume processes node.ekc --pid 4711 --extract exe --to implant\n"
      "  ekshume processes node.ekc --pid 4711 --extract memory --to 4711.memory");
  program.AddEvidenceOptions(*processes, false);
  AddFilters(*processes, *options);
  processes->add_flag("--deleted", options->deleted, "only those whose executable is deleted");
  processes->add_flag("--maps", options->maps, "the mappings of the process");
  processes->add_flag("--files", options->files, "the open files of the process");
  processes->add_option("--extract", options->extract, "what to take out")->type_name("WHAT");
  processes->add_option("--to", options->target, "where to: nothing may be there yet")
      ->type_name("TARGET");
  program.AddOutputOptions(*processes);
  processes->callback([&program, options] {
    program.action = [&program, options] { return RunProcesses(program, *options); };
  });

  CLI::App* sockets = program.app.add_subcommand(
      "sockets", "connections and listening sockets with their processes, by live evidence");
  sockets->footer(
      "Examples:\n"
      "  ekshume sockets incident-42 --pod shop/webshop\n"
      "  ekshume sockets node.ekc --listening\n"
      "  ekshume sockets node.ekc --remote 192.0.2.8:443");
  program.AddEvidenceOptions(*sockets, false);
  AddFilters(*sockets, *options);
  sockets->add_flag("--listening", options->listening, "only what waits for others");
  sockets->add_option("--remote", options->remote, "only connections with that address, port")
      ->type_name("ADDRESS[:PORT]");
  sockets->add_flag("--all", options->all, "also Unix and netlink sockets");
  program.AddOutputOptions(*sockets);
  sockets->callback([&program, options] {
    program.action = [&program, options] { return RunSockets(program, *options); };
  });
}

}  // namespace ekshume::cli
