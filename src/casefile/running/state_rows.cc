// SPDX-License-Identifier: Apache-2.0
#include "casefile/running/state_rows.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "casefile/json.h"
#include "casefile/live_json.h"

namespace ekshume::casefile {
namespace {

using event::Event;
using event::Number;
using event::Text;

constexpr size_t kMaxCommandBytes = 4096;  // of a sentence

std::string Shortened(std::string text) {
  if (text.size() <= kMaxCommandBytes) return text;
  text.resize(kMaxCommandBytes);
  return text + "...";
}

class StateRows {
 public:
  StateRows(const LiveEvidence& live, const ProcessOwners& owners, IngestFeed& feed, uint32_t item)
      : live_(live), state_(live.state), owners_(owners), feed_(feed), item_(item) {
    for (const process::Process& one : state_.processes) by_pid_[one.pid] = &one;
  }

  Result<void> Run() {
    for (const process::Process& one : state_.processes) {
      if (feed_.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
      AddProcess(one);
      for (const process::OpenFile& file : one.files) {
        if (file.deleted) AddDeletedFile(one, file);
      }
    }
    for (const process::Socket& socket : state_.sockets) {
      if (feed_.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
      // Unix sockets are by the thousand and lead nowhere; report.json has them.
      if (socket.family != "unix" && socket.family != "netlink") AddSocket(socket);
    }
    for (const process::Flow& flow : state_.flows) AddFlow(flow);
    for (const process::Module& module : state_.modules) AddModule(module);
    return {};
  }

 private:
  Event& Begin(std::string_view source) {
    event_.Clear();
    event_[Text::kSource] = source;
    event_.time = state_.taken;
    event_[Text::kTimeKind] = "Collection Time";
    return event_;
  }

  void FillOwner(const process::Process& one, Event& event) const {
    const ProcessOwner owner = owners_.Of(state_, one);
    event[Text::kNode] = owner.node;
    event[Text::kCluster] = owner.cluster;
    event[Text::kNamespace] = owner.name_space;
    event[Text::kPod] = owner.pod;
    event[Text::kPodUid] = owner.pod_uid;
    event[Text::kContainer] = owner.container;
    event[Text::kContainerId] = owner.container_id;
    event[Text::kImage] = owner.image;
    event[Number::kPid] = one.pid;
    event[Text::kProcess] = one.executable.empty() ? one.name : one.executable;
  }

  void Add(const Json& raw, const std::string& what) {
    event_.raw = Dump(raw);
    feed_.AddRow(item_, event_, fmt::format("{}!{}", live_.name, what), row_++);
  }

  void AddProcess(const process::Process& one) {
    Event& event = Begin("process");
    FillOwner(one, event);
    if (one.start) {
      event.time = one.start;
      event[Text::kTimeKind] = "Start Time";
    }
    event[Text::kAction] = "running";
    event[Text::kObjectKind] = "process";
    event[Text::kObjectName] = one.name;
    if (!one.kernel_thread && !one.arguments.empty()) {
      event[Text::kCommandLine] = process::CommandLine(one);
    }
    event[Text::kPath] = one.executable;
    event[Text::kSha256] = one.executable_sha256;
    event[Text::kUserName] = one.user;
    if (one.user.empty() && one.effective_uid) {
      event[Text::kUserName] = fmt::format("uid {}", *one.effective_uid);
    }
    if (one.executable_deleted) event.AddTag("deleted");
    if (one.hidden) event.AddTag("hidden");
    if (one.kernel_thread) event.AddTag("kernel_thread");
    event[Text::kMessage] = fmt::format(
        "process {} {}{}{} was running{}", one.pid, Shortened(process::CommandLine(one)),
        one.executable.empty() ? std::string() : " (" + one.executable + ")",
        one.executable_deleted ? ", whose executable is deleted," : "",
        one.parent > 0 ? fmt::format(", started by {}", one.parent) : std::string());
    Add(ProcessJson(state_, one, owners_), "processes");
  }

  void AddDeletedFile(const process::Process& one, const process::OpenFile& file) {
    Event& event = Begin("open_file");
    FillOwner(one, event);
    event[Text::kAction] = "open";
    event[Text::kObjectKind] = "file";
    event[Text::kObjectName] = file.path;
    event[Text::kPath] = file.path;
    if (file.size_bytes) event[Number::kSize] = static_cast<int64_t>(*file.size_bytes);
    event.AddTag("deleted");
    event[Text::kMessage] = fmt::format("process {} {} had the deleted file {} open as {}", one.pid,
                                        process::ShortName(one), file.path, file.fd);
    Add(OpenFileJson(one, file), "open_files");
  }

  void AddSocket(const process::Socket& socket) {
    Event& event = Begin("socket");
    const process::Process* holder = nullptr;
    for (const process::Socket::Holder& one : socket.holders) {
      const auto found = by_pid_.find(one.pid);
      if (found != by_pid_.end() && holder == nullptr) holder = found->second;
    }
    if (holder != nullptr) FillOwner(*holder, event);
    const bool listens = socket.state == "listen" || (!socket.remote && socket.protocol != "tcp");
    const bool accepted = !listens && socket.local && IsServed(socket);
    event[Text::kAction] = listens ? "listening" : accepted ? "accepted" : "connected";
    event[Text::kObjectKind] = "socket";
    event[Text::kObjectName] = socket.protocol;
    // By who began it, as flow logs and sensors say it.
    const auto& source = accepted ? socket.remote : socket.local;
    const auto& destination = accepted ? socket.local : socket.remote;
    if (source) {
      event[Text::kSourceIp] = source->address;
      event[Number::kSourcePort] = source->port;
    }
    if (destination) {
      event[Text::kDestinationIp] = destination->address;
      event[Number::kDestinationPort] = destination->port;
    }
    event[Text::kMessage] = fmt::format("{} {}", WhoText(holder, socket), SocketText(socket));
    Add(SocketJson(state_, socket, owners_), "sockets");
  }

  // Whether a socket of the same namespace listens on its local port.
  bool IsServed(const process::Socket& socket) {
    if (!listening_) {
      listening_.emplace();
      for (const process::Socket& one : state_.sockets) {
        if (one.state == "listen" && one.local) {
          listening_->insert({one.network_namespace, one.local->port});
        }
      }
    }
    return listening_->contains({socket.network_namespace, socket.local->port});
  }

  static std::string WhoText(const process::Process* holder, const process::Socket& socket) {
    if (holder == nullptr) {
      return socket.holders.empty() ? "nobody that is left" : "a process that is not listed";
    }
    return fmt::format("process {} {}", holder->pid, process::ShortName(*holder));
  }

  void AddFlow(const process::Flow& flow) {
    Event& event = Begin("conntrack");
    event[Text::kNode] = owners_.NodeOf(state_);
    event[Text::kAction] = "connected";
    event[Text::kObjectKind] = "connection";
    event[Text::kObjectName] = flow.protocol;
    event[Text::kSourceIp] = flow.source.address;
    event[Number::kSourcePort] = flow.source.port;
    event[Text::kDestinationIp] = flow.destination.address;
    event[Number::kDestinationPort] = flow.destination.port;
    event[Text::kMessage] = fmt::format("connection tracking of the node knew {}", FlowText(flow));
    Add(FlowJson(flow), "flows");
  }

  void AddModule(const process::Module& module) {
    Event& event = Begin("kernel_module");
    event[Text::kNode] = state_.hostname;
    event[Text::kAction] = "loaded";
    event[Text::kObjectKind] = "kernel_module";
    event[Text::kObjectName] = module.name;
    if (module.size_bytes) event[Number::kSize] = static_cast<int64_t>(*module.size_bytes);
    event[Text::kMessage] = fmt::format("kernel module {} was loaded{}", module.name,
                                        module.taint.empty() ? "" : " and taints the kernel");
    Add(ModuleJson(module), "modules");
  }

  const LiveEvidence& live_;
  const process::State& state_;
  const ProcessOwners& owners_;
  IngestFeed& feed_;
  const uint32_t item_;
  std::map<int64_t, const process::Process*> by_pid_;
  std::optional<std::set<std::pair<uint64_t, int64_t>>> listening_;
  Event event_;
  uint64_t row_ = 0;
};

}  // namespace

Result<void> AddStateRows(const LiveEvidence& live, const ProcessOwners& owners, IngestFeed& feed,
                          uint32_t item) {
  return StateRows(live, owners, feed, item).Run();
}

}  // namespace ekshume::casefile
