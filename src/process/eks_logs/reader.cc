// SPDX-License-Identifier: Apache-2.0
#include "process/eks_logs/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "fs/path.h"
#include "fs/walk.h"
#include "process/command_output.h"
#include "runtime/json.h"

namespace ekshume::process::eks_logs {
namespace {

// awslabs/amazon-eks-ami, log-collector-script/linux: where its functions put what they collect.
constexpr std::string_view kVarLog = "var_log";
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kJournals = {{
    {"kubelet/kubelet.log", "/var/log/kubelet.log"},
    {"docker/docker.log", "/var/log/docker.log"},
    {"containerd/containerd-log.txt", "/var/log/containerd.log"},
    {"sandbox-image/sandbox-image-log.txt", "/var/log/sandbox-image.log"},
    {"networking/configure-multicard-interfaces.txt",
     "/var/log/configure-multicard-interfaces.log"},
    {"soci-snapshotter/soci-snapshotter-log.txt", "/var/log/soci-snapshotter.log"},
    {"nodeadm/nodeadm-config.log", "/var/log/nodeadm-config.log"},
    {"nodeadm/nodeadm-run.log", "/var/log/nodeadm-run.log"},
}};
constexpr size_t kIdBytes = 64;  // of a container's id

bool IsId(std::string_view text) {
  return text.size() == kIdBytes &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Where a file of var_log lay on the node: the collector copies the folders of pods and the links
// to containers' logs there too.
std::string HostPath(std::string_view below) {
  const std::string_view first = below.substr(0, below.find('/'));
  const size_t file = below.rfind('/');
  if (std::ranges::count(first, '_') >= 2 && file != std::string_view::npos) {
    return fmt::format("/var/log/pods/{}", below);
  }
  if (first == below && first.ends_with(".log") && first.size() > kIdBytes + 5 &&
      IsId(first.substr(first.size() - kIdBytes - 4, kIdBytes))) {
    return fmt::format("/var/log/containers/{}", below);
  }
  return fmt::format("/var/log/{}", below);
}

class EksLogsReader {
 public:
  EksLogsReader(const Source& source, DiagnosticSink& diagnostics)
      : source_(source), diagnostics_(diagnostics), output_(source, state_, diagnostics) {}

  Result<State> Run() {
    state_.format = "eks-log-collector";
    state_.tool = "eks-log-collector";
    state_.scope = "node";
    FindTime();
    output_.ReadUname("kernel/uname.txt");
    output_.ReadSystemStat("system/procstat.txt");
    output_.ReadStat("system/allprocstat.txt");
    output_.ReadPs("system/ps.txt");
    output_.ReadPs("system/ps-threads.txt");
    output_.ReadNetstat("system/netstat.txt");
    output_.ReadNetstat("networking/netstat.txt");
    output_.ReadConntrack("networking/conntrack.txt");
    output_.ReadConntrack("networking/conntrack6.txt");
    output_.ReadMounts("storage/mounts.txt");
    output_.ReadModules("kernel/modules.txt");
    ReadContainers();
    ReadDockerContainers();
    ReadTasks();
    ReadPodAddresses();
    FindRecords();
    Attribute();
    output_.Finish();
    CountNotRead(
        source_, [this](std::string_view path) { return output_.read().contains(path); }, state_,
        diagnostics_);
    return std::move(state_);
  }

 private:
  // Nothing in the bundle says when it was made; the files that commands wrote do.
  void FindTime() {
    for (const std::string_view path :
         {"system/ps.txt", "system/netstat.txt", "kernel/uname.txt"}) {
      const auto node = fs::ResolvePath(source_.tree, path, fs::FollowLast::kNo);
      const auto stat = node ? source_.tree.GetStat(*node) : Result<fs::Stat>(node.error());
      if (!stat) continue;
      state_.taken = stat->modified;
      return;
    }
  }

  runtime::Container* ContainerOf(std::string_view id, std::string_view runtime) {
    const auto found = std::ranges::find(state_.containers, id, &runtime::Container::id);
    if (found != state_.containers.end()) return &*found;
    if (state_.containers.size() >= limits::kMaxContainers) {
      diagnostics_.Report(DiagnosticCode::kCollectionLimit, source_.name,
                          "further containers (kMaxContainers)");
      return nullptr;
    }
    runtime::Container& container = state_.containers.emplace_back();
    container.id = id;
    container.runtime = runtime;
    container.recovered = "log collector";
    return &container;
  }

  // ctr containers list: CONTAINER IMAGE RUNTIME
  void ReadContainers() {
    output_.Lines("containerd/containerd-containers.txt", [this](std::string_view line) {
      const auto words = Words(line);
      if (words.empty() || words[0] == "CONTAINER") return;
      if (words.size() < 3) return output_.NotUnderstood();
      if (runtime::Container* container = ContainerOf(words[0], "containerd")) {
        if (words[1] != "-") container->image = words[1];
      }
    });
  }

  // docker ps --all --no-trunc: the id first, the image second, the name last.
  void ReadDockerContainers() {
    output_.Lines("docker/docker-ps.txt", [this](std::string_view line) {
      const auto words = Words(line);
      if (words.empty() || words[0] == "CONTAINER") return;
      if (words.size() < 4 || !IsId(words[0])) return output_.NotUnderstood();
      runtime::Container* container = ContainerOf(words[0], "docker");
      if (container == nullptr) return;
      container->image = words[1];
      container->name = words.back();
      // k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT
      const auto parts = SplitNonEmpty(words.back(), '_');
      if (parts.size() != 6 || parts[0] != "k8s") return;
      runtime::PodReference& pod = container->pod.emplace();
      pod.container = parts[1];
      pod.name = parts[2];
      pod.namespace_name = parts[3];
      pod.uid = parts[4];
      if (parts[1] == "POD") container->kind = runtime::ContainerKind::kSandbox;
    });
  }

  // ctr tasks list: TASK PID STATUS
  void ReadTasks() {
    output_.Lines("containerd/containerd-tasks.txt", [this](std::string_view line) {
      const auto words = Words(line);
      if (words.empty() || words[0] == "TASK") return;
      const auto pid = words.size() >= 3 ? DecimalOf(words[1]) : std::nullopt;
      if (!pid) return output_.NotUnderstood();
      runtime::Container* container = ContainerOf(words[0], "containerd");
      if (container == nullptr) return;
      const bool runs = words[2] == "RUNNING" || words[2] == "PAUSED";
      container->state =
          runs ? runtime::ContainerState::kRunning : runtime::ContainerState::kExited;
      if (!runs || *pid <= 0) return;
      container->pid = *pid;
      task_of_[*pid] = container->id;
    });
  }

  // The addresses that the VPC CNI gave to sandboxes (aws/amazon-vpc-cni-k8s, its checkpoint).
  void ReadPodAddresses() {
    constexpr std::string_view kPath = "ipamd/ipam.json";
    const auto text = fs::ReadWholeFile(source_.tree, kPath, limits::kMaxDocumentBytes);
    if (!text) return;
    const auto json = runtime::ParseJson(*text);
    if (!json) {
      diagnostics_.Report(DiagnosticCode::kCollectionDamaged, source_.name,
                          fmt::format("{}: {}", kPath, json.error().message));
      return;
    }
    output_.MarkRead(kPath);
    const runtime::Json& allocations = runtime::Member(*json, "allocations");
    for (size_t i = 0; allocations.is_array() && i < allocations.size(); ++i) {
      const runtime::Json& one = allocations[i];
      const std::string id = runtime::Text(runtime::Member(one, "containerID"));
      const std::string pod = runtime::Text(runtime::Member(one, "metadata", "k8sPodName"));
      if (id.empty()) continue;
      runtime::Container* container = ContainerOf(id, "containerd");
      if (container == nullptr) return;
      container->kind = runtime::ContainerKind::kSandbox;
      container->ip_address = runtime::Text(runtime::Member(one, "ipv4"));
      if (container->ip_address.empty()) {
        container->ip_address = runtime::Text(runtime::Member(one, "ipv6"));
      }
      const auto given = runtime::Integer(runtime::Member(one, "allocationTimestamp"));
      if (given && *given > 0) container->created = TimestampFromNanoseconds(*given);
      if (pod.empty() || container->pod) continue;
      container->pod.emplace();
      container->pod->name = pod;
      container->pod->namespace_name =
          runtime::Text(runtime::Member(one, "metadata", "k8sPodNamespace"));
    }
  }

  void AddRecords(std::string_view member, std::string path, fs::NodeId node) {
    if (state_.records.size() >= limits::kMaxArtifactFiles) {
      diagnostics_.Report(DiagnosticCode::kCollectionLimit, source_.name,
                          "further logs (kMaxArtifactFiles)");
      return;
    }
    state_.records.push_back({std::string(member), std::move(path), node});
    output_.MarkRead(member);
  }

  void FindRecords() {
    for (const auto& [member, path] : kJournals) {
      const auto node = fs::ResolvePath(source_.tree, member, fs::FollowLast::kNo);
      if (node) AddRecords(member, std::string(path), *node);
    }
    const auto folder = fs::ResolvePath(source_.tree, kVarLog, fs::FollowLast::kNo);
    if (!folder) return;
    const auto walked =
        fs::Walk(source_.tree, *folder, diagnostics_, [&](const fs::WalkItem& item) {
          if (item.stat.type == fs::NodeType::kRegular && item.stat.size_bytes > 0) {
            AddRecords(fmt::format("{}/{}", kVarLog, item.path), HostPath(item.path), item.node);
          }
          return fs::WalkStep::kContinue;
        });
    if (!walked) {
      diagnostics_.Report(DiagnosticCode::kCollectionDamaged, source_.name,
                          fmt::format("{}: {}", kVarLog, walked.error().message));
    }
  }

  // A process belongs to the container whose first process it descends from.
  void Attribute() {
    output_.VisitProcesses([&](Process& process) {
      int64_t pid = process.pid;
      for (int hops = 0; hops < kMaxAncestors && pid > 1; ++hops) {
        const auto task = task_of_.find(pid);
        if (task != task_of_.end()) {
          process.container_id = task->second;
          process.runtime = "containerd";
          return;
        }
        pid = output_.ParentOf(pid);
      }
    });
  }

  static constexpr int kMaxAncestors = 1000;

  const Source& source_;
  DiagnosticSink& diagnostics_;
  State state_;
  CommandOutput output_;
  std::map<int64_t, std::string> task_of_;
};

class EksLogs final : public Format {
 public:
  std::string_view name() const override { return "eks-log-collector"; }
  std::string_view description() const override {
    return "what the log collector of the EKS AMI packed on a node (eks_i-..._....tar.gz)";
  }
  std::span<const std::string_view> marks() const override {
    static constexpr std::array<std::string_view, 5> kMarks = {
        "system/allprocstat.txt", "system/ps-threads.txt", "system/instance-id.txt",
        "ipamd/ipam.json", "containerd/containerd-tasks.txt"};
    return kMarks;
  }
  Result<State> Read(const Source& source, DiagnosticSink& diagnostics) const override {
    return EksLogsReader(source, diagnostics).Run();
  }
};

}  // namespace

const Format& EksLogsFormat() {
  static const EksLogs format;
  return format;
}

}  // namespace ekshume::process::eks_logs
