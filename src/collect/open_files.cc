// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cerrno>

#include "base/limits.h"
#include "collect/context.h"
#include "collect/file_copy.h"
#include "collect/system.h"

namespace ekshume::collect {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

// What fdinfo says of an open file (proc(5)).
struct FdInfo {
  uint64_t position = 0;
  std::string flags;
};

FdInfo ReadFdInfo(const std::string& path) {
  FdInfo info;
  (void)ForEachLine(path, [&](std::string_view line) {
    const std::vector<std::string_view> fields = Fields(line);
    if (fields.size() < 2) return true;
    if (fields[0] == "pos:") info.position = ParseNumber(fields[1]).value_or(0);
    if (fields[0] == "flags:") info.flags = fields[1];
    return info.flags.empty();
  });
  return info;
}

// True when the kernel's text of a link means a deleted file: it ends in " (deleted)", and no file
// of that very name is the one that is open.
bool IsDeleted(const Context& context, int pid, const std::string& target,
               const struct stat& status) {
  if (!target.ends_with(kDeleted)) return false;
  struct stat named{};
  const std::string path = context.ProcPath(pid, "root") + target;
  return lstat(path.c_str(), &named) != 0 || named.st_ino != status.st_ino ||
         named.st_dev != status.st_dev;
}

Result<void> AddOpenFile(Context& context, collection::TableWriter& table, int pid,
                         const std::string& fd) {
  const std::string link = context.ProcPath(pid, "fd/" + fd);
  std::optional<std::string> target = LinkTarget(link);
  struct stat status{};
  if (!target || stat(link.c_str(), &status) != 0) return {};  // closed meanwhile
  const bool deleted = IsDeleted(context, pid, *target, status);
  if (deleted) target->resize(target->size() - kDeleted.size());
  const FdInfo info = ReadFdInfo(context.ProcPath(pid, "fdinfo/" + fd));
  JsonLine line;
  line.Number("pid", pid);
  line.Raw("fd", fd);
  line.Text("path", *target);
  line.Bool("deleted", deleted);
  line.Text("type", std::string(1, TypeLetter(status.st_mode)));
  line.TextOrNull("flags", info.flags);
  line.Number("position", info.position);
  line.Number("size", status.st_size);
  line.Number("inode", status.st_ino);
  line.Number("device", status.st_dev);
  if (deleted && S_ISREG(status.st_mode)) {
    const auto [member, is_new] = context.deleted_members.emplace(
        FileIdentity{status.st_dev, status.st_ino}, fmt::format("deleted/{}/fd/{}", pid, fd));
    line.Text("member", member->second);
  } else {
    line.Null("member");
  }
  return table.AddLine(line.Take());
}

// "deleted/7/exe" lies behind /proc/7/exe, "deleted/7/fd/3" behind /proc/7/fd/3.
Result<void> CopyDeleted(Context& context, const FileIdentity& identity,
                         const std::string& member_name) {
  if (context.options.received.contains(member_name)) return {};
  const std::string path =
      fmt::format("{}/{}", context.options.proc, std::string_view(member_name).substr(8));
  const Descriptor file = OpenForReading(path, /*follow=*/true);
  if (!file.is_open()) {
    return context.journal.Skip(member_name, SystemError("open", path, errno));
  }
  struct stat status{};
  if (fstat(file.number(), &status) != 0) {
    return context.journal.Skip(member_name, SystemError("stat", path, errno));
  }
  if (FileIdentity{status.st_dev, status.st_ino} != identity) {
    return context.journal.Skip(SkipReason::kGone, member_name,
                                "another file is there now: the process ended or closed it");
  }
  if (static_cast<uint64_t>(status.st_size) > context.options.deleted_bytes) {
    return context.journal.Skip(SkipReason::kLimit, member_name,
                                fmt::format("{} bytes, more than --deleted-limit {}",
                                            status.st_size, context.options.deleted_bytes));
  }
  return CopyFile(context, MemberOf(member_name, status, file.number()), file.number());
}

}  // namespace

Result<void> CollectOpenFiles(Context& context) {
  collection::TableWriter table(context.writer, "live/open_files.jsonl");
  for (const Process& process : context.processes) {
    if (process.kernel_thread) continue;
    if (context.cancelled) break;
    const auto names = ListDirectory(context.ProcPath(process.pid, "fd"), limits::kMaxSockets);
    if (!names) {
      EKSHUME_TRY(context.journal.Skip("live/open_files.jsonl", names.error(), process.pid));
      continue;
    }
    for (const std::string& fd : *names) {
      EKSHUME_TRY(AddOpenFile(context, table, process.pid, fd));
    }
  }
  return table.Finish();
}

Result<void> CollectDeletedFiles(Context& context) {
  for (const auto& [identity, member] : context.deleted_members) {
    if (context.cancelled) break;
    EKSHUME_TRY(CopyDeleted(context, identity, member));
  }
  return {};
}

}  // namespace ekshume::collect
