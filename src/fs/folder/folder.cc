// SPDX-License-Identifier: Apache-2.0
#include "fs/folder/folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "base/text.h"
#include "fs/folder/descriptor.h"
#include "fs/folder/node_table.h"

namespace ekshume::fs {
namespace {

using folder::Descriptor;
using folder::NodeTable;

Error SystemError(std::string_view path, int error) {
  const ErrorCode code = error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo;
  return Fail(
      code, fmt::format("{}: {}", EscapeForTerminal(path), std::generic_category().message(error)));
}

Timestamp FromStatx(const statx_timestamp& time) { return {time.tv_sec, time.tv_nsec}; }

Stat FromStatx(const struct statx& from) {
  Stat stat;
  stat.type = NodeTypeFromMode(from.stx_mode);
  stat.permissions = from.stx_mode & 07777U;
  stat.uid = from.stx_uid;
  stat.gid = from.stx_gid;
  stat.links = from.stx_nlink;
  stat.inode = from.stx_ino;
  stat.size_bytes = from.stx_size;
  stat.allocated_bytes = from.stx_blocks * 512;
  stat.device_major = from.stx_rdev_major;
  stat.device_minor = from.stx_rdev_minor;
  stat.modified = FromStatx(from.stx_mtime);
  stat.changed = FromStatx(from.stx_ctime);
  stat.accessed = FromStatx(from.stx_atime);
  if ((from.stx_mask & STATX_BTIME) != 0U) stat.created = FromStatx(from.stx_btime);
  return stat;
}

class FolderFile : public File {
 public:
  FolderFile(Descriptor descriptor, uint64_t size_bytes, std::string path)
      : descriptor_(std::move(descriptor)), size_bytes_(size_bytes), path_(std::move(path)) {}

  uint64_t size_bytes() const override { return size_bytes_; }
  Result<size_t> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    if (offset_bytes >= size_bytes_) return size_t{0};
    const size_t wanted = std::min<uint64_t>(out.size(), size_bytes_ - offset_bytes);
    size_t done = 0;
    while (done < wanted) {
      const ssize_t count = pread(descriptor_.value(), out.subspan(done).data(), wanted - done,
                                  static_cast<off_t>(offset_bytes + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return SystemError(path_, errno);
      if (count == 0) break;
      done += static_cast<size_t>(count);
    }
    return done;
  }
  std::span<const Run> runs() const override { return {}; }

 private:
  Descriptor descriptor_;
  uint64_t size_bytes_;
  std::string path_;
};

class Folder : public Filesystem {
 public:
  Folder(Descriptor root, DiagnosticSink& diagnostics, const FolderLimits& most)
      : most_(most), nodes_(std::move(root), most.nodes), diagnostics_(diagnostics) {
    info_.root = NodeTable::kRoot;
    info_.type = "folder";
    info_.log_state = "none";
  }

  const FilesystemInfo& info() const override { return info_; }

  Result<Stat> GetStat(NodeId node) const override {
    const auto place = EKSHUME_TRY(nodes_.Find(node));
    return StatAt(place);
  }

  Result<void> ReadDirectory(NodeId directory, const Visitor& visit) const override {
    const auto place = EKSHUME_TRY(nodes_.Find(directory));
    if (EKSHUME_TRY(StatAt(place)).type != NodeType::kDirectory) {
      return Fail(ErrorCode::kInvalidArgument, NotA(place, "directory"));
    }
    const auto names = EKSHUME_TRY(folder::ReadNames(place));
    for (const auto& [name, type] : names) {
      const auto child = nodes_.Add(directory, name);
      if (!child) {
        diagnostics_.Report(DiagnosticCode::kFilesystemLimit, "/" + nodes_.Path(directory),
                            "kMaxFolderNodes");
        return child.error();
      }
      if (!visit({name, *child, type})) break;
    }
    return {};
  }

  Result<std::unique_ptr<File>> OpenFile(NodeId node) const override {
    const auto place = EKSHUME_TRY(nodes_.Find(node));
    // Asked before opening: opening a device or a FIFO can have effects.
    const Stat stat = EKSHUME_TRY(StatAt(place));
    if (stat.type != NodeType::kRegular) {
      return Fail(ErrorCode::kInvalidArgument, NotA(place, "regular file"));
    }
    Descriptor file = folder::OpenAt(place.parent->value(), place.name, O_RDONLY | O_NONBLOCK);
    if (!file) return SystemError(place.name, errno);
    return std::make_unique<FolderFile>(std::move(file), stat.size_bytes, place.name);
  }

  Result<std::string> ReadSymlink(NodeId node) const override {
    const auto place = EKSHUME_TRY(nodes_.Find(node));
    // One more than may be, to tell a target that was cut.
    std::string target(most_.symlink_target_bytes + 1, '\0');
    const ssize_t length =
        readlinkat(place.parent->value(), place.name.c_str(), target.data(), target.size());
    if (length < 0 && errno == EINVAL) {
      return Fail(ErrorCode::kInvalidArgument, NotA(place, "symbolic link"));
    }
    if (length < 0) return SystemError(place.name, errno);
    if (static_cast<size_t>(length) > most_.symlink_target_bytes) {
      return Fail(ErrorCode::kLimit,
                  fmt::format("{}: its target has more than {} bytes "
                              "(kMaxSymlinkTargetBytes)",
                              EscapeForTerminal(place.name), most_.symlink_target_bytes));
    }
    target.resize(static_cast<size_t>(length));
    return target;
  }

  Result<std::vector<Xattr>> ReadXattrs(NodeId node) const override {
    const auto place = EKSHUME_TRY(nodes_.Find(node));
    auto read = EKSHUME_TRY(folder::ReadXattrs(place, most_.xattrs_per_node));
    if (read.more) {
      diagnostics_.Report(DiagnosticCode::kFilesystemLimit, "/" + nodes_.Path(node),
                          "kMaxXattrsPerNode");
    }
    return std::move(read.xattrs);
  }

 private:
  static std::string NotA(const folder::Place& place, std::string_view what) {
    return fmt::format("{} is no {}", EscapeForTerminal(place.name), what);
  }

  static Result<Stat> StatAt(const folder::Place& place) {
    struct statx buffer{};
    if (statx(place.parent->value(), place.name.c_str(),
              AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
              STATX_BASIC_STATS | STATX_BTIME, &buffer) != 0) {
      return SystemError(place.name, errno);
    }
    return FromStatx(buffer);
  }

  const FolderLimits most_;
  FilesystemInfo info_;
  mutable NodeTable nodes_;
  DiagnosticSink& diagnostics_;
};

}  // namespace

Result<std::unique_ptr<Filesystem>> OpenFolder(const std::string& path, DiagnosticSink& diagnostics,
                                               const FolderLimits& most) {
  // The folder itself is the analyst's word: a link to it is followed.
  Descriptor root(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root && errno == ENOTDIR) {
    return Fail(ErrorCode::kInvalidArgument, EscapeForTerminal(path) + " is no directory");
  }
  if (!root) return SystemError(path, errno);
  return std::make_unique<Folder>(std::move(root), diagnostics, most);
}

}  // namespace ekshume::fs
