// SPDX-License-Identifier: Apache-2.0
#include "fs/overlay/layer_lookup.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "fs/overlay/format.h"
#include "fs/path.h"

namespace ekshume::fs::overlay {
namespace {

bool IsValidPart(std::string_view part) { return !part.empty() && part != "." && part != ".."; }

}  // namespace

Result<Marks> ReadMarks(const Filesystem& filesystem, NodeId node, bool user_xattrs) {
  Marks marks;
  for (Xattr& xattr : EKSHUME_TRY(filesystem.ReadXattrs(node))) {
    std::string_view name = xattr.name;
    const std::string_view prefix = Prefix(user_xattrs);
    if (!name.starts_with(prefix)) continue;
    name.remove_prefix(prefix.size());
    if (name == kOpaque) marks.opaque = xattr.value == kOpaqueYes;
    if (name == kMetacopy) marks.metacopy = true;
    if (name == kRedirect) marks.redirect = std::move(xattr.value);
  }
  return marks;
}

bool IsValidRedirect(std::string_view redirect) {
  if (redirect.size() > limits::kMaxSymlinkTargetBytes || redirect.contains('\0')) return false;
  if (!redirect.starts_with('/')) return IsValidPart(redirect) && !redirect.contains('/');
  while (!redirect.empty()) {
    redirect.remove_prefix(1);
    const size_t end = std::min(redirect.find('/'), redirect.size());
    if (!IsValidPart(redirect.substr(0, end))) return false;
    redirect.remove_prefix(end);
  }
  return true;
}

WhiteoutKind FindWhiteout(const Filesystem& filesystem, NodeId node, NodeType& type,
                          bool user_xattrs) {
  if (type != NodeType::kUnknown && type != NodeType::kCharDevice && type != NodeType::kRegular) {
    return WhiteoutKind::kNone;
  }
  const auto stat = filesystem.GetStat(node);
  if (!stat) return WhiteoutKind::kNone;  // whoever asks for the node gets the error
  type = stat->type;
  if (type == NodeType::kCharDevice && stat->device_major == 0 && stat->device_minor == 0) {
    return WhiteoutKind::kDevice;
  }
  if (type != NodeType::kRegular || stat->size_bytes != 0) return WhiteoutKind::kNone;
  const auto xattrs = filesystem.ReadXattrs(node);
  if (!xattrs) return WhiteoutKind::kNone;
  const std::string_view prefix = Prefix(user_xattrs);
  for (const Xattr& xattr : *xattrs) {
    const std::string_view name = xattr.name;
    if (name.starts_with(prefix) && name.substr(prefix.size()) == kWhiteout) {
      return WhiteoutKind::kAttribute;
    }
  }
  return WhiteoutKind::kNone;
}

void LowerSearch::Break(std::string why) {
  stop_ = true;
  broken_ = std::move(why);
}

void LowerSearch::Redirect(const std::string& redirect, size_t begin, size_t end) {
  if (!IsValidRedirect(redirect)) {
    return Break(fmt::format("redirect \"{}\" is not valid", EscapeForTerminal(redirect)));
  }
  // An absolute redirect is followed even when an opaque directory lies on the way to it.
  const bool to_root = redirect.starts_with('/');
  if (to_root) stop_ = false;
  path_ = (to_root ? "" : path_.substr(0, begin)) + redirect + path_.substr(end);
  if (path_.size() > limits::kMaxSymlinkTargetBytes) {
    Break("kMaxSymlinkTargetBytes: redirects expand without end");
  }
}

// A file where path_ ends in one layer: the data, or more metadata that says where to go on.
std::optional<Element> LowerSearch::FileFound(const Element& found, NodeType type) {
  if (type != NodeType::kRegular) {
    stop_ = true;
    return std::nullopt;
  }
  const auto marks = ReadMarks(*place_.options.layers[found.layer].filesystem, found.node,
                               place_.options.user_xattrs);
  if (!marks) {
    Break(marks.error().message);
    return std::nullopt;
  }
  if (!marks->metacopy) {
    stop_ = true;
    return found;
  }
  if (marks->redirect) Redirect(*marks->redirect, path_.rfind('/') + 1, path_.size());
  return std::nullopt;  // the metadata above hides these
}

std::optional<Element> LowerSearch::LookUp(const Element& base) {
  const Filesystem& filesystem = *place_.options.layers[base.layer].filesystem;
  const bool user_xattrs = place_.options.user_xattrs;
  const std::string path = path_;  // a redirect on the way counts for lower layers only
  Element at = base;
  size_t rest_bytes = path.size() - (absolute() ? 1 : 0);
  while (true) {
    const size_t begin = path.size() - rest_bytes;
    const size_t end = std::min(path.find('/', begin), path.size());
    const bool last = end == path.size();
    if (place_.budget.fetch_sub(1, std::memory_order_relaxed) <= 0) {
      Break("kMaxRedirectLookups: redirects cost too much");
      return std::nullopt;
    }
    const auto entry = filesystem.Lookup(at.node, path.substr(begin, end - begin));
    if (!entry) {
      if (entry.error().code != ErrorCode::kNotFound) Break(entry.error().message);
      return std::nullopt;
    }
    NodeType type = entry->type;
    at.node = entry->node;
    if (FindWhiteout(filesystem, at.node, type, user_xattrs) != WhiteoutKind::kNone) {
      stop_ = true;
      return std::nullopt;
    }
    if (type != NodeType::kDirectory) {
      if (last && purpose_ == For::kData) return FileFound(at, type);
      stop_ = true;
      return std::nullopt;
    }
    if (last && purpose_ == For::kData) {
      stop_ = true;
      return std::nullopt;
    }
    if (at.layer != place_.lowest_layer) {
      const auto marks = ReadMarks(filesystem, at.node, user_xattrs);
      if (!marks) {
        Break(marks.error().message);
        return last ? std::optional(at) : std::nullopt;
      }
      if (marks->opaque) {
        stop_ = true;
      } else if (marks->redirect) {
        // path_ may already differ from `path`: the rest is the same in both.
        Redirect(*marks->redirect, path_.size() - rest_bytes, path_.size() - (path.size() - end));
      }
    }
    if (last) return at;
    rest_bytes = path.size() - end - 1;
  }
}

std::optional<LowerSearch::Found> LowerSearch::FindDataOnly() {
  const OverlayOptions& options = place_.options;
  for (size_t i = 0; i < options.data_only.size(); ++i) {
    const Layer& layer = options.data_only[i];
    if (layer.filesystem == nullptr) continue;
    NodeId node = layer.root;
    NodeType type = NodeType::kDirectory;
    bool found = true;
    for (const std::string_view part : SplitNonEmpty(path_, '/')) {
      if (place_.budget.fetch_sub(1, std::memory_order_relaxed) <= 0) {
        Break("kMaxRedirectLookups: redirects cost too much");
        return std::nullopt;
      }
      const auto entry = layer.filesystem->Lookup(node, part);
      found = entry.has_value();
      if (!found) break;
      node = entry->node;
      type = entry->type;
    }
    if (found && type == NodeType::kUnknown) {
      const auto stat = layer.filesystem->GetStat(node);
      if (stat) type = stat->type;
    }
    if (!found || type != NodeType::kRegular) continue;
    const auto index = static_cast<uint32_t>(options.layers.size() + i);
    return Found{{node, index}, path_.substr(1)};
  }
  return std::nullopt;
}

std::vector<LowerSearch::Found> LowerSearch::Run(uint32_t layer, const Marks& marks) {
  std::vector<Found> found;
  if (marks.redirect) Redirect(*marks.redirect, 0, path_.size());
  // Elements are sorted by layer; a redirect to the root changes where the rest is looked for.
  bool at_root = absolute();
  std::span<const Element> bases = at_root ? place_.root : place_.parent;
  for (size_t i = 0; i < bases.size() && !stop_; ++i) {
    const Element& base = bases[i];
    if (base.layer <= layer) continue;
    const std::string path = path_;
    if (const auto element = LookUp(base)) {
      found.push_back(
          {*element, at_root ? path.substr(1) : JoinPath(place_.parent_path(base.layer), path)});
    }
    if (!at_root && absolute()) {
      at_root = true;
      bases = place_.root;
      layer = base.layer;
      i = static_cast<size_t>(-1);
    }
  }
  if (purpose_ == For::kData && found.empty() && broken_.empty() && absolute()) {
    if (auto data = FindDataOnly()) found.push_back(*std::move(data));
  }
  return found;
}

}  // namespace ekshume::fs::overlay
