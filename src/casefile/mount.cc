// SPDX-License-Identifier: Apache-2.0
#include "casefile/mount.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/text.h"

#ifdef EKSHUME_HAVE_FUSE

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <limits>
#include <map>
#include <string_view>
#include <vector>

#include "casefile/mount_listing.h"

namespace ekshume::casefile {
namespace {

// Evidence does not change: what the kernel was told stays true.
constexpr double kForever = 1e9;

int ErrnoOf(const Error& error) {
  switch (error.code) {
    case ErrorCode::kNotFound: return ENOENT;
    case ErrorCode::kInvalidArgument: return EINVAL;
    case ErrorCode::kUnsupported: return EOPNOTSUPP;
    default: return EIO;
  }
}

// The filesystem behind a mount, and what is open in it. libfuse calls from several threads.
class MountedFilesystem {
 public:
  explicit MountedFilesystem(const fs::Filesystem& filesystem)
      : filesystem_(filesystem), listings_(filesystem) {}

  const fs::Filesystem& filesystem() const { return filesystem_; }
  ListingCache& listings() { return listings_; }

  // FUSE's number 1 is the root; others must be different from it and from 0.
  fs::NodeId NodeOf(fuse_ino_t number) const {
    return number == FUSE_ROOT_ID ? filesystem_.root() : fs::NodeId{number - 2};
  }
  fuse_ino_t NumberOf(fs::NodeId node) const {
    return node == filesystem_.root() ? FUSE_ROOT_ID : static_cast<uint64_t>(node) + 2;
  }

  uint64_t Keep(std::unique_ptr<fs::File> file) {
    const std::lock_guard lock(mutex_);
    files_.emplace(++last_handle_, std::move(file));
    return last_handle_;
  }
  std::shared_ptr<fs::File> FileOf(uint64_t handle) {
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(handle);
    return found == files_.end() ? nullptr : found->second;
  }
  void Forget(uint64_t handle) {
    const std::lock_guard lock(mutex_);
    files_.erase(handle);
  }

