// SPDX-License-Identifier: Apache-2.0
#include "casefile/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "casefile/collection_evidence.h"
#include "casefile/live_containers.h"
#include "fs/archive/format.h"
#include "fs/archive/tar.h"
#include "fs/archive/zip.h"
#include "fs/folder/folder.h"
#include "fs/format.h"
#include "fs/path.h"
#include "image/evidence_file.h"
#include "image/raw/reader.h"

namespace ekshume::casefile {
namespace {

std::string BaseName(const std::string& path) {
  const std::string name = std::filesystem::path(path).lexically_normal().filename().string();
  return name.empty() ? path : name;
}

// Higher is more likely the root filesystem of a node.
int RootScore(const fs::Filesystem& filesystem) {
  int score = 0;
  const auto directory = [&](std::string_view path) {
    return fs::Exists(filesystem, path, fs::NodeType::kDirectory);
  };
  if (directory("/etc")) score += 4;
  if (fs::Exists(filesystem, "/etc/os-release", fs::NodeType::kRegular)) score += 8;
  if (directory("/usr")) score += 2;
  if (directory("/var/lib")) score += 2;
  return score;
}

// An extended partition of an MBR is only a frame around logical ones.
bool IsFrame(const volume::Partition& partition) {
  return partition.type == "0x05" || partition.type == "0x0f" || partition.type == "0x85";
}

bool IsArchive(const image::Image& image) {
  const uint64_t size = std::min<uint64_t>(image.size_bytes(), fs::archive::kTarBlockBytes);
  const auto head = image::ReadBytes(image, 0, static_cast<size_t>(size));
  return head && fs::archive::IsTar(ByteView(*head));
}

// A zip archive as it is stored, when it is evidence of a running system; null for all other files.
std::unique_ptr<image::Image> OpenLiveZip(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return nullptr;
  auto file = image::EvidenceFile::Open(path);
  if (!file) return nullptr;
  auto image = std::make_unique<image::raw::RawImage>(*std::move(file));
  const uint64_t size = std::min<uint64_t>(image->size_bytes(), sizeof(uint32_t));
  const auto head = image::ReadBytes(*image, 0, static_cast<size_t>(size));
  if (!head || !fs::archive::IsZip(ByteView(*head))) return nullptr;
  DiagnosticSink ignored;  // it is opened again
  const auto tree = fs::archive::OpenZip(*image, path, ignored);
  if (!tree || !IsLiveTree(**tree)) return nullptr;
  return image;
}

// Partitions that hold no filesystem of interest on any node: not worth a notice.
bool IsBootOnly(const volume::Partition& partition) {
  return partition.type_name == "BIOS boot" || partition.type_name == "EFI system" ||
         partition.type_name == "Linux swap";
}

// A collection whose frames are gone still has its manifest.
Result<void> CheckUnpacked(const fs::Filesystem& tree, const std::string& name,
                           const EvidenceOptions& options, DiagnosticSink& diagnostics) {
  const process::Format* format = process::FindFormat(tree);
  if (format == nullptr || format->name() != "collection") return {};
  return CheckManifest(tree, name, diagnostics, options.progress);
}

}  // namespace

Result<std::unique_ptr<Evidence>> Evidence::Open(const std::vector<std::string>& paths,
                                                 const EvidenceOptions& options,
                                                 DiagnosticSink& diagnostics) {
  std::unique_ptr<Evidence> evidence(new Evidence());
  // Volumes hold references into disks: no reallocation after the first.
  evidence->disks_.reserve(paths.size());
  for (const std::string& path : paths) {
    std::error_code error;
    const bool is_remote = options.remote != nullptr && options.remote->Recognises(path);
    const bool is_folder = !is_remote && std::filesystem::is_directory(path, error);
    EKSHUME_TRY(is_folder ? evidence->AddFolder(path, options, diagnostics)
                          : evidence->AddImage(path, options, diagnostics));
  }
  const bool any_readable = std::ranges::any_of(
      evidence->volumes_, [](const Volume& v) { return v.filesystem != nullptr; });
  if (!any_readable && evidence->live_.empty()) {
    std::string reasons;
    for (const Volume& volume : evidence->volumes_) {
      if (IsBootOnly(volume.partition) && evidence->volumes_.size() > 1) continue;
      reasons += (reasons.empty() ? "" : "; ") + volume.problem;
    }
    return Fail(ErrorCode::kUnsupported, reasons.empty() ? "no filesystem found" : reasons);
  }
  return evidence;
}

Result<void> Evidence::AddImage(const std::string& path, const EvidenceOptions& options,
                                DiagnosticSink& diagnostics) {
  const bool is_remote = options.remote != nullptr && options.remote->Recognises(path);
  if (!is_remote && IsCollectionFile(path)) return AddCollection(path, options, diagnostics);
  if (auto zip = is_remote ? nullptr : OpenLiveZip(path)) {
    Disk disk;
    disk.path = path;
    disk.opened.format = "zip";
    disk.opened.files = {path};
    disk.opened.stored_bytes = zip->size_bytes();
    disk.opened.image = std::move(zip);
    disks_.push_back(std::move(disk));
    auto tree =
        EKSHUME_TRY(fs::archive::OpenZip(*disks_.back().opened.image, BaseName(path), diagnostics));
    EKSHUME_TRY(CheckUnpacked(*tree, BaseName(path), options, diagnostics));
    return AddLive(std::move(tree), path, disks_.size() - 1, options, diagnostics);
  }
  image::OpenOptions open_options;
  open_options.diagnostics = &diagnostics;
  open_options.scratch = options.scratch;
  open_options.progress = options.progress;
  Disk disk;
  disk.path = path;
  disk.opened = is_remote ? EKSHUME_TRY(options.remote->Open(path, open_options))
                          : EKSHUME_TRY(image::Open(path, open_options));
  if (IsArchive(*disk.opened.image)) {
    disks_.push_back(std::move(disk));
    const image::Image& image = *disks_.back().opened.image;
    auto tree = EKSHUME_TRY(fs::archive::OpenTar(image, BaseName(path), diagnostics));
    EKSHUME_TRY(CheckUnpacked(*tree, BaseName(path), options, diagnostics));
    return AddLive(std::move(tree), path, disks_.size() - 1, options, diagnostics);
  }
  disk.table = EKSHUME_TRY(volume::ReadPartitionTable(*disk.opened.image, diagnostics));
  disks_.push_back(std::move(disk));
  const Disk& kept = disks_.back();
  for (const volume::Partition& partition : kept.table.partitions) {
    if (IsFrame(partition)) continue;
    Volume volume;
    volume.disk = disks_.size() - 1;
    volume.partition = partition;
    volume.name = partition.number == 0
                      ? BaseName(path)
                      : fmt::format("{} partition {}", BaseName(path), partition.number);
    volume.device = image::MakeSlice(*kept.opened.image, partition.offset_bytes,
                                     partition.size_bytes, volume.name);
    fs::OpenOptions fs_options;
    fs_options.diagnostics = &diagnostics;
    fs_options.raw = options.raw;
    fs_options.force = options.force;
    auto filesystem = fs::Open(*volume.device, fs_options);
    if (filesystem) {
      volume.filesystem = *std::move(filesystem);
    } else {
      volume.problem = filesystem.error().message;
      const bool nothing_known = filesystem.error().code == ErrorCode::kUnsupported &&
                                 fs::Sniff(*volume.device) == nullptr;
      if (!nothing_known) {
        diagnostics.Report(DiagnosticCode::kFilesystemUnreadable, volume.name, volume.problem);
      } else if (!IsBootOnly(partition)) {
        diagnostics.Report(DiagnosticCode::kPartitionUnreadable, volume.name, volume.problem);
      }
    }
    volumes_.push_back(std::move(volume));
  }
  return {};
}

Result<void> Evidence::AddCollection(const std::string& path, const EvidenceOptions& options,
                                     DiagnosticSink& diagnostics) {
  const auto same_file = [&](const std::string& other) {
    std::error_code error;
    return std::filesystem::equivalent(path, other, error);
  };
  for (const auto& live : live_) {
    if (std::ranges::any_of(live->parts, same_file)) return {};  // came in with another part
  }
  const std::vector<std::string> parts = PartsOfCollection(path, diagnostics);
  auto image = EKSHUME_TRY(OpenCollection(parts, BaseName(path), diagnostics, options.progress));
  auto tree = image->Tree(diagnostics);
  Disk disk;
  disk.path = path;
  disk.opened.format = "collection";
  disk.opened.files = parts;
  for (const std::string& part : parts) {
    std::error_code error;
    const uint64_t size = std::filesystem::file_size(part, error);
    if (!error) disk.opened.stored_bytes += size;
  }
  disk.opened.image = std::move(image);
  disks_.push_back(std::move(disk));
  EKSHUME_TRY(AddLive(std::move(tree), path, disks_.size() - 1, options, diagnostics));
  live_.back()->parts = parts;
  return {};
}

Result<void> Evidence::AddFolder(const std::string& path, const EvidenceOptions& options,
                                 DiagnosticSink& diagnostics) {
  auto tree = EKSHUME_TRY(fs::OpenFolder(path, diagnostics));
  if (IsLiveTree(*tree)) {
    EKSHUME_TRY(CheckUnpacked(*tree, BaseName(path), options, diagnostics));
    return AddLive(std::move(tree), path, std::nullopt, options, diagnostics);
  }
  Volume volume;
  volume.name = path;
  volume.filesystem = std::move(tree);
  volumes_.push_back(std::move(volume));
  return {};
}

Result<void> Evidence::AddLive(std::unique_ptr<fs::Filesystem> tree, const std::string& path,
                               std::optional<size_t> disk, const EvidenceOptions& options,
                               DiagnosticSink& diagnostics) {
  auto live =
      EKSHUME_TRY(ReadLive(std::move(tree), path, BaseName(path), diagnostics, options.progress));
  for (process::Files& files : live->state.files) {
    // A container's files are a container's, not the host's: AddLiveContainers() gives them to it.
    if (files.of != process::Files::Of::kHost) continue;
    Volume volume;
    volume.name = fmt::format("{}!{}", live->name, files.name);
    volume.disk = disk;
    volume.filesystem = std::move(files.filesystem);
    volume.is_of_live = true;
    volumes_.push_back(std::move(volume));
  }
  std::erase_if(live->state.files,
                [](const process::Files& files) { return files.filesystem == nullptr; });
  live_.push_back(std::move(live));
  return {};
}

runtime::NodeFilesystems Evidence::filesystems() const {
  runtime::NodeFilesystems node;
  for (const Volume& volume : volumes_) {
    if (volume.filesystem) node.filesystems.push_back(volume.filesystem.get());
  }
  return node;
}

Result<const Volume*> Evidence::Select(std::optional<int> partition) const {
  if (partition) {
    for (const Volume& volume : volumes_) {
      if (volume.partition.number != *partition || !volume.disk) continue;
      if (!volume.filesystem) return Fail(ErrorCode::kUnsupported, volume.problem);
      return &volume;
    }
    return Fail(ErrorCode::kInvalidArgument, fmt::format("there is no partition {}", *partition));
  }
  const Volume* best = nullptr;
  std::pair<int, uint64_t> best_score;
  for (const Volume& volume : volumes_) {
    if (!volume.filesystem) continue;
    const std::pair score(RootScore(*volume.filesystem), volume.filesystem->info().total_bytes);
    if (best == nullptr || score > best_score) {
      best = &volume;
      best_score = score;
    }
  }
  if (best == nullptr) return Fail(ErrorCode::kUnsupported, "no filesystem could be read");
  return best;
}

const Volume* Evidence::VolumeOf(const fs::Filesystem* filesystem) const {
  for (const Volume& volume : volumes_) {
    if (volume.filesystem.get() == filesystem) return &volume;
  }
  return nullptr;
}

std::vector<std::string> Evidence::files() const {
  std::vector<std::string> all;
  for (const Disk& disk : disks_) {
    all.insert(all.end(), disk.opened.files.begin(), disk.opened.files.end());
  }
  return all;
}

runtime::Inventory ReadInventory(const Evidence& evidence, DiagnosticSink& diagnostics) {
  runtime::Inventory inventory = runtime::ReadNode(evidence.filesystems(), diagnostics);
  AddLiveContainers(evidence.live(), inventory);
  return inventory;
}

}  // namespace ekshume::casefile
