// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>

#include "base/limits.h"
#include "base/text.h"
#include "collect/context.h"
#include "collect/system.h"

namespace ekshume::collect {
namespace {

constexpr size_t kMaxTextBytes = size_t{4} << 20;
constexpr size_t kMaxKernelLogBytes = size_t{16} << 20;
constexpr size_t kMaxKernelRecordBytes = 8192;  // CONSOLE_EXT_LOG_MAX

// Small files of the kernel that say how it is set up, and where attackers change it.
constexpr std::array<std::string_view, 34> kSystemFiles = {
    "/proc/version",
    "/proc/cmdline",
    "/proc/uptime",
    "/proc/stat",
    "/proc/meminfo",
    "/proc/loadavg",
    "/proc/cpuinfo",
    "/proc/modules",
    "/proc/filesystems",
    "/proc/partitions",
    "/proc/swaps",
    "/proc/devices",
    "/proc/keys",
    "/proc/locks",
    "/proc/cgroups",
    "/proc/interrupts",
    "/proc/sys/kernel/tainted",
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/hotplug",
    "/proc/sys/kernel/kptr_restrict",
    "/proc/sys/kernel/randomize_va_space",
    "/proc/sys/kernel/yama/ptrace_scope",
    "/proc/sys/kernel/unprivileged_bpf_disabled",
    "/proc/sys/kernel/modules_disabled",
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/sys/fs/binfmt_misc/status",
    "/sys/kernel/uevent_helper",
    "/sys/kernel/security/lsm",
    "/sys/kernel/security/lockdown",
    "/sys/kernel/debug/kprobes/list",
    "/sys/kernel/tracing/enabled_functions",
    "/sys/class/dmi/id/product_name",
    "/sys/class/dmi/id/board_asset_tag"};

// The host's /proc and /sys: the former where it was said to be, the latter below its root.
std::string SystemPath(const Context& context, std::string_view path) {
  constexpr std::string_view kProc = "/proc";
  if (path.starts_with("/proc/")) {
    return context.options.proc + std::string(path.substr(kProc.size()));
  }
  return context.HostPath(path);
}

Result<void> CollectModules(Context& context) {
  collection::TableWriter table(context.writer, "live/modules.jsonl");
  std::set<std::string> listed;
  Result<void> outcome;
  const Result<void> read =
      ForEachLine(context.options.proc + "/modules", [&](std::string_view text) {
        // nf_nat 61440 3 xt_MASQUERADE,nft_chain_nat, Live 0xffffffffc0a5b000 (OE)
        const std::vector<std::string_view> fields = Fields(text);
        if (fields.size() < 6) return true;
        listed.emplace(fields[0]);
        JsonLine line;
        line.Text("name", fields[0]);
        line.Number("size", ParseNumber(fields[1]).value_or(0));
        line.Number("references", ParseNumber(fields[2]).value_or(0));
        std::vector<std::string> users;
        for (const std::string_view user : SplitNonEmpty(fields[3], ',')) {
          if (user != "-") users.emplace_back(user);
        }
        line.List("used_by", users);
        line.Text("state", fields[4]);
        line.Text("address", fields[5]);
        line.TextOrNull("taint", fields.size() > 6 ? fields[6] : std::string_view());
        const std::string sysfs = context.HostPath(fmt::format("/sys/module/{}", fields[0]));
        line.Bool("in_sysfs", access(sysfs.c_str(), F_OK) == 0);
        outcome = table.AddLine(line.Take());
        return outcome.has_value();
      });
  EKSHUME_TRY(std::move(outcome));
  if (!read) EKSHUME_TRY(context.journal.Skip("live/modules.jsonl", read.error()));
  // A module that sysfs knows as loaded and the listing does not have has been taken out of it.
  const std::string folder = context.HostPath("/sys/module");
  const auto names = ListDirectory(folder, limits::kMaxSockets);
  for (const std::string& name : names ? *names : std::vector<std::string>()) {
    const std::string state = TrimmedText(fmt::format("{}/{}/initstate", folder, name));
    if (state.empty() || listed.contains(name) || !read) continue;
    JsonLine line;
    line.Text("name", name);
    line.Text("state", state);
    line.Bool("in_sysfs", true);
    line.Bool("hidden", true);
    EKSHUME_TRY(table.AddLine(line.Take()));
  }
  return table.Finish();
}

// proc(5), /proc/PID/mountinfo: spaces and the like are octal escapes.
std::string Unescape(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      if (const auto code = ParseNumber(text.substr(i + 1, 3), 8); code && *code < 256) {
        bytes.push_back(static_cast<char>(*code));
        i += 3;
        continue;
      }
    }
    bytes.push_back(text[i]);
  }
  return bytes;
}

