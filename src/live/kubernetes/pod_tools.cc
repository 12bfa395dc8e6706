// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/pod_tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <optional>
#include <random>

#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/text.h"
#include "casefile/version.h"
#include "collection/proc_text.h"
#include "collection/writer.h"
#include "live/kubernetes/tool_answers.h"
#include "live/kubernetes/tool_archive.h"
#include "live/kubernetes/tool_files.h"
#include "live/kubernetes/tool_rows.h"
#include "live/kubernetes/tool_scripts.h"
#include "live/kubernetes/tool_shell.h"

namespace ekshume::live::kubernetes {
namespace {

constexpr size_t kMostTextBytes = size_t{64} << 20;  // of one text of /proc

class FileSink final : public collection::ByteSink {
 public:
  explicit FileSink(AcquiredFile& file) : file_(file) {}
  Result<void> Write(ByteView bytes) override { return file_.Write(bytes); }

 private:
  AcquiredFile& file_;
};

collection::StreamId RandomStreamId() {
  std::random_device source;
  collection::StreamId id{};
  for (unsigned char& byte : id) byte = static_cast<unsigned char>(source() & 0xff);
  return id;
}

class ToolsCollection {
 public:
  ToolsCollection(const ToolsRequest& request, const Place& place, CollectorRun& run,
                  Acquisition& acquisition)
      : request_(request),
        place_(place),
        acquisition_(acquisition),
        shell_(place, run, acquisition, request.most_bytes),
        began_(Now()),
        archive_(began_) {}

  Result<void> Run() {
    const auto live = shell_.Ask("live.txt", kLiveScript, {});
    if (!live) {
      const std::string& why = live.error().message;
      if (why.find("executable file not found") != std::string::npos ||
          why.find("no such file or directory") != std::string::npos) {
        return Fail(ErrorCode::kUnsupported,
                    fmt::format("the container has no shell, so none of its own tools can be used "
                                "({})",
                                why));
      }
      return live.error();
    }
    EKSHUME_TRY(ReadLive(**live));
    const auto file = EKSHUME_TRY(acquisition_.Create(
        request_.file, fmt::format("made here from answers/ of {}/{} container {}",
                                   place_.in_namespace, place_.pod, place_.container)));
    FileSink sink(*file);
    collection::WriterOptions options;
    options.stream_id = RandomStreamId();
    options.began = began_;
    writer_ = EKSHUME_TRY(collection::Writer::Start(sink, options));
    archive_.WriteTo(*writer_);
    const Result<void> written = Write();
    if (!written && written.error().code != ErrorCode::kCancelled) return written.error();
    EKSHUME_TRY(WriteEnd(/*ended_early=*/!written));
    EKSHUME_TRY(file->Finish());
    return written;
  }

 private:
  Result<std::string> TextOf(const image::Image& answer, const Section& section) {
    if (section.size_bytes > kMostTextBytes)
      archive_.Skip("limit", section.name, "it is too long a text");
    std::string text(std::min<uint64_t>(section.size_bytes, kMostTextBytes), '\0');
    EKSHUME_TRY(answer.ReadAt(section.offset_bytes, AsWritableBytes(text)));
    return text;
  }

  static std::optional<int64_t> Pid(std::string_view text) {
    int64_t pid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
    if (error != std::errc() || end != text.data() + text.size() || pid <= 0) return std::nullopt;
    return pid;
  }

  Result<void> ReadLive(const image::Image& answer) {
    const std::vector<Section> sections = EKSHUME_TRY(FindSections(answer, shell_.boundary()));
    if (sections.empty()) {
      return Fail(ErrorCode::kUnsupported, "the container's shell does not do what a shell does");
    }
    if (sections.back().name != "end")
      archive_.Skip("loss", "live", "its shell ended before it had all");
    std::map<int64_t, ToolProcess> processes;
    for (const Section& section : sections) {
      const std::vector<std::string_view> name = SplitNonEmpty(section.name, '/');
      if (name.size() < 2 && section.name != "tools" && section.name != "self") continue;
      std::string text = EKSHUME_TRY(TextOf(answer, section));
      const auto pid = name.size() < 2 ? std::nullopt : Pid(name[1]);
      if (name[0] == "proc" && name.size() == 3 && pid) {
        processes[*pid].files.emplace(name[2], std::move(text));
      } else if (name[0] == "links" && pid) {
        processes[*pid].links = ParseLinks(text);
      } else {
        texts_.emplace(section.name, std::move(text));
      }
    }
    for (auto& [pid, process] : processes) {
      process.pid = pid;
      // It ended while it was looked at, or was one of the tools.
      if (process.files["stat"].empty() || processes_.size() >= limits::kMaxProcesses) continue;
      processes_.push_back(std::move(process));
    }
    return {};
  }

