// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fs/overlay/overlay.h"

// Overlayfs's rules for one name in one layer. Specification: the facts of
// Documentation/filesystems/overlayfs.rst, and the order of checks as measured on Linux 6.18
// (tests/sweep/overlay_sweep.py).
namespace ekshume::fs::overlay {

// What the attributes of a directory or file say.
struct Marks {
  bool opaque = false;
  bool metacopy = false;
  std::optional<std::string> redirect;  // as stored; see IsValidRedirect
};
Result<Marks> ReadMarks(const Filesystem& filesystem, NodeId node, bool user_xattrs);

// A redirect that the kernel accepts: one name, or "/a/b" without empty parts; never "." or "..".
bool IsValidRedirect(std::string_view redirect);

enum class WhiteoutKind { kNone, kDevice, kAttribute };
// Whether an entry of a layer deletes its name. `type` kUnknown is resolved and written back.
WhiteoutKind FindWhiteout(const Filesystem& filesystem, NodeId node, NodeType& type,
                          bool user_xattrs);

// The search for the lower parts of one node, from layer to layer downwards. It begins below an
// element that was found by name, and follows redirects.
class LowerSearch {
 public:
  enum class For {
    kDirectory,  // collect directories to merge
    kData,       // the first regular file that is no metacopy itself
  };
  struct Found {
    Element element;
    std::string path;  // inside the layer
  };
  // Where the search happens; all of it must outlive the search.
  struct Place {
    const OverlayOptions& options;
    uint32_t lowest_layer;
    std::span<const Element> root;    // of the union
    std::span<const Element> parent;  // the directory that holds the node
    // The path, in its layer, of the parent's element of that layer.
    std::function<std::string(uint32_t layer)> parent_path;
    std::atomic<int64_t>& budget;  // lookups left; the search ends when it is used up
  };

  LowerSearch(const Place& place, std::string_view name, For purpose)
      : place_(place), purpose_(purpose), path_(name) {}

  // Searches every layer below `layer`, where a node with `marks` was found.
  std::vector<Found> Run(uint32_t layer, const Marks& marks);
  // Why the search ended early, when it did: a redirect that the kernel would refuse, a limit, a
  // directory that could not be read.
  const std::string& broken() const { return broken_; }

 private:
  // Takes over the redirect of the element at path_[begin, end).
  void Redirect(const std::string& redirect, size_t begin, size_t end);
  // Looks path_ up below one layer's part; sets stop_ when lower layers must not be asked.
  std::optional<Element> LookUp(const Element& base);
  std::optional<Element> FileFound(const Element& found, NodeType type);
  std::optional<Found> FindDataOnly();
  bool absolute() const { return path_.starts_with('/'); }
  void Break(std::string why);

  const Place& place_;
  For purpose_;
  std::string path_;  // to look for; from the union's root when it begins with a slash
  bool stop_ = false;
  std::string broken_;
};

}  // namespace ekshume::fs::overlay
