// SPDX-License-Identifier: Apache-2.0
#include "collect/file_copy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/byte_view.h"
#include "base/limits.h"
#include "base/text.h"

namespace ekshume::collect {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;
// How much of a file is looked at in one mapping to see what is cached.
constexpr uint64_t kWindowBytes = uint64_t{64} << 20;

fs::NodeType NodeTypeOf(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR: return fs::NodeType::kDirectory;
    case S_IFLNK: return fs::NodeType::kSymlink;
    case S_IFCHR: return fs::NodeType::kCharDevice;
    case S_IFBLK: return fs::NodeType::kBlockDevice;
    case S_IFIFO: return fs::NodeType::kFifo;
    default: return fs::NodeType::kRegular;
  }
}

std::vector<fs::Xattr> ReadXattrs(int descriptor) {
  std::vector<fs::Xattr> xattrs;
  std::string names(limits::kMaxXattrValueBytes, '\0');
  const ssize_t length = flistxattr(descriptor, names.data(), names.size());
  if (length <= 0) return xattrs;
  names.resize(static_cast<size_t>(length));
  for (const std::string_view name : SplitNonEmpty(names, '\0')) {
    std::string value(limits::kMaxXattrValueBytes, '\0');
    const std::string key(name);
    const ssize_t size = fgetxattr(descriptor, key.c_str(), value.data(), value.size());
    if (size < 0 || !collection::IsTarXattrName(name)) continue;
    value.resize(static_cast<size_t>(size));
    xattrs.push_back({key, std::move(value)});
  }
  return xattrs;
}

// Which pages of a stretch of a file are in the page cache: mincore(2) on a mapping of it, which
// reads nothing. Empty when the kernel does not tell.
std::vector<unsigned char> CachedPages(int descriptor, uint64_t offset, uint64_t length) {
  void* const mapping =
      mmap(nullptr, length, PROT_NONE, MAP_SHARED, descriptor, static_cast<off_t>(offset));
  if (mapping == MAP_FAILED) return {};
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages((length + page - 1) / page);
  if (mincore(mapping, length, pages.data()) != 0) pages.clear();
  munmap(mapping, length);
  return pages;
}

// Gives back what was not cached before; `pages` is of before the read.
void RestoreCache(Journal& journal, int descriptor, uint64_t offset, uint64_t length,
                  const std::vector<unsigned char>& pages) {
  if (pages.empty()) {
    journal.page_cache_added_bytes += length;
    return;
  }
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  for (size_t begin = 0; begin < pages.size();) {
    const bool cached = (pages[begin] & 1) != 0;
    size_t end = begin;
    while (end < pages.size() && ((pages[end] & 1) != 0) == cached) ++end;
    const uint64_t bytes = (end - begin) * page;
    if (cached) {
      journal.page_cache_kept_bytes += bytes;
    } else {
      posix_fadvise(descriptor, static_cast<off_t>(offset + begin * page),
                    static_cast<off_t>(bytes), POSIX_FADV_DONTNEED);
      journal.page_cache_dropped_bytes += bytes;
    }
    begin = end;
  }
}

}  // namespace

collection::TarMember MemberOf(std::string path, const struct stat& status, int descriptor) {
  collection::TarMember member;
  member.path = std::move(path);
  member.with_all_times = true;
  fs::Stat& stat = member.stat;
  stat.type = NodeTypeOf(status.st_mode);
  stat.permissions = static_cast<uint16_t>(status.st_mode & 07777);
  stat.uid = status.st_uid;
  stat.gid = status.st_gid;
  stat.links = static_cast<uint32_t>(status.st_nlink);
  stat.inode = status.st_ino;
  stat.size_bytes = S_ISREG(status.st_mode) ? static_cast<uint64_t>(status.st_size) : 0;
  stat.device_major = major(status.st_rdev);
  stat.device_minor = minor(status.st_rdev);
  stat.modified = TimeOf(status.st_mtim);
  stat.changed = TimeOf(status.st_ctim);
  stat.accessed = TimeOf(status.st_atim);
  if (descriptor >= 0) member.xattrs = ReadXattrs(descriptor);
  return member;
}

Result<void> CopyFile(Context& context, const collection::TarMember& member, int descriptor) {
  const uint64_t size = member.stat.size_bytes;
  // No reading ahead: it would bring pages into the cache that nobody asked for.
  posix_fadvise(descriptor, 0, 0, POSIX_FADV_RANDOM);
  EKSHUME_TRY(context.writer.Begin(member));
  std::string buffer(kReadBytes, '\0');
  int failed = 0;
  uint64_t offset = 0;
  bool ended = false;
  while (offset < size && !ended) {
    const uint64_t window = std::min(size - offset, kWindowBytes);
    const uint64_t window_begin = offset;
    const std::vector<unsigned char> pages = CachedPages(descriptor, offset, window);
    while (offset < window_begin + window && !ended) {
      const uint64_t wanted = std::min<uint64_t>(window_begin + window - offset, buffer.size());
      const ssize_t count = pread(descriptor, buffer.data(), wanted, static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        failed = count < 0 ? errno : 0;
        ended = true;
        break;
      }
      EKSHUME_TRY(context.writer.Append(ByteView::Of(buffer).First(static_cast<size_t>(count))));
      offset += static_cast<uint64_t>(count);
    }
    RestoreCache(context.journal, descriptor, window_begin, window, pages);
  }
  EKSHUME_TRY(context.writer.End());
  ++context.journal.files_read;
  if (!ended) return {};
  return context.journal.Skip(
      SkipReason::kLoss, member.path,
      fmt::format("only its first {} of {} bytes: {}; the rest is zeros", offset, size,
                  failed == 0 ? "it became shorter" : "it could not be read"),
      0, failed);
}

}  // namespace ekshume::collect
