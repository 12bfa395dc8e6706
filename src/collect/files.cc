// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>

#include "base/limits.h"
#include "collect/context.h"
#include "collect/file_copy.h"
#include "collect/glob.h"
#include "collect/system.h"

namespace ekshume::collect {
namespace {

// What answers the first questions, in the order of asking; small on most nodes.
constexpr std::array<std::string_view, 52> kTriage = {
    "/dev/shm/**",
    "/tmp/**",
    "/var/tmp/**",
    "/run/containerd/io.containerd.runtime.v2.task/*/*/config.json",
    "/run/containerd/io.containerd.runtime.v2.task/*/*/*.json",
    "/run/log/journal/**",
    "/etc/passwd",
    "/etc/group",
    "/etc/shadow",
    "/etc/sudoers",
    "/etc/sudoers.d/**",
    "/etc/hosts",
    "/etc/hostname",
    "/etc/machine-id",
    "/etc/os-release",
    "/etc/resolv.conf",
    "/etc/ld.so.preload",
    "/etc/ld.so.conf.d/**",
    "/etc/profile",
    "/etc/profile.d/**",
    "/etc/bash.bashrc",
    "/etc/crontab",
    "/etc/cron*/**",
    "/etc/systemd/system/**",
    "/etc/systemd/user/**",
    "/etc/rc.local",
    "/etc/init.d/**",
    "/etc/ssh/*",
    "/etc/pam.d/**",
    "/etc/modules-load.d/**",
    "/etc/udev/rules.d/**",
    "/etc/kubernetes/**",
    "/etc/kubelet.d/**",
    "/etc/eks/**",
    "/etc/cni/**",
    "/etc/containerd/**",
    "/etc/docker/**",
    "/etc/crictl.yaml",
    "/root/.ssh/**",
    "/root/.*",
    "/home/*/.ssh/**",
    "/home/*/.*",
    "/var/spool/cron/**",
    "/var/lib/kubelet/config.yaml",
    "/var/lib/kubelet/kubeconfig",
    "/var/lib/kubelet/*_state",
    "/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db",
    "/var/lib/docker/containers/*/*.json",
    "/var/lib/amazon/ssm/**",
    "/var/log/**",
    "/usr/local/bin/**",
    "/opt/cni/bin/*"};

// Kernel filesystems hold no files, and what they show is in the tables.
constexpr std::array<std::string_view, 3> kNeverEntered = {"/proc", "/sys", "/dev"};

// Opens a file below a folder, never through a symbolic link: whoever replaces a folder of the path
// by one while it is walked gets an error (ELOOP), and no file of elsewhere into the archive.
// Kernels before 5.6 cannot do so and look at the last component alone.
Descriptor OpenBelow(int root, const std::string& root_path, const std::string& path,
                     bool* kept_atime) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_NOATIME;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  const char* relative = path.c_str() + path.find_first_not_of('/');
  long number = syscall(SYS_openat2, root, relative, &how, sizeof(how));
  *kept_atime = number >= 0;
  if (number < 0 && errno == EPERM) {
    how.flags &= ~uint64_t{O_NOATIME};
    number = syscall(SYS_openat2, root, relative, &how, sizeof(how));
  }
  if (number < 0 && errno == ENOSYS) {
    return OpenForReading(root_path + path, /*follow=*/false, kept_atime);
  }
  return Descriptor(static_cast<int>(number));
}

// A tree to copy from: the host's root, or a container's.
struct Tree {
  std::string path;         // where it is seen from here: "/host", "/proc/7/root"
  std::string member_root;  // "root", "containers/ID/root"
};

class TreeCollector {
 public:
  TreeCollector(Context& context, collection::TableWriter& table, const Tree& tree);
  Result<void> Run();

 private:
  Result<void> Walk(const std::vector<std::string>& path, bool all);
  Result<void> Add(const std::vector<std::string>& path, const struct stat& status);
  Result<void> AddRow(const std::string& member, const std::string& path, const struct stat& status,
                      const std::string& target);
  std::string Joined(const std::vector<std::string>& path) const;

