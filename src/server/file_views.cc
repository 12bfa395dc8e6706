// SPDX-License-Identifier: Apache-2.0
#include "server/file_views.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>

#include "casefile/container_view.h"
#include "casefile/evidence_kind.h"
#include "server/limits.h"

namespace ekshume::server {
namespace {

void AddChange(FileViews::View& view, casefile::ContainerChange change) {
  std::string path = "/" + change.entry.path;
  if (!change.is_mount_point) {
    for (size_t slash = path.rfind('/'); slash != std::string::npos;
         slash = slash == 0 ? std::string::npos : path.rfind('/', slash - 1)) {
      ++view.changes_below[slash == 0 ? "/" : path.substr(0, slash)];
    }
  }
  view.changes.emplace(std::move(path), std::move(change));
}

Result<std::optional<int>> PartitionOf(std::string_view text) {
  if (text.empty()) return std::optional<int>();
  int number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{} is no partition", text));
  }
  return std::optional<int>(number);
}

}  // namespace

Result<const FileViews::Opened*> FileViews::OpenEvidence() {
  const std::lock_guard lock(mutex_);
  return OpenedEvidence();
}

void FileViews::SetEvidence(std::vector<std::string> paths) {
  const std::lock_guard lock(mutex_);
  if (paths == paths_) return;
  paths_ = std::move(paths);
  kept_.clear();
  if (opened_) retired_.push_back(std::move(opened_));
}

Result<const FileViews::Opened*> FileViews::OpenedEvidence() {
  if (opened_) return opened_.get();
  std::vector<std::string> disks;
  for (const std::string& path : paths_) {
    std::error_code error;
    const bool is_remote = remote_ != nullptr && remote_->Recognises(path);
    if (!is_remote && !std::filesystem::exists(path, error)) continue;
    if (is_remote ||
        EKSHUME_TRY(casefile::ClassifyEvidence(path)) == casefile::EvidenceKind::kNode) {
      disks.push_back(path);
    }
  }
  if (disks.empty()) {
    return Fail(ErrorCode::kNotFound,
                "no disk of this case is here: it was made from logs only, or its evidence moved");
  }
  casefile::EvidenceOptions options;
  options.scratch = &case_.scratch();
  options.remote = remote_;
  auto opened = std::make_unique<Opened>();
  opened->evidence = EKSHUME_TRY(casefile::Evidence::Open(disks, options, diagnostics_));
  opened->inventory = casefile::ReadInventory(*opened->evidence, diagnostics_);
  opened_ = std::move(opened);
  return opened_.get();
}

Result<std::shared_ptr<const FileViews::View>> FileViews::Open(const std::string& place) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(kept_, place, [](const auto& pair) { return pair.first; });
  if (found != kept_.end()) {
    std::rotate(kept_.begin(), found, found + 1);
    return kept_.front().second;
  }
  const auto view = EKSHUME_TRY(Make(place));
  kept_.emplace_front(place, view);
  if (kept_.size() > limits::kKeptViews) kept_.pop_back();
  return view;
}

Result<std::shared_ptr<const FileViews::View>> FileViews::Make(const std::string& place) {
  const size_t colon = place.find(':');
  const std::string kind = place.substr(0, colon);
  const std::string name = colon == std::string::npos ? "" : place.substr(colon + 1);
  const Opened* opened = EKSHUME_TRY(OpenedEvidence());
  auto view = std::make_shared<View>();
  if (kind == "host") {
    const std::optional<int> partition = EKSHUME_TRY(PartitionOf(name));
    const casefile::Volume* volume = EKSHUME_TRY(opened->evidence->Select(partition));
    view->filesystem = volume->filesystem.get();
  } else if (kind == "container") {
    const runtime::Container* container =
        EKSHUME_TRY(casefile::FindContainer(opened->inventory, name));
    view->merged = EKSHUME_TRY(casefile::OpenContainer(*container, diagnostics_));
    view->filesystem = view->merged.filesystem.get();
    if (view->merged.overlay != nullptr && view->merged.own_layer_count > 0) {
      view->before = EKSHUME_TRY(view->merged.overlay->Below(view->merged.own_layer_count));
      casefile::Changes changes = EKSHUME_TRY(
          casefile::FindChanges(*container, view->merged, diagnostics_, nullptr, 200000));
      for (casefile::ContainerChange& change : changes.entries) AddChange(*view, std::move(change));
    }
  } else if (kind == "image") {
    const runtime::Image* image = EKSHUME_TRY(casefile::FindImage(opened->inventory, name));
    view->merged = EKSHUME_TRY(casefile::OpenImage(*image, diagnostics_));
    view->filesystem = view->merged.filesystem.get();
  } else {
    return Fail(ErrorCode::kInvalidArgument,
                "a place is host, host:PARTITION, container:ID or image:REFERENCE");
  }
  return std::shared_ptr<const View>(std::move(view));
}

}  // namespace ekshume::server
