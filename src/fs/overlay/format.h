// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

// The marks by which overlayfs keeps its state in the layers: extended attributes and 0:0 devices.
// Specification: the kernel's Documentation/filesystems/overlayfs.rst, sections named below. Names
// are those of the kernel without their prefix.
namespace ekshume::fs::overlay {

// Prefix of overlayfs's own attributes; the second with the mount option `userxattr` (section
// "User xattr").
inline constexpr std::string_view kTrustedPrefix = "trusted.overlay.";
inline constexpr std::string_view kUserPrefix = "user.overlay.";
// After one of the prefixes: the attribute belongs to an overlay inside this one (section "Nesting
// overlayfs mounts"). It is shown with this part taken out once, and means nothing here.
inline constexpr std::string_view kEscapePart = "overlay.";

// "whiteouts and opaque directories". Exactly the one byte "y" makes a directory opaque; "x" only
// says that it holds attribute whiteouts and hides nothing.
inline constexpr std::string_view kOpaque = "opaque";
inline constexpr std::string_view kOpaqueYes = "y";
// A regular file of size 0 with this attribute, whatever its value, is a whiteout.
inline constexpr std::string_view kWhiteout = "whiteout";
// "redirect_dir": where the lower part of a renamed directory, or the data of a metacopy file,
// lies: one name in the same directory, or an absolute path from the root of the overlay.
inline constexpr std::string_view kRedirect = "redirect";
// "Metadata only copy up": the file has no data of its own.
inline constexpr std::string_view kMetacopy = "metacopy";

// The prefix that a mount honours.
constexpr std::string_view Prefix(bool user_xattrs) {
  return user_xattrs ? kUserPrefix : kTrustedPrefix;
}

// What overlayfs shows of an attribute that a layer holds: nothing for its own ones, one level of
// escaping less for those of a nested overlay, the rest unchanged. Returns false to hide it.
inline bool ShownXattrName(bool user_xattrs, std::string& name) {
  const std::string_view prefix = Prefix(user_xattrs);
  if (!name.starts_with(prefix)) return true;
  if (!std::string_view(name).substr(prefix.size()).starts_with(kEscapePart)) return false;
  name.erase(prefix.size(), kEscapePart.size());
  return true;
}

}  // namespace ekshume::fs::overlay
