// SPDX-License-Identifier: Apache-2.0
#include "detect/drift/places.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>

namespace ekshume::detect::drift {
namespace {

// Where attackers make themselves at home on a Linux node: MITRE ATT&CK T1053, T1098.004, T1136,
// T1543.002, T1546.004, T1547.006, T1574.006, and Kubernetes' static pods.
constexpr std::array kPlaces = {
    Place{"etc/cron", "cron", "drift.cron"},
    Place{"var/spool/cron/", "cron", "drift.cron"},
    Place{"etc/anacrontab", "cron", "drift.cron"},
    Place{"var/spool/at/", "at job", "drift.cron"},
    Place{"etc/systemd/system/", "systemd unit", "drift.systemd_unit"},
    Place{"usr/lib/systemd/system/", "systemd unit", "drift.systemd_unit"},
    Place{"lib/systemd/system/", "systemd unit", "drift.systemd_unit"},
    Place{"usr/local/lib/systemd/system/", "systemd unit", "drift.systemd_unit"},
    Place{"etc/init.d/", "init script", "drift.init_script"},
    Place{"etc/rc.", "init script", "drift.init_script"},
    Place{"etc/rcS.d/", "init script", "drift.init_script"},
    Place{"etc/rc3.d/", "init script", "drift.init_script"},
    Place{"etc/rc5.d/", "init script", "drift.init_script"},
    Place{"etc/ld.so.preload", "preloaded library", "drift.library_preload"},
    Place{"etc/ld.so.conf", "library path", "drift.library_path"},
    Place{"etc/passwd", "account", "drift.account"},
    Place{"etc/shadow", "account", "drift.account"},
    Place{"etc/group", "account", "drift.account"},
    Place{"etc/gshadow", "account", "drift.account"},
    Place{"etc/sudoers", "sudo rule", "drift.sudo_rule"},
    Place{"etc/pam.d/", "login rule", "drift.login_rule"},
    Place{"etc/ssh/", "ssh server", "drift.ssh_server"},
    Place{"etc/profile", "shell profile", "drift.shell_profile"},
    Place{"etc/bash", "shell profile", "drift.shell_profile"},
    Place{"etc/environment", "shell profile", "drift.shell_profile"},
    Place{"etc/modules-load.d/", "kernel module", "drift.kernel_module"},
    Place{"etc/modprobe.d/", "kernel module", "drift.kernel_module"},
    Place{"etc/udev/rules.d/", "udev rule", "drift.udev_rule"},
    Place{"etc/kubernetes/manifests/", "static pod", "drift.static_pod"},
    Place{"etc/hosts", "name resolution", "drift.name_resolution"},
};
constexpr Place kSshKey = {"", "ssh key", "drift.ssh_key"};
constexpr Place kShellHistory = {"", "shell history", "drift.shell_history"};
constexpr Place kShellProfile = {"", "shell profile", "drift.shell_profile"};

template <size_t N>
bool IsOneOf(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::ranges::find(words, text) != words.end();
}

template <size_t N>
bool IsBelowOneOf(std::string_view path, const std::array<std::string_view, N>& folders) {
  return std::ranges::any_of(folders, [&](std::string_view f) { return path.starts_with(f); });
}

constexpr std::array<std::string_view, 24> kUserFolders = {".cache",
                                                           ".local",
                                                           ".config",
                                                           ".npm",
                                                           ".venv",
                                                           ".git",
                                                           ".m2",
                                                           ".gradle",
                                                           ".cargo",
                                                           ".rustup",
                                                           ".nvm",
                                                           ".yarn",
                                                           ".pnpm",
                                                           ".bundle",
                                                           ".gem",
                                                           ".dotnet",
                                                           ".nuget",
                                                           ".pyenv",
                                                           ".rbenv",
                                                           ".poetry",
                                                           ".vscode",
                                                           ".docker",
                                                           ".docker-entrypoint.d",
                                                           ".build-id"};

// Calls `visit` for each part of a path until it returns true.
template <typename Visit>
bool AnyPart(std::string_view path, const Visit& visit) {
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    if (end > 0 && visit(path.substr(0, end))) return true;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return false;
}

// proc(5) and the kernel's own names. What is counted as an imitation: the name, and at most three
// characters more (kworkerd, kdevtmpfsi).
constexpr std::array<std::string_view, 24> kKernelThreads = {
    "kworker",   "kthreadd", "ksoftirqd", "kdevtmpfs",  "khugepaged",  "kswapd",
    "kcompactd", "kblockd",  "kauditd",   "khungtaskd", "kintegrityd", "kpsmoused",
    "kthrotld",  "ksmd",     "watchdogd", "rcu_sched",  "rcu_preempt", "rcu_gp",
    "cpuhp",     "xfsaild",  "jbd2",      "scsi_eh",    "oom_reaper",  "edac-poller"};
// Names that programs of applications have too (init, cron, migration) are not among these.
constexpr std::array<std::string_view, 24> kServices = {
    "dbus",       "dbus-daemon", "sshd",           "crond",
    "udevd",      "rsyslogd",    "journald",       "containerd",
    "dockerd",    "kubelet",     "polkitd",        "auditd",
    "chronyd",    "atd",         "agetty",         "runc",
    "logind",     "networkd",    "irqbalance",     "containerd-shim",
    "kube-proxy", "resolved",    "NetworkManager", "amazon-ssm-agent"};

std::string_view Stem(std::string_view name) {
  while (!name.empty() && (name.front() == '.' || name.front() == '[')) name.remove_prefix(1);
  if (name.ends_with(']')) name.remove_suffix(1);
  return name;
}

}  // namespace

std::string_view FileName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

const Place* FindPlace(std::string_view path) {
  for (const Place& place : kPlaces) {
    if (path.starts_with(place.prefix)) return &place;
  }
  const std::string_view name = FileName(path);
  const bool in_home = path.starts_with("root/") || path.starts_with("home/") ||
                       path.find("/.ssh/") != std::string_view::npos;
  if (name == "authorized_keys" || name == "authorized_keys2" ||
      (in_home && path.find(".ssh/") != std::string_view::npos)) {
    return &kSshKey;
  }
  if (in_home && name.starts_with('.') && name.ends_with("_history")) return &kShellHistory;
  constexpr std::array<std::string_view, 5> kProfiles = {".bashrc", ".profile", ".bash_profile",
                                                         ".zshrc", ".bash_logout"};
  if (in_home && IsOneOf(name, kProfiles)) return &kShellProfile;
  return nullptr;
}

bool IsTemporary(std::string_view path) {
  constexpr std::array<std::string_view, 5> kFolders = {"tmp/", "var/tmp/", "dev/shm/", "run/lock/",
                                                        "run/shm/"};
  return IsBelowOneOf(path, kFolders);
}

bool IsHidden(std::string_view path) {
  return AnyPart(path, [](std::string_view part) {
    return part.size() > 1 && part.front() == '.' && part != ".." && !IsOneOf(part, kUserFolders);
  });
}

bool IsCache(std::string_view path) {
  constexpr std::array<std::string_view, 12> kParts = {
      ".cache",        "__pycache__", "node_modules", "site-packages",
      "dist-packages", ".npm",        "_cacacache",   "gems",
      ".m2",           ".gradle",     ".cargo",       "ms-playwright"};
  return path.starts_with("var/cache/") || path.starts_with("var/lib/apt/") ||
         path.starts_with("var/lib/dpkg/") || path.starts_with("lib/apk/") ||
         AnyPart(path, [&](std::string_view part) { return IsOneOf(part, kParts); });
}

bool IsGoBuild(std::string_view path) {
  const auto skip = [&path](std::string_view text) {
    if (!path.starts_with(text)) return false;
    path.remove_prefix(text.size());
    return true;
  };
  const auto skip_digits = [&path] {
    const size_t end = std::min(path.find_first_not_of("0123456789"), path.size());
    path.remove_prefix(end);
    return end > 0;
  };
  return skip("tmp/go-build") && skip_digits() && skip("/b") && skip_digits() && skip("/");
}

bool IsSystemFolder(std::string_view path) {
  constexpr std::array<std::string_view, 9> kFolders = {"bin/",     "sbin/",      "lib/",
                                                        "lib64/",   "usr/bin/",   "usr/sbin/",
                                                        "usr/lib/", "usr/lib64/", "usr/libexec/"};
  return IsBelowOneOf(path, kFolders);
}

std::string_view Imitates(std::string_view path) {
  const std::string_view name = FileName(path);
  const std::string_view stem = Stem(name);
  for (const std::string_view thread : kKernelThreads) {
    if (stem.starts_with(thread) && stem.size() <= thread.size() + 3) return "a kernel thread";
  }
  const bool own_place = IsSystemFolder(path) || path.starts_with("usr/local/bin/") ||
                         path.starts_with("usr/local/sbin/") || path.starts_with("opt/");
  if (own_place && !name.starts_with('.')) return "";
  if (stem.starts_with("systemd-") || IsOneOf(stem, kServices)) return "a system service";
  return "";
}

std::string_view DisguiseOf(std::string_view path) {
  constexpr std::array<std::string_view, 24> kExtensions = {
      "jpg",  "jpeg", "png", "gif",  "svg",  "ico", "bmp", "txt", "log", "html", "htm",  "css",
      "json", "xml",  "yml", "yaml", "conf", "md",  "pdf", "csv", "mp3", "mp4",  "woff", "woff2"};
  const std::string_view name = FileName(path);
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return "";
  const std::string_view extension = name.substr(dot + 1);
  return IsOneOf(extension, kExtensions) ? extension : "";
}

bool IsLibraryName(std::string_view path) {
  const std::string_view name = FileName(path);
  return name.ends_with(".so") || name.find(".so.") != std::string_view::npos ||
         name.ends_with(".node") || name.ends_with(".o") || name.ends_with(".ko") ||
         (name.starts_with("jna") && name.ends_with(".tmp"));
}

bool IsTool(std::string_view path) {
  constexpr std::array<std::string_view, 54> kTools = {
      "curl",     "wget",     "nc",         "ncat",     "netcat",   "ps",      "top",
      "htop",     "pgrep",    "pkill",      "kill",     "killall",  "lsof",    "ss",
      "netstat",  "ip",       "tcpdump",    "strace",   "ltrace",   "gdb",     "chattr",
      "lsattr",   "iptables", "nft",        "apt",      "apt-get",  "dpkg",    "yum",
      "dnf",      "microdnf", "apk",        "rpm",      "pip",      "crontab", "find",
      "w",        "who",      "last",       "aide",     "clamscan", "falco",   "sysdig",
      "auditctl", "ausearch", "chkrootkit", "rkhunter", "docker",   "kubectl", "crictl",
      "aws",      "sudo",     "passwd",     "id",       "dig"};
  constexpr std::array<std::string_view, 6> kFolders = {
      "bin/", "sbin/", "usr/bin/", "usr/sbin/", "usr/local/bin/", "usr/local/sbin/"};
  return IsBelowOneOf(path, kFolders) && IsOneOf(FileName(path), kTools);
}

bool IsShell(std::string_view path) {
  constexpr std::array<std::string_view, 8> kShells = {"sh",  "bash", "dash",  "ash",
                                                       "zsh", "ksh",  "rbash", "busybox"};
  return IsOneOf(FileName(path), kShells);
}

bool IsArchiveName(std::string_view path) {
  constexpr std::array<std::string_view, 12> kEndings = {
      ".tgz",    ".tar.gz",  ".tar",  ".zip", ".7z",      ".rar",
      ".tar.xz", ".tar.bz2", ".tbz2", ".txz", ".tar.zst", ".cpio.gz"};
  const std::string_view name = FileName(path);
  return std::ranges::any_of(kEndings, [&](std::string_view e) { return name.ends_with(e); });
}

}  // namespace ekshume::detect::drift