  bool Has(std::string_view tool) const {
    const auto found = texts_.find("tools");
    if (found == texts_.end()) return false;
    for (const std::string_view line : SplitNonEmpty(found->second, '\n')) {
      if (line == tool || line.ends_with(fmt::format("/{}", tool))) return true;
    }
    return false;
  }

  // A text of the live answer without the white space at its end; "" when there is none.
  std::string Said(const std::string& name) const {
    const auto found = texts_.find(name);
    std::string text = found == texts_.end() ? "" : found->second;
    while (text.ends_with('\n') || text.ends_with(' ')) text.pop_back();
    return text;
  }

  int64_t BootSeconds() const {
    const std::string stat = Said("sys/stat");
    for (const std::string_view line : SplitNonEmpty(stat, '\n')) {
      const std::vector<std::string_view> fields = collection::Fields(line);
      if (fields.size() == 2 && fields[0] == "btime") return Pid(fields[1]).value_or(0);
    }
    return 0;
  }

  Result<void> Write() {
    EKSHUME_TRY(WriteOpening());
    std::vector<Json> rows;
    const ToolOwner owner{request_.container_id, request_.pod_uid};
    const int64_t boot = BootSeconds();
    for (const ToolProcess& process : processes_) rows.push_back(ProcessRow(process, owner, boot));
    EKSHUME_TRY(archive_.Table("live/processes.jsonl", rows));
    rows.clear();
    std::string network;
    for (const auto& [name, text] : texts_) {
      if (name.starts_with("net/")) {
        for (Json& row : SocketRows(std::string_view(name).substr(4), text, processes_)) {
          rows.push_back(std::move(row));
        }
      } else if (name.starts_with("nettext/")) {
        network += fmt::format("==> /proc/net/{} <==\n{}\n", name.substr(8), text);
      }
    }
    EKSHUME_TRY(archive_.Table("live/sockets.jsonl", rows));
    const uint64_t netns = processes_.empty() ? 0 : processes_.front().Namespace("net");
    EKSHUME_TRY(writer_->AddText(fmt::format("live/network/{}.txt", netns), network));
    std::vector<Json> maps;
    rows.clear();
    for (const ToolProcess& process : processes_) {
      for (Json& row : OpenFileRows(process)) rows.push_back(std::move(row));
      for (Json& row : MapRows(process)) maps.push_back(std::move(row));
    }
    EKSHUME_TRY(archive_.Table("live/open_files.jsonl", rows));
    EKSHUME_TRY(archive_.Table("live/maps.jsonl", maps));
    EKSHUME_TRY(WriteDeleted());
    for (const auto& [name, text] : texts_) {
      if (!name.starts_with("sys/") && !name.starts_with("tool/")) continue;
      std::string member = name;
      std::ranges::replace(member, '/', '_');
      EKSHUME_TRY(writer_->AddText(fmt::format("live/system/{}", member), text));
    }
    EKSHUME_TRY(WriteMemory());
    return WriteFiles();
  }

  Result<void> WriteOpening() {
    const int64_t boot = BootSeconds();
    const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
    Json opening = {
        {"format", "ekshume-collection"},
        {"version", 1},
        {"tool", fmt::format("ekshume {}, by the container's own tools", casefile::kVersion)},
        {"stream_id", ToHex(AsBytes(writer_->options().stream_id))},
        {"part", 1},
        {"resumes", nullptr},
        {"started", FormatTimestamp(began_)},
        {"clock", {{"realtime", FormatTimestamp(began_)}, {"of", "the machine that asked"}}},
        {"host",
         {{"hostname", or_null(Said("sys/sys/kernel/hostname"))},
          {"kernel", or_null(Said("sys/sys/kernel/osrelease"))},
          {"kernel_version", or_null(Said("sys/version"))},
          {"boot_id", or_null(Said("sys/sys/kernel/random/boot_id"))},
          {"boot_time", boot > 0 ? Json(FormatTimestamp({boot, 0})) : Json()},
          {"command_line", or_null(Said("sys/cmdline"))}}},
        {"scope",
         {{"kind", "container"},
          {"pids", Json::array()},
          {"container_ids",
           request_.container_id.empty() ? Json::array() : Json::array({request_.container_id})},
          {"pod_uids", Json::array()}}},
        {"options", {{"memory", request_.memory}, {"profile", "triage"}, {"channel", "tools"}}},
        {"collector", {{"pid", nullptr}, {"tools", SplitNonEmpty(Said("tools"), '\n')}}}};
    return writer_->AddText("collection.json", wire::DumpJson(opening) + '\n');
  }

