// SPDX-License-Identifier: Apache-2.0
#include "fs/overlay/merge.h"

#include <fmt/format.h>

#include "base/text.h"
#include "fs/path.h"

namespace ekshume::fs::overlay {

DirectoryMerger::DirectoryMerger(const OverlayFilesystem& overlay, uint32_t index, const Node& node)
    : overlay_(overlay), index_(index), node_(node) {}

std::string DirectoryMerger::PathOf(const MergedEntry& merged) const {
  return JoinPath("/" + overlay_.nodes_.UnionPath(index_), merged.name);
}

void DirectoryMerger::Report(DiagnosticCode code, const std::string& path,
                             std::string detail) const {
  overlay_.options_.diagnostics->Report(code, path, std::move(detail));
}

void DirectoryMerger::FollowRedirect(MergedEntry& merged, uint32_t layer, const Marks& marks) {
  merged.open = false;
  const Node* root = *overlay_.nodes_.Find(0);
  const auto root_elements = root->elements();
  const auto parent_elements = node_.elements();
  const LowerSearch::Place place{
      overlay_.options_,
      overlay_.lowest_layer_,
      root_elements,
      parent_elements,
      [this](uint32_t in_layer) { return overlay_.nodes_.LayerPathIn(index_, in_layer); },
      overlay_.redirect_budget_};
  LowerSearch search(place, merged.name, LowerSearch::For::kDirectory);
  auto found = search.Run(layer, marks);
  for (LowerSearch::Found& part : found) {
    merged.Add(part.element);
    merged.paths.emplace_back(merged.all.size() - 1, std::move(part.path));
  }
  if (!search.broken().empty()) {
    Report(DiagnosticCode::kOverlayRedirectBroken, PathOf(merged), search.broken());
  } else if (found.empty()) {
    Report(DiagnosticCode::kOverlayRedirectBroken, PathOf(merged),
           fmt::format("no lower layer holds {}", EscapeForTerminal(*marks.redirect)));
  }
}

void DirectoryMerger::Continue(MergedEntry& merged, const Element& element) {
  if (element.layer == overlay_.lowest_layer_) {
    merged.open = false;
    return;
  }
  const auto marks = ReadMarks(*overlay_.LayerAt(element.layer).filesystem, element.node,
                               overlay_.options_.user_xattrs);
  if (!marks) {
    // Without its marks, whether lower parts show is unknown: showing them loses nothing.
    Report(DiagnosticCode::kFilesystemNodeUnreadable, PathOf(merged), marks.error().message);
  } else if (marks->opaque) {
    merged.open = false;
  } else if (marks->redirect) {
    FollowRedirect(merged, element.layer, *marks);
  }
}

void DirectoryMerger::AddNew(DirectoryEntry& entry, NodeType type, const Element& element,
                             bool whiteout) {
  MergedEntry& merged = entries_.emplace_back();
  merged.name = std::move(entry.name);
  merged.type = type;
  merged.whiteout = whiteout;
  merged.top = element;
  merged.open = !whiteout && type == NodeType::kDirectory;
  if (merged.open) Continue(merged, element);
}

void DirectoryMerger::MergeLayer(const Element& part, std::vector<DirectoryEntry> entries,
                                 bool is_lowest) {
  const Filesystem& filesystem = *overlay_.LayerAt(part.layer).filesystem;
  for (DirectoryEntry& entry : entries) {
    MergedEntry* above = nullptr;
    if (!by_name_.empty()) {
      const auto known = by_name_.find(entry.name);
      if (known != by_name_.end()) above = known->second;
    }
    // A second entry of that name in one layer is damage: the first counts, as in the kernel.
    if (above != nullptr && (!above->open || above->lowest_layer() == part.layer)) continue;
    NodeType type = entry.type;
    const bool whiteout = FindWhiteout(filesystem, entry.node, type,
                                       overlay_.options_.user_xattrs) != WhiteoutKind::kNone;
    const Element element{entry.node, part.layer};
    if (above == nullptr) {
      AddNew(entry, type, element, whiteout);
      if (!is_lowest) by_name_.emplace(entries_.back().name, &entries_.back());
    } else if (whiteout || type != NodeType::kDirectory) {
      above->open = false;
    } else {
      above->Add(element);
      Continue(*above, element);
    }
  }
}

Result<std::deque<MergedEntry>> DirectoryMerger::Merge() {
  size_t unreadable = 0;
  const size_t count = node_.element_count();
  for (size_t i = 0; i < count; ++i) {
    const Element& part = node_.element(i);
    std::vector<DirectoryEntry> entries;
    // Read at once: the layer's filesystem is asked about each entry afterwards.
    const auto read = overlay_.LayerAt(part.layer)
                          .filesystem->ReadDirectory(part.node, [&](DirectoryEntry&& entry) {
                            entries.push_back(std::move(entry));
                            return true;
                          });
    if (!read) {
      if (++unreadable == count) return read.error();
      Report(DiagnosticCode::kFilesystemNodeUnreadable, "/" + overlay_.nodes_.UnionPath(index_),
             fmt::format("layer {}: {}", overlay_.LayerAt(part.layer).name, read.error().message));
    }
    MergeLayer(part, std::move(entries), i + 1 == count);
  }
  by_name_.clear();
  std::erase_if(entries_, [](const MergedEntry& entry) { return entry.whiteout; });
  return std::move(entries_);
}

}  // namespace ekshume::fs::overlay
