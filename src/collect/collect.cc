// SPDX-License-Identifier: Apache-2.0
#include "collect/collect.h"

#include <fmt/format.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <ctime>

#include "base/byte_view.h"
#include "base/hash.h"
#include "base/text.h"
#include "collect/context.h"
#include "collect/system.h"
#include "collection/left_out.h"

namespace ekshume::collect {
namespace {

std::string StreamIdText(const collection::StreamId& id) { return ToHex(AsBytes(id)); }

collection::StreamId RandomStreamId() {
  collection::StreamId id{};
  size_t filled = 0;
  while (filled < id.size()) {
    const ssize_t count = getrandom(id.data() + filled, id.size() - filled, 0);
    if (count > 0) filled += static_cast<size_t>(count);
  }
  return id;
}

std::string ClockJson() {
  JsonLine clock;
  clock.Time("realtime", Now());
  clock.Number("monotonic_ns", ClockNanoseconds(CLOCK_MONOTONIC));
  clock.Number("boottime_ns", ClockNanoseconds(CLOCK_BOOTTIME));
  timex state{};
  const int status = adjtimex(&state);  // modes 0: only reads
  if (status >= 0) {
    const bool fine = (state.status & STA_NANO) != 0;
    clock.Bool("synchronized", status != TIME_ERROR && (state.status & STA_UNSYNC) == 0);
    clock.Number("offset_ns", int64_t{state.offset} * (fine ? 1 : 1000));
    clock.Number("max_error_ns", int64_t{state.maxerror} * 1000);
  }
  return clock.Take();
}

std::string HostJson(const Options& options) {
  JsonLine host;
  utsname name{};
  uname(&name);
  const std::string hostname = TrimmedText(options.proc + "/sys/kernel/hostname");
  const std::string named = TrimmedText(options.root + "/etc/hostname");
  host.TextOrNull("hostname", named.empty() ? hostname : named);
  host.Text("kernel", std::string_view(name.release));
  host.Text("kernel_version", std::string_view(name.version));
  host.Text("architecture", std::string_view(name.machine));
  host.TextOrNull("boot_id", TrimmedText(options.proc + "/sys/kernel/random/boot_id"));
  host.TextOrNull("machine_id", TrimmedText(options.root + "/etc/machine-id"));
  host.Time("boot_time", TimestampFromNanoseconds(ClockNanoseconds(CLOCK_REALTIME) -
                                                  ClockNanoseconds(CLOCK_BOOTTIME)));
  host.TextOrNull("command_line", TrimmedText(options.proc + "/cmdline"));
  const std::string asset = TrimmedText("/sys/class/dmi/id/board_asset_tag");
  host.TextOrNull("instance_id", asset.starts_with("i-") ? asset : std::string());
  host.Number("page_bytes", sysconf(_SC_PAGESIZE));
  host.Number("ticks_per_second", sysconf(_SC_CLK_TCK));
  host.Number("processors", sysconf(_SC_NPROCESSORS_ONLN));
  host.Number("memory_bytes", int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE));
  host.Number("pid_max",
              ParseNumber(TrimmedText(options.proc + "/sys/kernel/pid_max")).value_or(0));
  return host.Take();
}

std::string ScopeJson(const Options& options) {
  JsonLine scope;
  scope.Text("kind", !options.pod_uids.empty()        ? "pod"
                     : !options.container_ids.empty() ? "container"
                     : !options.pids.empty()          ? "pid"
                                                      : "node");
  scope.Numbers("pids", options.pids);
  scope.List("container_ids", options.container_ids);
  scope.List("pod_uids", options.pod_uids);
  return scope.Take();
}

std::string OptionsJson(const Options& options) {
  JsonLine line;
  line.Text("memory", options.memory == MemoryMode::kAll         ? "all"
                      : options.memory == MemoryMode::kAnonymous ? "anonymous"
                                                                 : "none");
  line.Number("memory_limit", options.memory_process_bytes);
  line.Number("memory_total", options.memory_total_bytes);
  line.Text("profile", options.profile == Profile::kFull     ? "full"
                       : options.profile == Profile::kTriage ? "triage"
                                                             : "none");
  line.List("globs", options.globs);
  line.Number("file_limit", options.file_bytes);
  line.Number("files_total", options.files_total_bytes);
  line.Number("deleted_limit", options.deleted_bytes);
  line.Number("received_members", options.received.size());
  return line.Take();
}

std::string CollectorJson(const Options& options) {
  JsonLine line;
  line.Number("pid", getpid());
  line.Number("uid", getuid());
  line.Text("root", options.root);
  line.Text("proc", options.proc);
  const std::string self = LinkTarget(options.proc + "/self").value_or(std::string());
  // The initial PID namespace has a fixed inode (include/linux/proc_ns.h, PROC_PID_INIT_INO).
  line.Bool("host_pid_namespace",
            LinkTarget("/proc/self/ns/pid").value_or(std::string()) == "pid:[4026531836]");
  line.Bool("proc_is_own", self == fmt::format("{}", getpid()));
  std::string effective;
  (void)ForEachLine("/proc/self/status", [&](std::string_view text) {
    if (text.starts_with("CapEff:")) effective = Fields(text).back();
    return effective.empty();
  });
  line.TextOrNull("effective_capabilities", effective);
  return line.Take();
}

std::string LeftOutJson(const Options& options) {
  JsonLine line;
  line.Number("count", options.received.size());
  line.Text("sha256",
            collection::LeftOutDigest({options.received.begin(), options.received.end()}));
  return line.Take();
}

Result<void> WriteOpening(Context& context) {
  const Options& options = context.options;
  const collection::WriterOptions& stream = context.writer.options();
  JsonLine line;
  line.Text("format", "ekshume-collection");
  line.Number("version", int{collection::kFormatVersion});
  line.Text("tool", options.tool);
  line.Text("stream_id", StreamIdText(stream.stream_id));
  line.Number("part", stream.part);
  if (stream.part > 1) {
    line.Text("resumes", StreamIdText(stream.continues_id));
    line.Raw("left_out", LeftOutJson(options));
  } else {
    line.Null("resumes");
  }
  line.Time("started", stream.began);
  line.Raw("clock", ClockJson());
  line.Raw("host", HostJson(options));
  line.Raw("scope", ScopeJson(options));
  line.Raw("options", OptionsJson(options));
  line.Raw("collector", CollectorJson(options));
  std::string text = line.Take();
  text.push_back('\n');
  return context.writer.AddText("collection.json", text);
}

Result<void> Trace(Journal& journal, std::string_view what, std::string_view detail,
                   std::string_view key = {}, uint64_t number = 0) {
  JsonLine line;
  line.Text("what", what);
  line.Text("detail", detail);
  if (!key.empty()) line.Number(key, number);
  return journal.Trace(std::move(line));
}

// A number from "key: number" in a file about ourselves.
uint64_t OwnNumber(const char* path, std::string_view key) {
  uint64_t value = 0;
  (void)ForEachLine(path, [&](std::string_view line) {
    const std::vector<std::string_view> fields = Fields(line);
    if (fields.size() >= 2 && fields[0] == key) value = ParseNumber(fields[1]).value_or(0);
    return true;
  });
  return value;
}

Result<void> WriteTraces(Context& context) {
  Journal& journal = context.journal;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  EKSHUME_TRY(Trace(journal, "process",
                    fmt::format("the collector ran as process {} and is in the process table, the "
                                "kernel's accounting and audit, if there are such",
                                getpid()),
                    "pid", static_cast<uint64_t>(getpid())));
  EKSHUME_TRY(Trace(journal, "memory", "the most memory that it had resident", "bytes",
                    OwnNumber("/proc/self/status", "VmHWM:") * 1024));
  EKSHUME_TRY(Trace(journal, "processor_time", "user and system time, in microseconds",
                    "microseconds",
                    static_cast<uint64_t>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                        static_cast<uint64_t>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)));
  EKSHUME_TRY(Trace(journal, "disk_writes",
                    "bytes that it caused to be written to a disk, as /proc/self/io counts them "
                    "(none but of its output, when that is a file)",
                    "bytes", OwnNumber("/proc/self/io", "write_bytes:")));
  EKSHUME_TRY(Trace(journal, "disk_reads", "bytes that it caused to be read from a disk", "bytes",
                    OwnNumber("/proc/self/io", "read_bytes:")));
  EKSHUME_TRY(Trace(journal, "page_cache",
                    "bytes of files that were in the page cache before they were read; their place "
                    "in its order of use is newer now",
                    "bytes", journal.page_cache_kept_bytes));
  EKSHUME_TRY(Trace(journal, "page_cache",
                    "bytes of files that were not in the page cache, were read and given back",
                    "bytes", journal.page_cache_dropped_bytes));
  EKSHUME_TRY(Trace(journal, "page_cache",
                    "bytes of files that were read and may have stayed in the page cache, as the "
                    "kernel did not say what was in it before",
                    "bytes", journal.page_cache_added_bytes));
  EKSHUME_TRY(
      Trace(journal, "access_time",
            "files whose access time may have changed, as the kernel did not allow O_NOATIME",
            "files", journal.access_times_changed));
  EKSHUME_TRY(
      Trace(journal, "file_open", "files that were opened and read", "files", journal.files_read));
  EKSHUME_TRY(Trace(journal, "process_numbers",
                    "process numbers that were asked for by getpgid(2), to find hidden processes",
                    "numbers", journal.process_numbers_asked));
  EKSHUME_TRY(Trace(journal, "memory_read",
                    "bytes of other processes' memory that were read; pages that had been swapped "
                    "out were brought back",
                    "bytes", context.memory_bytes));
  return journal.FinishTraces();
}

}  // namespace

