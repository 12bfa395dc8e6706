// SPDX-License-Identifier: Apache-2.0
// What single layers hold in a directory of the union: the view behind the merged one.
#include <algorithm>
#include <set>

#include "fs/overlay/layer_lookup.h"
#include "fs/overlay/overlay.h"
#include "fs/path.h"

namespace ekshume::fs::overlay {

Result<std::vector<std::string>> OverlayFilesystem::NamesInLayers(NodeId directory,
                                                                  size_t layer_count) const {
  const Node& node = *EKSHUME_TRY(FindNode(directory));
  std::vector<std::string> names;
  for (const Element& part : node.elements()) {
    if (part.layer >= layer_count) break;
    EKSHUME_TRY(
        LayerAt(part.layer).filesystem->ReadDirectory(part.node, [&](DirectoryEntry&& entry) {
          names.push_back(std::move(entry.name));
          return true;
        }));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Result<std::vector<Whiteout>> OverlayFilesystem::ReadWhiteouts(NodeId directory) const {
  const Node& node = *EKSHUME_TRY(FindNode(directory));
  const auto parts = node.elements();
  std::vector<Whiteout> whiteouts;
  std::set<std::string> decided;  // names that a higher layer has
  for (size_t i = 0; i < parts.size(); ++i) {
    const Element& part = parts[i];
    const Filesystem& filesystem = *LayerAt(part.layer).filesystem;
    for (DirectoryEntry& entry : EKSHUME_TRY(ListDirectory(filesystem, part.node))) {
      if (!decided.insert(entry.name).second) continue;
      NodeType type = entry.type;
      const WhiteoutKind kind = FindWhiteout(filesystem, entry.node, type, options_.user_xattrs);
      if (kind == WhiteoutKind::kNone) continue;
      Whiteout whiteout;
      whiteout.name = std::move(entry.name);
      whiteout.layer = part.layer;
      whiteout.is_attribute = kind == WhiteoutKind::kAttribute;
      for (size_t below = i + 1; below < parts.size(); ++below) {
        const Filesystem& lower = *LayerAt(parts[below].layer).filesystem;
        const auto hidden = lower.Lookup(parts[below].node, whiteout.name);
        if (!hidden) continue;
        NodeType hidden_type = hidden->type;
        if (FindWhiteout(lower, hidden->node, hidden_type, options_.user_xattrs) !=
            WhiteoutKind::kNone) {
          break;
        }
        if (hidden_type == NodeType::kUnknown) {
          const auto stat = lower.GetStat(hidden->node);
          if (stat) hidden_type = stat->type;
        }
        whiteout.hides = MakeOrigin(
            {hidden->node, parts[below].layer},
            JoinPath(nodes_.LayerPath(static_cast<uint32_t>(directory), below), whiteout.name));
        whiteout.hidden_type = hidden_type;
        break;
      }
      whiteouts.push_back(std::move(whiteout));
    }
  }
  std::sort(whiteouts.begin(), whiteouts.end(),
            [](const Whiteout& a, const Whiteout& b) { return a.name < b.name; });
  return whiteouts;
}

}  // namespace ekshume::fs::overlay