 private:
  const fs::Filesystem& filesystem_;
  ListingCache listings_;
  std::mutex mutex_;
  std::map<uint64_t, std::shared_ptr<fs::File>> files_;
  uint64_t last_handle_ = 0;
};

MountedFilesystem& MountOf(fuse_req_t request) {
  return *static_cast<MountedFilesystem*>(fuse_req_userdata(request));
}

mode_t TypeBits(fs::NodeType type) {
  switch (type) {
    case fs::NodeType::kDirectory: return S_IFDIR;
    case fs::NodeType::kSymlink: return S_IFLNK;
    case fs::NodeType::kCharDevice: return S_IFCHR;
    case fs::NodeType::kBlockDevice: return S_IFBLK;
    case fs::NodeType::kFifo: return S_IFIFO;
    case fs::NodeType::kSocket: return S_IFSOCK;
    default: return S_IFREG;
  }
}

timespec ToTimespec(Timestamp time) { return {time.seconds, static_cast<long>(time.nanoseconds)}; }

struct stat ToStat(const fs::Stat& from) {
  struct stat to{};
  to.st_ino = from.inode;
  to.st_mode = TypeBits(from.type) | from.permissions;
  to.st_nlink = from.links;
  to.st_uid = from.uid;
  to.st_gid = from.gid;
  to.st_rdev = makedev(from.device_major, from.device_minor);
  to.st_size =
      static_cast<off_t>(std::min<uint64_t>(from.size_bytes, std::numeric_limits<off_t>::max()));
  to.st_blksize = 4096;
  to.st_blocks = static_cast<blkcnt_t>(from.allocated_bytes / 512);
  to.st_atim = ToTimespec(from.accessed);
  to.st_mtim = ToTimespec(from.modified);
  to.st_ctim = ToTimespec(from.changed);
  return to;
}

void Lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  MountedFilesystem& mount = MountOf(request);
  const auto listing = mount.listings().Get(mount.NodeOf(parent));
  if (!listing) {
    fuse_reply_err(request, ErrnoOf(listing.error()));
    return;
  }
  fuse_entry_param entry{};
  entry.attr_timeout = kForever;
  entry.entry_timeout = kForever;
  const auto found = (*listing)->by_name.find(name);
  if (found == (*listing)->by_name.end()) {
    fuse_reply_entry(request, &entry);  // number 0: the kernel remembers that there is no such name
    return;
  }
  const fs::NodeId node = (*listing)->entries[found->second].node;
  const auto stat = mount.filesystem().GetStat(node);
  if (!stat) {
    fuse_reply_err(request, ErrnoOf(stat.error()));
    return;
  }
  entry.ino = mount.NumberOf(node);
  entry.attr = ToStat(*stat);
  fuse_reply_entry(request, &entry);
}

void GetAttributes(fuse_req_t request, fuse_ino_t number, fuse_file_info* /*info*/) {
  MountedFilesystem& mount = MountOf(request);
  const auto stat = mount.filesystem().GetStat(mount.NodeOf(number));
  if (!stat) {
    fuse_reply_err(request, ErrnoOf(stat.error()));
    return;
  }
  const struct stat attributes = ToStat(*stat);
  fuse_reply_attr(request, &attributes, kForever);
}

void ReadLink(fuse_req_t request, fuse_ino_t number) {
  MountedFilesystem& mount = MountOf(request);
  const auto target = mount.filesystem().ReadSymlink(mount.NodeOf(number));
  if (!target) {
    fuse_reply_err(request, ErrnoOf(target.error()));
    return;
  }
  fuse_reply_readlink(request, target->c_str());
}

void Open(fuse_req_t request, fuse_ino_t number, fuse_file_info* info) {
  MountedFilesystem& mount = MountOf(request);
  if ((info->flags & O_ACCMODE) != O_RDONLY) {
    fuse_reply_err(request, EROFS);
    return;
  }
  auto file = mount.filesystem().OpenFile(mount.NodeOf(number));
  if (!file) {
    fuse_reply_err(request, ErrnoOf(file.error()));
    return;
  }
  info->fh = mount.Keep(*std::move(file));
  info->keep_cache = 1;
  fuse_reply_open(request, info);
}

void Read(fuse_req_t request, fuse_ino_t /*number*/, size_t size, off_t offset,
          fuse_file_info* info) {
  const auto file = MountOf(request).FileOf(info->fh);
  if (file == nullptr || offset < 0) {
    fuse_reply_err(request, EBADF);
    return;
  }
  std::string buffer(size, '\0');
  size_t done = 0;
  while (done < size) {
    const auto count =
        file->ReadAt(static_cast<uint64_t>(offset) + done, AsWritableBytes(buffer).subspan(done));
    if (!count) {
      fuse_reply_err(request, ErrnoOf(count.error()));
      return;
    }
    if (*count == 0) break;
    done += *count;
  }
  fuse_reply_buf(request, buffer.data(), done);
}

void Release(fuse_req_t request, fuse_ino_t /*number*/, fuse_file_info* info) {
  MountOf(request).Forget(info->fh);
  fuse_reply_err(request, 0);
}

// Offsets are 1 for ".", 2 for "..", 3 for the first entry, and so on: the entry to begin after.
void ReadDirectory(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
                   fuse_file_info* /*info*/) {
  MountedFilesystem& mount = MountOf(request);
  const auto listing = mount.listings().Get(mount.NodeOf(number));
  if (!listing) {
    fuse_reply_err(request, ErrnoOf(listing.error()));
    return;
  }
  const auto& entries = (*listing)->entries;
  std::string buffer(size, '\0');
  size_t used = 0;
  for (auto at = static_cast<size_t>(std::max<off_t>(offset, 0)); at < entries.size() + 2; ++at) {
    struct stat attributes{};
    const char* name = at == 0 ? "." : "..";
    attributes.st_mode = S_IFDIR;
    attributes.st_ino = number;
    if (at >= 2) {
      const fs::DirectoryEntry& entry = entries[at - 2];
      name = entry.name.c_str();
      attributes.st_ino = static_cast<uint64_t>(entry.node);
      attributes.st_mode = entry.type == fs::NodeType::kUnknown ? 0 : TypeBits(entry.type);
    }
    const std::span<char> room = std::span(buffer).subspan(used);
    const size_t needed = fuse_add_direntry(request, room.data(), room.size(), name, &attributes,
                                            static_cast<off_t>(at + 1));
    if (needed > room.size()) break;
    used += needed;
  }
  fuse_reply_buf(request, buffer.data(), used);
}

// FUSE asks for the size with size 0, then for the bytes.
void ReplySized(fuse_req_t request, std::string_view value, size_t size) {
  if (size == 0) {
    fuse_reply_xattr(request, value.size());
  } else if (value.size() > size) {
    fuse_reply_err(request, ERANGE);
  } else {
    fuse_reply_buf(request, value.data(), value.size());
  }
}

void GetXattr(fuse_req_t request, fuse_ino_t number, const char* name, size_t size) {
  MountedFilesystem& mount = MountOf(request);
  const auto xattrs = mount.filesystem().ReadXattrs(mount.NodeOf(number));
  if (!xattrs) {
    fuse_reply_err(request, ErrnoOf(xattrs.error()));
    return;
  }
  const auto found = std::ranges::find(*xattrs, name, &fs::Xattr::name);
  if (found == xattrs->end()) {
    fuse_reply_err(request, ENODATA);
  } else {
    ReplySized(request, found->value, size);
  }
}

void ListXattrs(fuse_req_t request, fuse_ino_t number, size_t size) {
  MountedFilesystem& mount = MountOf(request);
  const auto xattrs = mount.filesystem().ReadXattrs(mount.NodeOf(number));
  if (!xattrs) {
    fuse_reply_err(request, ErrnoOf(xattrs.error()));
    return;
  }
  std::string names;
  for (const fs::Xattr& xattr : *xattrs) names += xattr.name + '\0';
  ReplySized(request, names, size);
}

void StatFilesystem(fuse_req_t request, fuse_ino_t /*number*/) {
  const fs::FilesystemInfo& info = MountOf(request).filesystem().info();
  struct statvfs status{};
  status.f_bsize = info.block_bytes != 0 ? info.block_bytes : 4096;
  status.f_frsize = status.f_bsize;
  status.f_blocks = info.total_bytes / status.f_bsize;
  status.f_namemax = 255;
  status.f_flag = ST_RDONLY;
  fuse_reply_statfs(request, &status);
}

Error MountError(const std::string& mountpoint) {
  return Fail(ErrorCode::kIo,
              fmt::format("cannot mount at {}; is it an empty folder of yours, and is fusermount3 "
                          "installed?",
                          EscapeForTerminal(mountpoint)));
}

// libfuse takes over only signals that nobody else handles: while it serves, it must have them, and
// afterwards whoever had them before.
class SignalsForFuse {
 public:
  SignalsForFuse() {
    for (size_t i = 0; i < kSignals.size(); ++i) {
      struct sigaction action{};
      action.sa_handler = SIG_DFL;
      sigaction(kSignals[i], &action, &previous_[i]);
    }
  }
  ~SignalsForFuse() {
    for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &previous_[i], nullptr);
  }
  SignalsForFuse(const SignalsForFuse&) = delete;
  SignalsForFuse& operator=(const SignalsForFuse&) = delete;

