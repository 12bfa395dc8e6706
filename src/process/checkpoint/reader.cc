// SPDX-License-Identifier: Apache-2.0
#include "process/checkpoint/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/limits.h"
#include "base/protobuf.h"
#include "fs/archive/file_image.h"
#include "fs/archive/tar.h"
#include "fs/path.h"
#include "process/checkpoint/container.h"
#include "process/checkpoint/files.h"
#include "process/checkpoint/format.h"
#include "process/checkpoint/image_file.h"
#include "process/checkpoint/task.h"
#include "runtime/json.h"

namespace ekshume::process::checkpoint {
namespace {

constexpr std::string_view kRootfsDiff = "rootfs-diff.tar";
constexpr std::string_view kDeletedFiles = "deleted.files";

class CheckpointReader {
 public:
  CheckpointReader(const Source& source, DiagnosticSink& diagnostics)
      : source_(source), diagnostics_(diagnostics) {}

  Result<State> Run() {
    state_.format = "checkpoint";
    state_.scope = "container";
    if (std::optional<ContainerRecord> record = ReadContainer(source_, diagnostics_)) {
      state_.taken = record->checkpointed;
      state_.tool = record->container.runtime.empty() ? "CRIU" : record->container.runtime;
      state_.containers.push_back(std::move(record->container));
    }
    folder_ = fs::Exists(source_.tree, "checkpoint", fs::NodeType::kDirectory) ? "checkpoint" : "";
    ReadProcesses();
    ReadHostname();
    ReadTimeOfDump();
    ReadDeleted();
    ReadRootfs();
    if (state_.processes.empty()) {
      diagnostics_.Report(DiagnosticCode::kCheckpointDamaged, source_.name,
                          "no process is in it: CRIU's image files are missing");
    }
    Complete(state_);
    return std::move(state_);
  }

 private:
  void ReadProcesses() {
    FileRecords files = ReadFiles(source_, folder_, diagnostics_);
    VisitEntries(source_, folder_, "pstree.img", kPstreeMagic, diagnostics_,
                 [this](std::string_view message) { AddProcess(message); });
    for (Process& process : state_.processes) {
      ReadTask(source_, folder_, files, process, diagnostics_);
    }
    for (auto& [id, record] : files) {
      if (record.socket) state_.sockets.push_back(*std::move(record.socket));
    }
  }

  void AddProcess(std::string_view message) {
    Process process;
    std::vector<uint64_t> threads;
    WireReader fields(message);
    for (WireField field; fields.Next(field);) {
      if (field.number == pstree::kPid) process.pid = static_cast<int64_t>(field.value);
      if (field.number == pstree::kPpid) process.parent = static_cast<int64_t>(field.value);
      if (field.number == pstree::kThreads) AddNumbers(field, threads);
    }
    if (fields.damaged() || process.pid <= 0) {
      diagnostics_.Report(DiagnosticCode::kCheckpointDamaged, source_.name,
                          "pstree.img: an entry makes no sense");
      return;
    }
    if (state_.processes.size() >= limits::kMaxProcesses) {
      diagnostics_.Report(DiagnosticCode::kCollectionLimit, source_.name,
                          "further processes (kMaxProcesses)");
      return;
    }
    if (!seen_.insert(process.pid).second) {
      diagnostics_.Report(DiagnosticCode::kCheckpointDamaged, source_.name,
                          fmt::format("pstree.img: process {} is there twice", process.pid));
      return;
    }
    process.threads = static_cast<int64_t>(threads.size());
    state_.processes.push_back(std::move(process));
  }

  // utsns-N.img; N is the namespace's number, of which there is one as a rule.
  void ReadHostname() {
    const auto node = fs::ResolvePath(source_.tree, folder_);
    if (!node) return;
    const auto entries = fs::ListDirectory(source_.tree, *node);
    if (!entries) return;
    for (const fs::DirectoryEntry& entry : *entries) {
      if (!entry.name.starts_with("utsns-") || !entry.name.ends_with(".img")) continue;
      VisitEntries(source_, folder_, entry.name, kUtsnsMagic, diagnostics_,
                   [this](std::string_view message) {
                     WireReader fields(message);
                     for (WireField field; fields.Next(field);) {
                       if (field.number == kNodename && state_.hostname.empty()) {
                         state_.hostname = std::string(field.bytes);
                       }
                     }
                   });
    }
  }

  // An archive without config.dump says when it was made only by its members' times.
  void ReadTimeOfDump() {
    if (state_.taken) return;
    const auto node = fs::ResolvePath(source_.tree, fs::JoinPath(folder_, "pstree.img"));
    if (!node) return;
    const auto stat = source_.tree.GetStat(*node);
    if (stat && stat->modified.seconds > 0) state_.taken = stat->modified;
  }

  // A JSON list of paths in the container.
  void ReadDeleted() {
    const auto text = fs::ReadWholeFile(source_.tree, kDeletedFiles, limits::kMaxDocumentBytes);
    if (!text) return;
    const auto json = runtime::ParseJson(*text);
    if (!json || !json->is_array()) {
      diagnostics_.Report(DiagnosticCode::kCheckpointDamaged, source_.name,
                          "deleted.files: it is no list of paths");
      return;
    }
    for (const std::string& path : runtime::Texts(*json)) {
      if (state_.deleted_paths.size() >= limits::kMaxArtifactFiles) break;
      state_.deleted_paths.push_back(path.starts_with('/') ? path : "/" + path);
    }
  }

  void ReadRootfs() {
    const auto node = fs::ResolvePath(source_.tree, kRootfsDiff);
    if (!node) return;
    auto file = source_.tree.OpenFile(*node);
    if (!file || (*file)->size_bytes() == 0) return;
    Files files;
    files.of = Files::Of::kContainerLayer;
    files.name = kRootfsDiff;
    if (!state_.containers.empty()) files.container_id = state_.containers.front().id;
    const std::string name = fmt::format("{}!{}", source_.name, kRootfsDiff);
    files.image = std::make_unique<fs::archive::FileImage>(*std::move(file), name);
    fs::archive::TarOptions options;
    options.is_layer = true;
    auto tree = fs::archive::OpenTar(*files.image, name, diagnostics_, options);
    if (!tree) {
      diagnostics_.Report(DiagnosticCode::kCheckpointDamaged, source_.name,
                          fmt::format("{}: {}", kRootfsDiff, tree.error().message));
      return;
    }
    files.filesystem = *std::move(tree);
    state_.files.push_back(std::move(files));
  }

  const Source& source_;
  DiagnosticSink& diagnostics_;
  std::string folder_;
  std::set<int64_t> seen_;
  State state_;
};

class Checkpoint final : public Format {
 public:
  std::string_view name() const override { return "checkpoint"; }
  std::string_view description() const override {
    return "CRIU checkpoints of Podman, CRI-O, containerd and the kubelet";
  }
  std::span<const std::string_view> marks() const override {
    static constexpr std::array<std::string_view, 4> kMarks = {
        "checkpoint/pstree.img", "spec.dump", "pstree.img", "checkpoint/inventory.img"};
    return kMarks;
  }
  Result<State> Read(const Source& source, DiagnosticSink& diagnostics) const override {
    return CheckpointReader(source, diagnostics).Run();
  }
};

}  // namespace

const Format& CheckpointFormat() {
  static const Checkpoint format;
  return format;
}

}  // namespace ekshume::process::checkpoint
