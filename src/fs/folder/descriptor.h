// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "fs/filesystem.h"

// The operating system's calls that the folder filesystem is made of; none of them follows a
// symbolic link.
namespace ekshume::fs::folder {

// Owns one open file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Descriptor();

  int value() const { return value_; }
  explicit operator bool() const { return value_ >= 0; }

 private:
  int value_;
};

// A name in an open directory. The root is "." in itself.
struct Place {
  std::shared_ptr<const Descriptor> parent;  // kept open while the place is used
  std::string name;
};

// openat(2) with O_NOFOLLOW and, where we may, O_NOATIME. errno tells why it is empty.
Descriptor OpenAt(int directory, const std::string& name, int flags);

struct NameAndType {
  std::string name;
  NodeType type;
};
// The names in a directory as they lie on disk, without "." and "..".
Result<std::vector<NameAndType>> ReadNames(const Place& place);

// The extended attributes of what lies at `place`, sorted by name, at most `most` of them; of a
// link, the link's own.
struct XattrList {
  std::vector<Xattr> xattrs;
  bool more = false;  // there are more than `most`
};
Result<XattrList> ReadXattrs(const Place& place, size_t most);

}  // namespace ekshume::fs::folder