 private:
  static constexpr std::array<int, 2> kSignals = {SIGINT, SIGTERM};
  std::array<struct sigaction, kSignals.size()> previous_{};
};

// Ends the session in the opposite order of its making.
class Session {
 public:
  explicit Session(fuse_session* session) : session_(session) {}
  ~Session() {
    if (mounted_) fuse_session_unmount(session_);
    if (handlers_) fuse_remove_signal_handlers(session_);
    if (session_ != nullptr) fuse_session_destroy(session_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  bool Start(const std::string& mountpoint) {
    if (session_ == nullptr) return false;
    handlers_ = fuse_set_signal_handlers(session_) == 0;
    mounted_ = handlers_ && fuse_session_mount(session_, mountpoint.c_str()) == 0;
    return mounted_;
  }
  void Serve() {
    fuse_loop_config* config = fuse_loop_cfg_create();
    fuse_loop_cfg_set_clone_fd(config, 0);
    fuse_session_loop_mt(session_, config);
    fuse_loop_cfg_destroy(config);
  }

 private:
  SignalsForFuse signals_;  // first: it gives them back last
  fuse_session* session_;
  bool handlers_ = false;
  bool mounted_ = false;
};

}  // namespace

Result<void> MountAndServe(const fs::Filesystem& filesystem, const std::string& mountpoint,
                           const MountOptions& options) {
  struct stat status{};
  if (stat(mountpoint.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no folder", EscapeForTerminal(mountpoint)));
  }
  MountedFilesystem mount(filesystem);
  fuse_lowlevel_ops operations{};
  operations.lookup = Lookup;
  operations.getattr = GetAttributes;
  operations.readlink = ReadLink;
  operations.open = Open;
  operations.read = Read;
  operations.release = Release;
  operations.readdir = ReadDirectory;
  operations.getxattr = GetXattr;
  operations.listxattr = ListXattrs;
  operations.statfs = StatFilesystem;
  std::string program = "ekshume";
  std::string flag = "-o";
  std::string text = "ro,nosuid,nodev,fsname=ekshume,subtype=ekshume";
  if (options.allow_other) text += ",allow_other";
  std::array<char*, 4> arguments = {program.data(), flag.data(), text.data(), nullptr};
  fuse_args fuse_arguments = FUSE_ARGS_INIT(3, arguments.data());
  Session session(fuse_session_new(&fuse_arguments, &operations, sizeof(operations), &mount));
  fuse_opt_free_args(&fuse_arguments);
  if (!session.Start(mountpoint)) return MountError(mountpoint);
  session.Serve();
  return {};
}

}  // namespace ekshume::casefile

#else

namespace ekshume::casefile {

Result<void> MountAndServe(const fs::Filesystem& /*filesystem*/, const std::string& mountpoint,
                           const MountOptions& /*options*/) {
  return Fail(ErrorCode::kUnsupported,
              fmt::format("cannot mount at {}: this ekshume was built without libfuse 3; `export` "
                          "and `extract` give the same files",
                          EscapeForTerminal(mountpoint)));
}

}  // namespace ekshume::casefile

#endif
