// SPDX-License-Identifier: Apache-2.0
#include "fs/folder/descriptor.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/limits.h"
#include "base/text.h"

namespace ekshume::fs::folder {
namespace {

Error SystemError(std::string_view name, int error) {
  const ErrorCode code = error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo;
  return Fail(
      code, fmt::format("{}: {}", EscapeForTerminal(name), std::generic_category().message(error)));
}

NodeType FromDirentType(unsigned char type) {
  switch (type) {
    case DT_REG: return NodeType::kRegular;
    case DT_DIR: return NodeType::kDirectory;
    case DT_LNK: return NodeType::kSymlink;
    case DT_CHR: return NodeType::kCharDevice;
    case DT_BLK: return NodeType::kBlockDevice;
    case DT_FIFO: return NodeType::kFifo;
    case DT_SOCK: return NodeType::kSocket;
    default: return NodeType::kUnknown;
  }
}

struct CloseStream {
  void operator()(DIR* stream) const { closedir(stream); }
};

}  // namespace

Descriptor::~Descriptor() {
  if (value_ >= 0) close(value_);
}

Descriptor OpenAt(int directory, const std::string& name, int flags) {
  flags |= O_NOFOLLOW | O_CLOEXEC;
  Descriptor descriptor(openat(directory, name.c_str(), flags | O_NOATIME));
  // Only the owner may ask for O_NOATIME.
  if (!descriptor && errno == EPERM) {
    descriptor = Descriptor(openat(directory, name.c_str(), flags));
  }
  return descriptor;
}

Result<std::vector<NameAndType>> ReadNames(const Place& place) {
  Descriptor directory = OpenAt(place.parent->value(), place.name, O_RDONLY | O_DIRECTORY);
  if (!directory) return SystemError(place.name, errno);
  // The stream takes the descriptor over, hence the duplicate.
  const std::unique_ptr<DIR, CloseStream> stream(
      fdopendir(fcntl(directory.value(), F_DUPFD_CLOEXEC, 0)));
  if (stream == nullptr) return SystemError(place.name, errno);
  std::vector<NameAndType> names;
  errno = 0;
  while (const dirent* entry = readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    names.push_back({std::string(name), FromDirentType(entry->d_type)});
    errno = 0;
  }
  if (errno != 0) return SystemError(place.name, errno);
  return names;
}

Result<XattrList> ReadXattrs(const Place& place, size_t most) {
  // There is no listxattrat(2) yet; the parent's descriptor under /proc is the way to name a node
  // without walking its path again.
  const std::string path = fmt::format("/proc/self/fd/{}/{}", place.parent->value(), place.name);
  std::string list(limits::kMaxXattrValueBytes, '\0');
  const ssize_t list_size = llistxattr(path.c_str(), list.data(), list.size());
  if (list_size < 0 && errno == ENOTSUP) return XattrList{};
  if (list_size < 0) return SystemError(place.name, errno);
  list.resize(static_cast<size_t>(list_size));
  XattrList read;
  std::string value(limits::kMaxXattrValueBytes, '\0');
  for (const std::string_view name : SplitNonEmpty(list, '\0')) {
    if (read.xattrs.size() >= most) {
      read.more = true;
      break;
    }
    const std::string name_text(name);
    const ssize_t size = lgetxattr(path.c_str(), name_text.c_str(), value.data(), value.size());
    if (size < 0 && errno == ENODATA) continue;  // gone, or hidden from an ordinary user
    if (size < 0) return SystemError(place.name, errno);
    read.xattrs.push_back({name_text, value.substr(0, static_cast<size_t>(size))});
  }
  std::ranges::sort(read.xattrs, {}, &Xattr::name);
  return read;
}

}  // namespace ekshume::fs::folder
