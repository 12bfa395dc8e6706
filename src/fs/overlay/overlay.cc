// SPDX-License-Identifier: Apache-2.0
#include "fs/overlay/overlay.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"
#include "fs/overlay/format.h"
#include "fs/overlay/layer_lookup.h"
#include "fs/overlay/merge.h"

namespace ekshume::fs::overlay {
namespace {

// Leaves out (filesystem = nullptr) what cannot be a layer, and says so.
void CheckLayers(std::vector<Layer>& layers, DiagnosticSink& diagnostics) {
  if (layers.size() > static_cast<size_t>(limits::kMaxLayers)) {
    diagnostics.Report(DiagnosticCode::kOverlayLayerLoop, layers[limits::kMaxLayers].name,
                       fmt::format("{} layers, kMaxLayers is {}; the lowest were left out",
                                   layers.size(), limits::kMaxLayers));
    layers.resize(limits::kMaxLayers);
  }
  std::set<std::pair<const Filesystem*, NodeId>> seen;
  for (Layer& layer : layers) {
    if (layer.filesystem == nullptr) {
      diagnostics.Report(DiagnosticCode::kOverlayLayerMissing, layer.name, "not in the evidence");
      continue;
    }
    const auto stat = layer.filesystem->GetStat(layer.root);
    if (!stat || stat->type != NodeType::kDirectory) {
      diagnostics.Report(DiagnosticCode::kOverlayLayerMissing, layer.name,
                         stat ? "not a directory" : stat.error().message);
      layer.filesystem = nullptr;
    } else if (!seen.emplace(layer.filesystem, layer.root).second) {
      diagnostics.Report(DiagnosticCode::kOverlayLayerLoop, layer.name,
                         "the same layer again; only the upper one counts");
      layer.filesystem = nullptr;
    }
  }
}

}  // namespace

OverlayFilesystem::OverlayFilesystem(OverlayOptions options)
    : options_(std::move(options)),
      redirect_budget_(options_.most_redirect_lookups),
      nodes_(options_.most_nodes) {}

Result<std::unique_ptr<OverlayFilesystem>> OverlayFilesystem::Open(OverlayOptions options) {
  EKSHUME_CHECK(options.diagnostics != nullptr);
  CheckLayers(options.layers, *options.diagnostics);
  CheckLayers(options.data_only, *options.diagnostics);
  return Make(std::move(options));
}

Result<std::unique_ptr<OverlayFilesystem>> OverlayFilesystem::Below(size_t boundary) const {
  OverlayOptions options = options_;
  options.has_upper = options.has_upper && boundary == 0;
  boundary = std::min(boundary, options.layers.size());
  options.layers.erase(options.layers.begin(),
                       options.layers.begin() + static_cast<ptrdiff_t>(boundary));
  const bool any = std::any_of(options.layers.begin(), options.layers.end(),
                               [](const Layer& layer) { return layer.filesystem != nullptr; });
  if (!any) return std::unique_ptr<OverlayFilesystem>();
  return Make(std::move(options));  // what is wrong with the layers was reported by Open
}

Result<std::unique_ptr<OverlayFilesystem>> OverlayFilesystem::Make(OverlayOptions options) {
  std::unique_ptr<OverlayFilesystem> overlay(new OverlayFilesystem(std::move(options)));
  std::vector<Element> root;
  const std::vector<Layer>& layers = overlay->options_.layers;
  for (uint32_t i = 0; i < layers.size(); ++i) {
    if (layers[i].filesystem == nullptr) continue;
    root.push_back({layers[i].root, i});
    if (layers[i].is_whole) break;
  }
  if (root.empty()) {
    return Fail(ErrorCode::kNotFound, "overlay: none of the layers is in the evidence");
  }
  overlay->lowest_layer_ = root.back().layer;
  EKSHUME_TRY(overlay->nodes_.Intern(0, {root, "", NodeType::kDirectory, {}}));
  FilesystemInfo& info = overlay->info_;
  info.root = NodeId{0};
  info.type = "overlay";
  info.log_state = "none";
  info.block_bytes = layers[root.front().layer].filesystem->info().block_bytes;
  if (overlay->options_.user_xattrs) info.features.emplace_back("userxattr");
  return overlay;
}

const Layer& OverlayFilesystem::LayerAt(uint32_t index) const {
  const size_t count = options_.layers.size();
  return index < count ? options_.layers[index] : options_.data_only[index - count];
}

Origin OverlayFilesystem::MakeOrigin(const Element& element, std::string path) const {
  return {element.layer, LayerAt(element.layer).name, std::move(path), element.node};
}

Result<Stat> OverlayFilesystem::GetStat(NodeId id) const {
  const Node& node = *EKSHUME_TRY(FindNode(id));
  Stat stat = EKSHUME_TRY(LayerAt(node.top.layer).filesystem->GetStat(node.top.node));
  // Counting the subdirectories of a merged directory would mean merging it; the kernel says 1.
  if (node.element_count() > 1) stat.links = 1;
  return stat;
}

Result<void> OverlayFilesystem::ReadDirectory(NodeId directory, const Visitor& visit) const {
  const Node& node = *EKSHUME_TRY(FindNode(directory));
  if (node.type != NodeType::kDirectory) {
    return Fail(ErrorCode::kInvalidArgument, "overlay: not a directory");
  }
  DirectoryMerger merger(*this, static_cast<uint32_t>(directory), node);
  for (MergedEntry& entry : EKSHUME_TRY(merger.Merge())) {
    const NodeTable::Child child{entry.elements(), entry.name, entry.type, entry.paths};
    const auto index = nodes_.Intern(static_cast<uint32_t>(directory), child);
    if (!index) {
      options_.diagnostics->Report(DiagnosticCode::kFilesystemLimit,
                                   "/" + nodes_.UnionPath(static_cast<uint32_t>(directory)),
                                   index.error().message);
      return index.error();
    }
    if (!visit({std::move(entry.name), NodeId{*index}, entry.type})) break;
  }
  return {};
}

Result<OverlayFilesystem::DataSource> OverlayFilesystem::FindData(NodeId id,
                                                                  const Node& node) const {
  if (node.HasOwnData()) return DataSource{node.top, {}};
  const auto index = static_cast<uint32_t>(id);
  const Filesystem& top = *LayerAt(node.top.layer).filesystem;
  const Marks marks = EKSHUME_TRY(ReadMarks(top, node.top.node, options_.user_xattrs));
  if (!marks.metacopy) {
    node.SetHasOwnData();
    return DataSource{node.top, {}};
  }
  const Node& parent = *EKSHUME_TRY(nodes_.Find(node.parent));
  const Node& root = *EKSHUME_TRY(nodes_.Find(0));
  const auto parent_elements = parent.elements();
  const auto root_elements = root.elements();
  const LowerSearch::Place place{
      options_,
      lowest_layer_,
      root_elements,
      parent_elements,
      [&](uint32_t layer) { return nodes_.LayerPathIn(node.parent, layer); },
      redirect_budget_};
  LowerSearch search(place, node.name, LowerSearch::For::kData);
  auto found = search.Run(node.top.layer, marks);
  if (found.empty()) {
    const std::string path = "/" + nodes_.UnionPath(index);
    std::string detail = search.broken().empty() ? "no lower layer holds it" : search.broken();
    if (marks.redirect) {
      detail += fmt::format(" (redirect {})", EscapeForTerminal(*marks.redirect));
    }
    options_.diagnostics->Report(DiagnosticCode::kOverlayDataMissing, path, detail);
    return Fail(ErrorCode::kCorrupt, fmt::format("overlay: the data of {} is missing: {}",
                                                 EscapeForTerminal(path), detail));
  }
  return DataSource{found.front().element, std::move(found.front().path)};
}

Result<std::unique_ptr<File>> OverlayFilesystem::OpenFile(NodeId id) const {
  const Node& node = *EKSHUME_TRY(FindNode(id));
  if (node.type != NodeType::kRegular) {
    return Fail(ErrorCode::kInvalidArgument, "overlay: not a regular file");
  }
  const Element data = EKSHUME_TRY(FindData(id, node)).element;
  return LayerAt(data.layer).filesystem->OpenFile(data.node);
}

Result<std::string> OverlayFilesystem::ReadSymlink(NodeId id) const {
  const Node& node = *EKSHUME_TRY(FindNode(id));
  return LayerAt(node.top.layer).filesystem->ReadSymlink(node.top.node);
}

Result<std::vector<Xattr>> OverlayFilesystem::ReadXattrs(NodeId id) const {
  const Node& node = *EKSHUME_TRY(FindNode(id));
  auto xattrs = EKSHUME_TRY(LayerAt(node.top.layer).filesystem->ReadXattrs(node.top.node));
  std::erase_if(xattrs,
                [this](Xattr& xattr) { return !ShownXattrName(options_.user_xattrs, xattr.name); });
  std::stable_sort(xattrs.begin(), xattrs.end(),
                   [](const Xattr& a, const Xattr& b) { return a.name < b.name; });
  return xattrs;
}

Result<std::vector<Element>> OverlayFilesystem::Elements(NodeId id) const {
  return EKSHUME_TRY(FindNode(id))->elements();
}

Result<std::string> OverlayFilesystem::PathOf(NodeId id) const {
  EKSHUME_TRY(FindNode(id));
  return nodes_.UnionPath(static_cast<uint32_t>(id));
}

Result<std::vector<Origin>> OverlayFilesystem::Origins(NodeId id) const {
  const Node& node = *EKSHUME_TRY(FindNode(id));
  const auto index = static_cast<uint32_t>(id);
  std::vector<Origin> origins;
  origins.reserve(node.element_count() + 1);
  for (size_t i = 0; i < node.element_count(); ++i) {
    origins.push_back(MakeOrigin(node.element(i), nodes_.LayerPath(index, i)));
  }
  if (node.type == NodeType::kRegular) {
    auto data = FindData(id, node);  // a failure is reported there
    if (data && data->element != node.top) {
      origins.push_back(MakeOrigin(data->element, std::move(data->path)));
    }
  }
  return origins;
}

}  // namespace ekshume::fs::overlay