Result<Summary> Collect(const Options& options, collection::ByteSink& sink,
                        const std::atomic<bool>& cancelled) {
  collection::WriterOptions stream;
  stream.stream_id = RandomStreamId();
  stream.continues_id = options.continues_id;
  stream.part = options.part;
  stream.began = Now();
  stream.compression_level = options.compression_level;
  const std::unique_ptr<collection::Writer> writer =
      EKSHUME_TRY(collection::Writer::Start(sink, stream));
  Journal journal(*writer);
  Context context{
      .options = options, .writer = *writer, .journal = journal, .cancelled = cancelled};
  EKSHUME_TRY(WriteOpening(context));
  using Step = Result<void> (*)(Context&);
  for (const Step step : {CollectProcesses, CollectSockets, CollectOpenFiles, CollectMaps,
                          CollectDeletedFiles, CollectKernel, CollectMemory, CollectFiles}) {
    if (cancelled) break;
    EKSHUME_TRY(step(context));
    // What is gone first should be away first.
    EKSHUME_TRY(writer->Flush());
  }
  EKSHUME_TRY(journal.FinishSkipped());
  EKSHUME_TRY(WriteTraces(context));
  EKSHUME_TRY(writer->Finish(cancelled));
  return Summary{.processes = context.processes.size(),
                 .members = writer->member_count(),
                 .tar_bytes = writer->tar_bytes(),
                 .stream_bytes = writer->stream_bytes(),
                 .losses = journal.losses(),
                 .ended_early = cancelled,
                 .stream_id = StreamIdText(stream.stream_id)};
}

}  // namespace ekshume::collect