std::optional<std::string> MountLine(const Process& process, std::string_view text) {
  // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
  const std::vector<std::string_view> fields = Fields(text);
  const auto dash = std::find(fields.begin(), fields.end(), "-");
  if (dash - fields.begin() < 6 || fields.end() - dash < 3) return std::nullopt;
  JsonLine line;
  line.Number("mnt_namespace", process.mount_namespace);
  line.Number("pid", process.pid);
  line.Number("mount_id", ParseNumber(fields[0]).value_or(0));
  line.Number("parent_id", ParseNumber(fields[1]).value_or(0));
  line.Text("device", fields[2]);
  line.Text("root", Unescape(fields[3]));
  line.Text("mount_point", Unescape(fields[4]));
  line.Text("options", fields[5]);
  std::vector<std::string> optional;
  for (auto field = fields.begin() + 6; field != dash; ++field) optional.emplace_back(*field);
  line.List("optional", optional);
  line.Text("type", dash[1]);
  line.Text("source", Unescape(dash[2]));
  line.Text("super_options", fields.end() - dash > 3 ? Unescape(dash[3]) : std::string());
  return line.Take();
}

Result<void> CollectMounts(Context& context) {
  collection::TableWriter table(context.writer, "live/mounts.jsonl");
  std::set<uint64_t> seen;
  for (const Process& process : context.processes) {
    if (process.mount_namespace == 0 || !seen.insert(process.mount_namespace).second) continue;
    Result<void> outcome;
    const Result<void> read =
        ForEachLine(context.ProcPath(process.pid, "mountinfo"), [&](std::string_view text) {
          if (const auto line = MountLine(process, text)) outcome = table.AddLine(*line);
          return outcome.has_value();
        });
    EKSHUME_TRY(std::move(outcome));
    if (!read) {
      EKSHUME_TRY(context.journal.Skip("live/mounts.jsonl", read.error(), process.pid));
      seen.erase(process.mount_namespace);  // another process may show it
    }
  }
  return table.Finish();
}

// The records of /dev/kmsg from the oldest on. Reading it this way takes nothing away.
Result<void> CollectKernelLog(Context& context) {
  std::string path = context.HostPath("/dev/kmsg");
  Descriptor file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file.is_open()) {
    path = "/dev/kmsg";
    file = Descriptor(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  }
  if (!file.is_open()) {
    return context.journal.Skip("live/kernel.log", SystemError("open", path, errno));
  }
  std::string log;
  std::string record(kMaxKernelRecordBytes, '\0');
  while (log.size() < kMaxKernelLogBytes) {
    const ssize_t count = read(file.number(), record.data(), record.size());
    if (count < 0 && (errno == EINTR || errno == EPIPE)) continue;  // EPIPE: overwritten meanwhile
    if (count <= 0) break;
    log.append(record, 0, static_cast<size_t>(count));
  }
  return context.writer.AddText("live/kernel.log", log);
}

Result<void> CollectSystemFiles(Context& context) {
  for (const std::string_view path : kSystemFiles) {
    const Result<std::string> text = ReadText(SystemPath(context, path), kMaxTextBytes);
    if (!text) continue;  // not every kernel has each of them
    std::string name(path.substr(1));
    std::replace(name.begin(), name.end(), '/', '_');
    EKSHUME_TRY(context.writer.AddText(fmt::format("live/system/{}", name), *text));
  }
  const std::string binfmt = context.options.proc + "/sys/fs/binfmt_misc";
  const auto names = ListDirectory(binfmt, 1000);
  for (const std::string& name : names ? *names : std::vector<std::string>()) {
    if (name == "register" || name == "status") continue;
    const std::string text = TextOrEmpty(fmt::format("{}/{}", binfmt, name));
    EKSHUME_TRY(
        context.writer.AddText(fmt::format("live/system/proc_sys_fs_binfmt_misc_{}", name), text));
  }
  return {};
}

Result<void> CollectLogins(Context& context) {
  const std::string path = context.HostPath("/run/utmp");
  const Result<std::string> text = ReadText(path, kMaxTextBytes);
  if (!text) return context.journal.Skip("live/logins.utmp", text.error());
  return context.writer.AddText("live/logins.utmp", *text);
}

}  // namespace

Result<void> CollectKernel(Context& context) {
  EKSHUME_TRY(CollectModules(context));
  EKSHUME_TRY(CollectMounts(context));
  EKSHUME_TRY(CollectLogins(context));
  EKSHUME_TRY(CollectKernelLog(context));
  return CollectSystemFiles(context);
}

}  // namespace ekshume::collect
