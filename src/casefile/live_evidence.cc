// SPDX-License-Identifier: Apache-2.0
#include "casefile/live_evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/limits.h"
#include "casefile/file_hash.h"
#include "fs/archive/subtree.h"
#include "fs/path.h"

namespace ekshume::casefile {
namespace {

class ExtentFile final : public fs::File {
 public:
  ExtentFile(std::unique_ptr<fs::File> whole, const process::Extent& extent)
      : whole_(std::move(whole)), extent_(extent) {
    const uint64_t end = extent_.offset_bytes + extent_.length_bytes;
    if (extent_.swapped) return;  // the bytes do not lie there as they are
    for (fs::Run run : whole_->runs()) {
      const uint64_t begin = std::max(run.file_offset_bytes, extent_.offset_bytes);
      const uint64_t run_end = std::min(run.file_offset_bytes + run.length_bytes, end);
      if (begin >= run_end) continue;
      run.device_offset_bytes += begin - run.file_offset_bytes;
      run.file_offset_bytes = begin - extent_.offset_bytes;
      run.length_bytes = run_end - begin;
      runs_.push_back(run);
    }
  }
  uint64_t size_bytes() const override { return extent_.length_bytes; }
  Result<size_t> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    if (offset_bytes >= extent_.length_bytes) return size_t{0};
    const size_t count = std::min<uint64_t>(out.size(), extent_.length_bytes - offset_bytes);
    if (extent_.swapped) return ReadSwapped(offset_bytes, out.first(count));
    return whole_->ReadAt(extent_.offset_bytes + offset_bytes, out.first(count));
  }
  std::span<const fs::Run> runs() const override { return runs_; }

 private:
  // Byte i is byte i^1 of what was kept, but for the last one of an odd number.
  Result<size_t> ReadSwapped(uint64_t offset_bytes, std::span<std::byte> out) const {
    const uint64_t begin = offset_bytes & ~uint64_t{1};
    const uint64_t end = std::min(offset_bytes + out.size() + 1, extent_.length_bytes);
    std::vector<std::byte> kept(static_cast<size_t>(end - begin));
    for (size_t done = 0; done < kept.size();) {
      const size_t count = EKSHUME_TRY(
          whole_->ReadAt(extent_.offset_bytes + begin + done, std::span(kept).subspan(done)));
      if (count == 0) return Fail(ErrorCode::kIo, "it ends early");
      done += count;
    }
    for (size_t i = 0; i < out.size(); ++i) {
      const uint64_t at = offset_bytes + i;
      const bool is_last = (at ^ 1U) >= extent_.length_bytes;
      out[i] = kept[static_cast<size_t>((is_last ? at : at ^ 1U) - begin)];
    }
    return out.size();
  }

  const std::unique_ptr<fs::File> whole_;
  const process::Extent extent_;
  std::vector<fs::Run> runs_;  // of the whole file, as far as they are in the extent
};

// Hashes what was kept of programs, each once: many processes run the same one.
class Hasher {
 public:
  Hasher(LiveEvidence& live, DiagnosticSink& diagnostics, Progress* progress)
      : live_(live), diagnostics_(diagnostics), progress_(progress) {}

  void Run() {
    for (process::Process& one : live_.state.processes) {
      if (progress_ != nullptr && progress_->cancelled()) return;
      if (one.executable_content && one.executable_sha256.empty()) {
        one.executable_sha256 = HashOf(*one.executable_content, one.executable_member);
      }
    }
  }

 private:
  std::string HashOf(const process::Extent& extent, const std::string& member) {
    const auto key = std::pair(extent.file, extent.offset_bytes);
    if (const auto known = known_.find(key); known != known_.end()) return known->second;
    std::string& digest = known_[key];
    const auto file = OpenExtent(live_, extent);
    if (!file) return digest;
    const Result<std::string> hashed = HashFile(**file, progress_);
    if (hashed) {
      digest = *hashed;
    } else if (hashed.error().code != ErrorCode::kCancelled) {
      diagnostics_.Report(hashed.error().code == ErrorCode::kLimit
                              ? DiagnosticCode::kCollectionLimit
                              : DiagnosticCode::kCollectionDamaged,
                          live_.name, fmt::format("{}: {}", member, hashed.error().message));
    }
    return digest;
  }

  LiveEvidence& live_;
  DiagnosticSink& diagnostics_;
  Progress* const progress_;
  std::map<std::pair<fs::NodeId, uint64_t>, std::string> known_;
};

}  // namespace

bool IsLiveTree(const fs::Filesystem& tree) {
  if (process::FindFormat(tree) != nullptr) return true;
  const auto folder = process::OnlyFolder(tree);
  return folder && process::FindFormat(fs::archive::Subtree(tree, *folder)) != nullptr;
}

Result<std::unique_ptr<fs::File>> OpenExtent(const LiveEvidence& live,
                                             const process::Extent& extent) {
  auto whole = EKSHUME_TRY(live.archive->OpenFile(extent.file));
  return std::make_unique<ExtentFile>(std::move(whole), extent);
}

Result<std::unique_ptr<LiveEvidence>> ReadLive(std::unique_ptr<fs::Filesystem> tree,
                                               const std::string& path, std::string name,
                                               DiagnosticSink& diagnostics, Progress* progress) {
  const process::Format* format = process::FindFormat(*tree);
  std::unique_ptr<fs::Filesystem> top;
  if (const auto folder = format == nullptr ? process::OnlyFolder(*tree) : std::nullopt) {
    top = std::make_unique<fs::archive::Subtree>(*tree, *folder);
    format = process::FindFormat(*top);
  }
  if (format == nullptr) {
    return Fail(ErrorCode::kUnsupported,
                name + ": it is neither a collection nor a checkpoint nor another known bundle");
  }
  auto live = std::make_unique<LiveEvidence>();
  live->name = std::move(name);
  live->path = path;
  live->archive = std::move(tree);
  live->top = std::move(top);
  const process::Source source{live->top ? *live->top : *live->archive, live->name};
  live->state = EKSHUME_TRY(format->Read(source, diagnostics));
  Hasher(*live, diagnostics, progress).Run();
  return live;
}