  Context& context_;
  collection::TableWriter& table_;
  const Tree tree_;
  Descriptor root_;
  std::vector<Glob> globs_;
  std::vector<std::vector<std::string>> pending_;
  std::map<FileIdentity, std::string> first_names_;  // of files with several names
  uint64_t root_device_ = 0;
  uint64_t left_out_bytes_ = 0;  // by --files-total
  uint64_t left_out_files_ = 0;
};

TreeCollector::TreeCollector(Context& context, collection::TableWriter& table, const Tree& tree)
    : context_(context), table_(table), tree_(tree) {
  if (context.options.profile == Profile::kFull) globs_.emplace_back("/**");
  if (context.options.profile == Profile::kTriage) {
    for (const std::string_view pattern : kTriage) globs_.emplace_back(pattern);
  }
  for (const std::string& pattern : context.options.globs) globs_.emplace_back(pattern);
}

std::string TreeCollector::Joined(const std::vector<std::string>& path) const {
  std::string joined;
  for (const std::string& part : path) {
    joined.push_back('/');
    joined.append(part);
  }
  return joined;
}

Result<void> TreeCollector::AddRow(const std::string& member, const std::string& path,
                                   const struct stat& status, const std::string& target) {
  JsonLine line;
  line.Text("member", member);
  line.Text("path", path);
  line.Text("type", std::string(1, TypeLetter(status.st_mode)));
  line.Number("inode", status.st_ino);
  line.Number("device", status.st_dev);
  line.Number("links", status.st_nlink);
  line.Text("mode", fmt::format("{:04o}", status.st_mode & 07777));
  line.Number("uid", status.st_uid);
  line.Number("gid", status.st_gid);
  line.Number("size", status.st_size);
  line.Number("allocated", int64_t{status.st_blocks} * 512);
  line.Time("modified", TimeOf(status.st_mtim));
  line.Time("changed", TimeOf(status.st_ctim));
  line.Time("accessed", TimeOf(status.st_atim));
  struct statx more{};
  const std::string where = tree_.path + path;
  if (statx(AT_FDCWD, where.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BTIME, &more) == 0 &&
      (more.stx_mask & STATX_BTIME) != 0) {
    line.Time("created", {more.stx_btime.tv_sec, more.stx_btime.tv_nsec});
  } else {
    line.Null("created");
  }
  line.TextOrNull("target", target);
  return table_.AddLine(line.Take());
}

Result<void> TreeCollector::Add(const std::vector<std::string>& path, const struct stat& status) {
  const std::string name = Joined(path);
  const std::string where = tree_.path + name;
  const std::string member_name = tree_.member_root + name;
  if (S_ISSOCK(status.st_mode)) return AddRow(member_name, name, status, {});
  collection::TarMember member = MemberOf(member_name, status, -1);
  if (S_ISLNK(status.st_mode)) member.link_target = LinkTarget(where).value_or(std::string());
  EKSHUME_TRY(AddRow(member_name, name, status, member.link_target));
  if (context_.options.received.contains(member_name)) return {};
  if (S_ISREG(status.st_mode) &&
      static_cast<uint64_t>(status.st_size) >
          context_.options.files_total_bytes -
              std::min(context_.file_bytes, context_.options.files_total_bytes)) {
    left_out_bytes_ += static_cast<uint64_t>(status.st_size);
    ++left_out_files_;
    return {};
  }
  if (S_ISREG(status.st_mode) &&
      static_cast<uint64_t>(status.st_size) > context_.options.file_bytes) {
    return context_.journal.Skip(SkipReason::kLimit, member_name,
                                 fmt::format("{} bytes, more than --file-limit {}", status.st_size,
                                             context_.options.file_bytes));
  }
  if (status.st_nlink > 1 && !S_ISDIR(status.st_mode)) {
    const auto [first, is_new] =
        first_names_.emplace(FileIdentity{status.st_dev, status.st_ino}, member_name);
    if (!is_new) {
      member.is_hard_link = true;
      member.link_target = first->second;
      return context_.writer.Add(member);
    }
  }
  if (!S_ISREG(status.st_mode)) return context_.writer.Add(member);
  bool kept_atime = false;
  const Descriptor file = OpenBelow(root_.number(), tree_.path, name, &kept_atime);
  struct stat opened{};
  if (!file.is_open() || fstat(file.number(), &opened) != 0) {
    return context_.journal.Skip(member_name, SystemError("open", where, errno));
  }
  if (!S_ISREG(opened.st_mode)) {
    return context_.journal.Skip(SkipReason::kGone, member_name, "it was replaced meanwhile");
  }
  if (!kept_atime) ++context_.journal.access_times_changed;
  // Its size may have changed since it was listed; what was open counts.
  member = MemberOf(member_name, opened, file.number());
  context_.file_bytes += member.stat.size_bytes;
  return CopyFile(context_, member, file.number());
}

Result<void> TreeCollector::Walk(const std::vector<std::string>& path, bool all) {
  const std::string where = tree_.path + Joined(path);
  const auto names = ListDirectory(where.empty() ? "/" : where, limits::kMaxCollectionMembers);
  if (!names) {
    if (names.error().code == ErrorCode::kNotFound && !path.empty()) return {};
    return context_.journal.Skip(tree_.member_root + Joined(path), names.error());
  }
  std::vector<std::vector<std::string>> folders;
  for (const std::string& name : *names) {
    if (context_.cancelled) return {};
    std::vector<std::string> child = path;
    child.push_back(name);
    const std::string shown = Joined(child);
    struct stat status{};
    if (lstat((tree_.path + shown).c_str(), &status) != 0) continue;
    const bool matches =
        std::any_of(globs_.begin(), globs_.end(), [&](const Glob& g) { return g.Matches(child); });
    if (matches) EKSHUME_TRY(Add(child, status));
    if (!S_ISDIR(status.st_mode) || child.size() >= limits::kMaxDirectoryDepth) continue;
    const bool kernel =
        std::find(kNeverEntered.begin(), kNeverEntered.end(), shown) != kNeverEntered.end() &&
        shown != "/dev";
    // Other filesystems are entered when a pattern names a place in them, not by "everything".
    const bool other = context_.options.profile == Profile::kFull && all &&
                       status.st_dev != root_device_ && shown != "/dev/shm" && shown != "/dev" &&
                       shown != "/run" && shown != "/tmp" && shown != "/var" && shown != "/home";
    if (kernel || other) {
      if (other) {
        EKSHUME_TRY(context_.journal.Skip(SkipReason::kLimit, tree_.member_root + shown,
                                          "another filesystem is mounted there"));
      }
      continue;
    }
    if (std::any_of(globs_.begin(), globs_.end(),
                    [&](const Glob& g) { return g.MayMatchBelow(child); })) {
      folders.push_back(std::move(child));
    }
  }
  // The last one added is walked first.
  pending_.insert(pending_.end(), std::make_move_iterator(folders.rbegin()),
                  std::make_move_iterator(folders.rend()));
  return {};
}

Result<void> TreeCollector::Run() {
  if (globs_.empty()) return {};
  struct stat status{};
  const std::string root = tree_.path.empty() ? "/" : tree_.path + "/";
  root_ = Descriptor(open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root_.is_open() || fstat(root_.number(), &status) != 0) {
    return context_.journal.Skip(tree_.member_root, SystemError("open", root, errno));
  }
  root_device_ = status.st_dev;
  const bool all = context_.options.profile == Profile::kFull;
  pending_.emplace_back();
  while (!pending_.empty() && !context_.cancelled) {
    const std::vector<std::string> path = std::move(pending_.back());
    pending_.pop_back();
    EKSHUME_TRY(Walk(path, all));
  }
  if (left_out_files_ == 0) return {};
  return context_.journal.Skip(
      SkipReason::kLimit, tree_.member_root,
      fmt::format("{} files of {} bytes, by --files-total {}; files.jsonl "
                  "has their names",
                  left_out_files_, left_out_bytes_, context_.options.files_total_bytes));
}

}  // namespace

Result<void> CollectFiles(Context& context) {
  const Options& options = context.options;
  if (options.profile == Profile::kNone && options.globs.empty()) return {};
  collection::TableWriter table(context.writer, "files.jsonl");
  std::vector<Tree> trees;
  const bool whole_node =
      options.pids.empty() && options.container_ids.empty() && options.pod_uids.empty();
  if (whole_node) {
    trees.push_back({options.root, "root"});
  } else {
    // The root of each container's first process; of a process outside containers its own.
    std::map<std::string, int> first;
    for (const Process& process : context.processes)
      first.emplace(process.container_id, process.pid);
    for (const auto& [id, pid] : first) {
      trees.push_back({context.ProcPath(pid, "root"),
                       first.size() == 1
                           ? "root"
                           : fmt::format("containers/{}/root", id.empty() ? "none" : id)});
    }
  }
  for (const Tree& tree : trees) EKSHUME_TRY(TreeCollector(context, table, tree).Run());
  return table.Finish();
}

}  // namespace ekshume::collect
