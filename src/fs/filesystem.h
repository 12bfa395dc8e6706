// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_view.h"
#include "base/result.h"
#include "base/time.h"

namespace ekshume::fs {

// Names a file, directory or other node inside one Filesystem. On a disk filesystem it is the inode
// number; in a union it is a handle that the Filesystem gave out. Meaningless in another
// Filesystem.
enum class NodeId : uint64_t {};

enum class NodeType : uint8_t {
  kUnknown,
  kRegular,
  kDirectory,
  kSymlink,
  kCharDevice,
  kBlockDevice,
  kFifo,
  kSocket,
};
// find(1)'s letter: f d l c b p s, or U for kUnknown.
char NodeTypeLetter(NodeType type);
// From the type bits of a Unix mode (S_IFMT); kUnknown when they are of no type.
NodeType NodeTypeFromMode(uint32_t mode);

struct Stat {
  NodeType type = NodeType::kUnknown;
  uint16_t permissions = 0;  // the low twelve bits of the mode: 07777
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t links = 0;
  uint64_t inode = 0;  // as stat(2) shows it
  uint32_t generation = 0;
  uint64_t size_bytes = 0;  // for symlinks the target's length, for directories what stat(2) shows
  uint64_t allocated_bytes = 0;
  uint32_t device_major = 0;  // of the device that a c or b node names
  uint32_t device_minor = 0;
  Timestamp modified;
  Timestamp changed;
  Timestamp accessed;
  std::optional<Timestamp> created;  // where the filesystem keeps it
};

struct DirectoryEntry {
  std::string name;  // bytes as on disk, never "." or ".."
  NodeId node{};
  NodeType type = NodeType::kUnknown;  // the entry's own type byte; kUnknown when it has none
};

struct Xattr {
  std::string name;   // with its namespace: "trusted.overlay.opaque"
  std::string value;  // bytes
};

// One stretch of a file's bytes.
struct Run {
  enum class Kind : uint8_t {
    kData,       // at device_offset_bytes of the filesystem's image
    kHole,       // never written: zeros
    kUnwritten,  // allocated but not written: zeros, though the disk may hold old data
    kInline,     // inside the inode; no device offset
  };
  uint64_t file_offset_bytes;
  uint64_t length_bytes;
  Kind kind;
  uint64_t device_offset_bytes;  // kData and kUnwritten only
};

// An open regular file. Its Filesystem must outlive it. Any number of threads may read it.
class File {
 public:
  virtual ~File() = default;
  virtual uint64_t size_bytes() const = 0;
  // Fills as much of `out` as the file has at `offset_bytes` and returns how much; 0 at or past the
  // end. Holes and unwritten extents read as zeros.
  virtual Result<size_t> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const = 0;
  // Where the bytes lie, ascending and without gaps up to the size (rounded up to a block); empty
  // when the filesystem cannot tell (a folder of the analyst's machine).
  virtual std::span<const Run> runs() const = 0;
};

// What a filesystem says about itself.
struct FilesystemInfo {
  NodeId root{};
  std::string type;  // "xfs", "ext4", "ext2", "overlay", "folder"
  std::string label;
  std::string uuid;  // 8-4-4-4-12 in lower case
  uint32_t block_bytes = 0;
  uint64_t total_bytes = 0;
  std::vector<std::string> features;  // the specification's names, sorted
  std::string log_state;              // "clean", "replayed", "dirty", "damaged", "none"
  std::string last_mounted_on;        // where recorded
  std::optional<Timestamp> made;      // mkfs time, where recorded
  std::optional<Timestamp> last_mounted;
  std::optional<Timestamp> last_written;
};

// A node that has no name any more but still its data: deleted while open, or left half-deleted by
// a crash.
struct DeletedNode {
  NodeId node;
  std::string how;  // "unlinked list", "orphan list", "orphan file"
};

// A tree of files, read-only. One per disk filesystem, union or folder. What it was opened from
// must outlive it. Any number of threads may use one Filesystem at a time. Damage inside is
// reported to the DiagnosticSink it was opened with, and reading goes on where that is possible.
class Filesystem {
 public:
  virtual ~Filesystem() = default;

  virtual const FilesystemInfo& info() const = 0;
  NodeId root() const { return info().root; }

  virtual Result<Stat> GetStat(NodeId node) const = 0;

  // Calls `visit` for each entry of a directory, in the order they lie on disk, until it returns
  // false. kInvalidArgument when the node is no directory.
  using Visitor = std::function<bool(DirectoryEntry&& entry)>;
  virtual Result<void> ReadDirectory(NodeId directory, const Visitor& visit) const = 0;

  // kInvalidArgument when the node is no regular file.
  virtual Result<std::unique_ptr<File>> OpenFile(NodeId node) const = 0;

  // A symbolic link's target, bytes as on disk.
  virtual Result<std::string> ReadSymlink(NodeId node) const = 0;

  // Every extended attribute, sorted by name.
  virtual Result<std::vector<Xattr>> ReadXattrs(NodeId node) const = 0;

  // Deleted nodes that still have their data, in a stable order.
  virtual std::vector<DeletedNode> Deleted() const { return {}; }

  // The entry of that name, or kNotFound. Scans the directory.
  Result<DirectoryEntry> Lookup(NodeId directory, std::string_view name) const;
};

}  // namespace ekshume::fs
