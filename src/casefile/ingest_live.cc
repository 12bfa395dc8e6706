// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "base/limits.h"
#include "base/text.h"
#include "casefile/body_file.h"
#include "casefile/ingest.h"
#include "casefile/ingest_feed.h"
#include "casefile/json.h"
#include "casefile/live_json.h"
#include "collection/line_cutter.h"
#include "fs/path.h"

namespace ekshume::casefile {
namespace {

using event::Event;
using event::Number;
using event::Text;

constexpr size_t kMaxCommandBytes = 4096;  // of a sentence
constexpr size_t kReadBytes = size_t{1} << 20;

std::string Shortened(std::string text) {
  if (text.size() <= kMaxCommandBytes) return text;
  text.resize(kMaxCommandBytes);
  return text + "...";
}

class LiveFeed {
 public:
  LiveFeed(const LiveEvidence& live, const runtime::Inventory& inventory, IngestFeed& feed,
           uint32_t item)
      : live_(live), state_(live.state), owners_(inventory), feed_(feed), item_(item) {
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
    for (const process::Records& file : state_.body_files) EKSHUME_TRY(ReadBodyFile(file));
    feed_.Flush();
    for (const process::Records& file : state_.records) EKSHUME_TRY(ReadRecords(file));
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
    event[Text::kNode] = NodeName();
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

  std::string NodeName() const {
    const process::Process nobody;
    return owners_.Of(state_, nobody).node;
  }

  Result<std::unique_ptr<fs::File>> OpenRecords(const process::Records& file) {
    auto opened = live_.archive->OpenFile(file.node);
    if (!opened) {
      feed_.diagnostics().Report(DiagnosticCode::kLogUnreadable,
                                 fmt::format("{}!{}", live_.name, file.member),
                                 opened.error().message);
    }
    return opened;
  }

  // The times of files that came with a bundle.
  Result<void> ReadBodyFile(const process::Records& file) {
    const auto opened = OpenRecords(file);
    if (!opened) return {};
    const std::string evidence = fmt::format("{}!{}", live_.name, file.member);
    collection::LineCutter cutter(limits::kMaxRecordBytes);
    std::string text(kReadBytes, '\0');
    uint64_t number = 0;
    uint64_t unknown = 0;
    size_t events = 0;
    const auto visit = [&](std::string_view line) {
      ++number;
      if (line.empty() || events >= limits::kMaxArtifactEvents) return;
      const auto body = ParseBodyLine(line);
      if (!body) {
        ++unknown;
        return;
      }
      Event& event = Begin("file");
      event[Text::kNode] = node_;
      event.raw = line;
      VisitBodyEvents(*body, event, [&] {
        ++events;
        // The store takes what it is given; the next moment of the line needs it again.
        Event one = event;
        feed_.AddRow(item_, one, evidence, number);
      });
    };
    node_ = NodeName();
    for (uint64_t offset = 0;;) {
      if (feed_.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
      const auto count = (*opened)->ReadAt(offset, AsWritableBytes(text));
      if (!count) {
        feed_.diagnostics().Report(DiagnosticCode::kLogUnreadable, evidence, count.error().message);
      }
      if (!count || *count == 0) break;
      cutter.Feed(std::string_view(text).substr(0, *count), visit);
      offset += *count;
    }
    cutter.Finish(visit);
    if (unknown > 0) {
      feed_.diagnostics().Report(DiagnosticCode::kLogRecordUnknown, evidence,
                                 fmt::format("{} lines that are of no body file", unknown));
    }
    if (events >= limits::kMaxArtifactEvents || cutter.left_out() > 0) {
      feed_.diagnostics().Report(
          DiagnosticCode::kArtifactLimit, evidence,
          fmt::format("its rest (kMaxArtifactEvents), or {} lines that are too long "
                      "(kMaxRecordBytes)",
                      cutter.left_out()));
    }
    return {};
  }

  // Logs that came with a bundle.
  Result<void> ReadRecords(const process::Records& file) {
    if (feed_.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
    const auto opened = OpenRecords(file);
    if (!opened) return {};
    log::FileInput input(**opened);
    log::Stream stream;
    stream.path = file.path;
    const auto stat = live_.archive->GetStat(file.node);
    stream.written = stat ? std::optional(stat->modified) : state_.taken;
    stream.defaults[Text::kNode] = NodeName();
    log::Leaf leaf;
    leaf.evidence = fmt::format("{}!{}", live_.name, file.member);
    leaf.path = file.path;
    Result<void> added = {};
    const Result<void> unpacked = log::Unpack(
        input, (*opened)->size_bytes(), leaf, feed_.diagnostics(), [&](const log::Leaf& inner) {
          if (added) added = feed_.AddLeaf(item_, inner, log::Stream(stream));
        });
    EKSHUME_TRY(std::move(added));
    if (!unpacked) {
      feed_.diagnostics().Report(DiagnosticCode::kLogUnreadable, leaf.evidence,
                                 unpacked.error().message);
    }
    return {};
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
  const ProcessOwners owners_;
  IngestFeed& feed_;
  const uint32_t item_;
  std::map<int64_t, const process::Process*> by_pid_;
  std::optional<std::set<std::pair<uint64_t, int64_t>>> listening_;
  Event event_;
  std::string node_;  // while a body file is read
  uint64_t row_ = 0;
};

// What makes it the same evidence again.
std::string KeyOf(const LiveEvidence& live) {
  std::error_code error;
  const std::filesystem::path path(live.path);
  const auto modified = std::filesystem::last_write_time(path, error);
  const uint64_t size =
      std::filesystem::is_regular_file(path, error) ? std::filesystem::file_size(path, error) : 0;
  std::string key = fmt::format("live\n{}:{}:{}:{}", live.state.format, live.name, size,
                                modified.time_since_epoch().count());
  // With a further part it is other evidence.
  if (live.parts.size() > 1) key += fmt::format("\nparts {}", live.parts.size());
  return key;
}

// What the processes say of who belongs to whom.
std::vector<event::Link> LinksOf(const LiveEvidence& live, const ProcessOwners& owners) {
  std::vector<event::Link> links;
  std::set<std::string> seen;
  for (const process::Process& one : live.state.processes) {
    if (one.container_id.empty() || !seen.insert(one.container_id).second) continue;
    const ProcessOwner owner = owners.Of(live.state, one);
    if (owner.pod_uid.empty()) continue;
    links.push_back({"container_of", "container_id", one.container_id, "pod_uid", owner.pod_uid,
                     live.state.taken, live.state.format});
    if (!owner.pod.empty()) {
      links.push_back({"pod_of", "pod_uid", owner.pod_uid, "pod", owner.pod, live.state.taken,
                       live.state.format});
    }
    if (!owner.node.empty()) {
      links.push_back({"node_of", "pod_uid", owner.pod_uid, "node", owner.node, live.state.taken,
                       live.state.format});
    }
  }
  return links;
}

}  // namespace

Result<IngestSummary> IngestLive(const Evidence& evidence, const runtime::Inventory& inventory,
                                 event::Store& store, DiagnosticSink& diagnostics,
                                 Progress& progress) {
  IngestSummary summary;
  if (evidence.live().empty()) return summary;
  std::vector<const LiveEvidence*> fresh;
  for (const auto& live : evidence.live()) {
    if (store.FindItem(KeyOf(*live))) {
      summary.known.push_back(live->name);
    } else {
      fresh.push_back(live.get());
    }
  }
  if (fresh.empty()) return summary;
  progress.SetStage("reading processes and sockets");
  IngestFeed feed(
      [&](IngestFeed& self) -> Result<void> {
        for (const LiveEvidence* live : fresh) {
          event::Item item;
          item.key = KeyOf(*live);
          item.name = live->name;
          const uint32_t number = self.Begin(std::move(item));
          EKSHUME_TRY(LiveFeed(*live, inventory, self, number).Run());
        }
        return {};
      },
      diagnostics, progress);
  feed.Start();
  Result<void> stored = store.Ingest(feed, [&]() -> Result<std::vector<event::Item>> {
    EKSHUME_TRY(feed.Join());
    summary.items = feed.Items();
    return summary.items;
  });
  static_cast<void>(feed.Join());
  EKSHUME_TRY(std::move(stored));
  const ProcessOwners owners(inventory);
  for (const auto& live : evidence.live()) {
    EKSHUME_TRY(store.AddLinks(LinksOf(*live, owners)));
  }
  return summary;
}

}  // namespace ekshume::casefile