  Result<void> WriteDeleted() {
    size_t count = 0;
    for (const ToolProcess& process : processes_) {
      const std::string folder = fmt::format("/proc/{}/", process.pid);
      for (const Link& link : process.links) {
        if (!IsDeletedTarget(link.target) || !link.path.starts_with(folder)) continue;
        const std::string member = fmt::format("deleted/{}", link.path.substr(6));
        if (!IsSafePath(member)) continue;
        if (++count > kMostDeletedFiles) {
          if (count == kMostDeletedFiles + 1) {
            archive_.Skip("limit", "deleted",
                          fmt::format("more than {} deleted files", kMostDeletedFiles));
          }
          continue;
        }
        const auto answer = shell_.Ask(member, kFileScript, {link.path});
        if (!answer) {
          EKSHUME_TRY(archive_.SkipOr(answer.error(), member, process.pid));
          continue;
        }
        if (*answer) EKSHUME_TRY(CheckDigest(**answer, link.path, member, process.pid));
        const uint64_t size = *answer ? (*answer)->size_bytes() : 0;
        if (*answer) {
          EKSHUME_TRY(archive_.AddRange(member, size, **answer, 0, size));
        } else {
          EKSHUME_TRY(archive_.AddEmpty(member));
        }
      }
    }
    return {};
  }

  // What came against what the container's sha256sum says of the same file.
  Result<void> CheckDigest(const image::Image& answer, const std::string& path,
                           const std::string& member, int64_t pid) {
    if (!Has("sha256sum")) return {};
    const auto said = shell_.Say(fmt::format("sha256sum < {}", path));
    if (!said) return archive_.SkipOr(said.error(), fmt::format("SHA-256 of {}", member), pid);
    Sha256 hash;
    std::string buffer;
    for (uint64_t offset = 0; offset < answer.size_bytes(); offset += buffer.size()) {
      buffer.resize(std::min<uint64_t>(kToolCopyBytes, answer.size_bytes() - offset));
      EKSHUME_TRY(answer.ReadAt(offset, AsWritableBytes(buffer)));
      hash.Update(ByteView::Of(buffer));
    }
    if (!said->starts_with(ToHex(hash.Finish()))) {
      archive_.Skip("loss", member,
                    "its bytes changed while they were read, or its tools do not tell the "
                    "truth: sha256sum in the container says another hash",
                    pid);
    }
    return {};
  }

  Result<void> WriteMemory() {
    if (request_.memory == "none") return {};
    if (!Has("dd")) {
      archive_.Skip("loss", "memory", "the container has no dd, and nothing else reads memory");
      return {};
    }
    for (const ToolProcess& process : processes_) {
      const std::string name = fmt::format("memory/{}", process.pid);
      const auto answer =
          shell_.Ask(name, kMemoryScript, {fmt::format("{}", process.pid), request_.memory});
      if (!answer || *answer == nullptr) {
        EKSHUME_TRY(archive_.SkipOr(
            answer ? Fail(ErrorCode::kIo, "nothing of it could be read") : answer.error(), name,
            process.pid));
        continue;
      }
      EKSHUME_TRY(WriteMemoryOf(process, **answer));
    }
    return {};
  }

  Result<void> WriteMemoryOf(const ToolProcess& process, const image::Image& answer) {
    const std::vector<Section> sections = EKSHUME_TRY(FindSections(answer, shell_.boundary()));
    const auto maps = process.files.find("maps");
    if (maps != process.files.end()) {
      EKSHUME_TRY(writer_->AddText(fmt::format("memory/{}/maps", process.pid), maps->second));
    }
    std::vector<std::string> written;
    for (const Section& section : sections) {
      if (section.name == "end") continue;
      const std::string member = fmt::format("memory/{}/{}", process.pid, section.name);
      const uint64_t size = RangeBytes(section.name);
      if (size == 0 || std::ranges::find(written, section.name) != written.end()) continue;
      written.push_back(section.name);
      if (section.size_bytes == 0) {
        archive_.Skip("loss", member, "the kernel does not let the container's tools read it",
                      process.pid);
        continue;
      }
      EKSHUME_TRY(archive_.AddRange(member, size, answer, section.offset_bytes,
                                    std::min(size, section.size_bytes)));
    }
    return {};
  }