void AddLiveContainers(const std::vector<std::unique_ptr<LiveEvidence>>& live,
                       runtime::Inventory& inventory) {
  if (live.empty()) return;
  const auto find = [&](const std::string& id) {
    return std::ranges::find(inventory.containers, id, &runtime::Container::id);
  };
  for (const auto& one : live) {
    const process::State& state = one->state;
    runtime::NodeIdentity& node = inventory.node;
    if (state.scope == "node") {
      if (node.hostname.empty()) node.hostname = state.hostname;
      if (node.kernel.empty()) node.kernel = state.kernel;
      if (node.machine_id.empty()) node.machine_id = state.machine_id;
    }
    for (const runtime::Container& container : state.containers) {
      if (find(container.id) == inventory.containers.end()) {
        inventory.containers.push_back(container);
      }
    }
    for (const process::Files& files : state.files) {
      if (files.of == process::Files::Of::kHost || files.container_id.empty()) continue;
      auto found = find(files.container_id);
      if (found == inventory.containers.end()) {
        runtime::Container container;
        container.id = files.container_id;
        container.state = runtime::ContainerState::kRunning;
        inventory.containers.push_back(std::move(container));
        found = inventory.containers.end() - 1;
      }
      const runtime::Location place{files.filesystem.get(), ""};
      // What a disk says of the container's files is more than what was taken along.
      if (found->layers.upper || found->native_root) continue;
      if (files.of == process::Files::Of::kContainerLayer) {
        found->layers.upper = place;
      } else {
        found->native_root = place;
      }
    }
    // Containers that only their processes tell of.
    std::set<std::string> seen;
    for (const process::Process& running : state.processes) {
      if (running.container_id.empty() || !seen.insert(running.container_id).second) continue;
      if (find(running.container_id) != inventory.containers.end()) continue;
      if (inventory.containers.size() >= limits::kMaxContainers) break;
      runtime::Container container;
      container.id = running.container_id;
      container.runtime = running.runtime;
      container.state = runtime::ContainerState::kRunning;
      container.recovered = "processes";
      if (!running.pod_uid.empty()) {
        container.pod.emplace();
        container.pod->uid = running.pod_uid;
        container.pod->name = running.pod;
        container.pod->namespace_name = running.name_space;
        container.pod->container = running.container;
      }
      inventory.containers.push_back(std::move(container));
    }
  }
  // A pod that only its containers tell of.
  std::set<std::string> pods;
  for (const runtime::Pod& pod : inventory.pods) pods.insert(pod.uid);
  for (const runtime::Container& container : inventory.containers) {
    if (!container.pod || container.pod->uid.empty()) continue;
    if (!pods.insert(container.pod->uid).second) {
      // Known: a container found beside the disk is one of it.
      for (runtime::Pod& pod : inventory.pods) {
        if (pod.uid != container.pod->uid || container.kind == runtime::ContainerKind::kSandbox) {
          continue;
        }
        if (std::ranges::find(pod.containers, container.id) == pod.containers.end()) {
          pod.containers.push_back(container.id);
          std::ranges::sort(pod.containers);
        }
      }
      continue;
    }
    runtime::Pod pod;
    pod.uid = container.pod->uid;
    pod.name = container.pod->name;
    pod.namespace_name = container.pod->namespace_name;
    pod.containers = {container.id};
    pod.ip_address = container.ip_address;
    pod.created = container.created;
    pod.recovered = "live evidence";
    inventory.pods.push_back(std::move(pod));
  }
}

ProcessOwners::ProcessOwners(const runtime::Inventory& inventory) : inventory_(inventory) {
  for (const runtime::Container& container : inventory.containers) {
    by_id_[container.id] = &container;
  }
  for (const runtime::Pod& pod : inventory.pods) pods_[pod.uid] = &pod;
}

const runtime::Container* ProcessOwners::ContainerOf(const process::Process& process) const {
  const auto found = by_id_.find(process.container_id);
  return process.container_id.empty() || found == by_id_.end() ? nullptr : found->second;
}

ProcessOwner ProcessOwners::Of(const process::State& state, const process::Process& process) const {
  ProcessOwner owner;
  const runtime::NodeIdentity& node = inventory_.node;
  owner.node = node.node_name.empty() ? node.hostname : node.node_name;
  if (owner.node.empty() && state.scope == "node") owner.node = state.hostname;
  owner.cluster = node.cluster;
  owner.container_id = process.container_id;
  owner.pod_uid = process.pod_uid;
  owner.pod = process.pod;
  owner.name_space = process.name_space;
  owner.container = process.container;
  if (const runtime::Container* container = ContainerOf(process)) {
    owner.image = container->image;
    if (container->pod) {
      owner.pod_uid = container->pod->uid;
      if (!container->pod->name.empty()) owner.pod = container->pod->name;
      if (!container->pod->namespace_name.empty()) {
        owner.name_space = container->pod->namespace_name;
      }
      if (!container->pod->container.empty()) owner.container = container->pod->container;
    } else if (owner.container.empty()) {
      owner.container = container->name;
    }
  }
  if (const auto pod = pods_.find(owner.pod_uid); pod != pods_.end()) {
    if (owner.pod.empty()) owner.pod = pod->second->name;
    if (owner.name_space.empty()) owner.name_space = pod->second->namespace_name;
  }
  return owner;
}

}  // namespace ekshume::casefile
