// SPDX-License-Identifier: Apache-2.0
#include "casefile/live_evidence.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "casefile/extent_file.h"
#include "casefile/file_hash.h"
#include "fs/archive/subtree.h"

namespace ekshume::casefile {
namespace {

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

}  // namespace ekshume::casefile