  // Bytes of a mapping "START-END", 0 for what is none or could be no mapping of a container.
  static uint64_t RangeBytes(std::string_view name) {
    uint64_t start = 0;
    uint64_t end = 0;
    const size_t dash = name.find('-');
    if (dash == std::string_view::npos) return 0;
    const char* const last = name.data() + name.size();
    const auto first = std::from_chars(name.data(), name.data() + dash, start, 16);
    const auto second = std::from_chars(name.data() + dash + 1, last, end, 16);
    if (first.ptr != name.data() + dash || second.ptr != last || end <= start) return 0;
    return end - start <= kMostToolBytes ? end - start : 0;
  }

  Result<void> WriteFiles() {
    const bool by_tar = Has("tar");
    const auto answer = by_tar ? shell_.Ask("files.tar", kTarScript, {std::string(kPlaces)})
                               : shell_.Ask("files.txt", kFilesScript, {std::string(kPlaces)});
    if (!answer || *answer == nullptr) {
      return archive_.SkipOr(
          answer ? Fail(ErrorCode::kIo, "its tools gave no file") : answer.error(), "root", 0);
    }
    if (shell_.exit_code() != 0) {
      archive_.Skip("loss", "root",
                    fmt::format("tar ended with {}: {}", shell_.exit_code(),
                                EscapeForTerminal(shell_.errors())));
    }
    return by_tar ? WriteTarredFiles(**answer, archive_)
                  : WriteListedFiles(**answer, shell_.boundary(), archive_);
  }

  Result<void> WriteEnd(bool ended_early) {
    EKSHUME_TRY(archive_.Table("files.jsonl", archive_.files()));
    if (!Has("cat") && !Has("dd") && !Has("tail")) {
      archive_.Skip("loss", "live/processes.jsonl",
                    "only the shell itself could read files, and it loses NULs: command lines and "
                    "environments are run together");
    }
    if (!Has("ls") && !Has("readlink")) {
      archive_.Skip("loss", "live/open_files.jsonl",
                    "the container has neither ls nor readlink: where links lead is not known");
    }
    EKSHUME_TRY(archive_.Table("skipped.jsonl", archive_.skipped()));
    const std::vector<Json> traces = {
        {{"what", "process"},
         {"detail",
          fmt::format("{} times its shell was started by the runtime, with the tools {}; they are "
                      "in the process table for that time and in the kernel's accounting and audit",
                      shell_.commands(), fmt::join(SplitNonEmpty(Said("tools"), '\n'), " "))},
         {"pid", Pid(Said("self")).value_or(0)},
         {"commands", shell_.commands()}},
        {{"what", "access_time"},
         {"detail",
          "the tools' own files and every file that they read may have a newer access time, "
          "depending on how the container's filesystem is mounted"},
         {"files", archive_.files().size()}},
        {{"what", "page_cache"}, {"detail", "what the tools read is in the page cache now"}},
        {{"what", "memory_read"},
         {"detail",
          "pages that were never touched or were swapped out are in memory now where "
          "memory was read"}},
        {{"what", "disk_writes"},
         {"detail",
          "none by the tools: nothing was written in the "
          "container"},
         {"bytes", 0}}};
    EKSHUME_TRY(archive_.Table("traces.jsonl", traces));
    return writer_->Finish(ended_early);
  }

  const ToolsRequest& request_;
  const Place& place_;
  Acquisition& acquisition_;
  ToolShell shell_;
  const Timestamp began_;
  ToolArchive archive_;
  std::unique_ptr<collection::Writer> writer_;
  std::vector<ToolProcess> processes_;        // by pid
  std::map<std::string, std::string> texts_;  // other sections of the live answer
};

}  // namespace

Result<void> CollectByTools(const ToolsRequest& request, const Place& place, CollectorRun& run,
                            Acquisition& acquisition) {
  return ToolsCollection(request, place, run, acquisition).Run();
}

}  // namespace ekshume::live::kubernetes
