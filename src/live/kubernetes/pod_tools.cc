// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/pod_tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <utility>

#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/text.h"
#include "casefile/member_path.h"
#include "casefile/version.h"
#include "collection/proc_text.h"
#include "collection/writer.h"
#include "fs/archive/tar.h"
#include "fs/walk.h"
#include "image/evidence_file.h"
#include "image/raw/reader.h"
#include "live/kubernetes/tool_answers.h"
#include "live/kubernetes/tool_rows.h"
#include "live/kubernetes/tool_scripts.h"

namespace ekshume::live::kubernetes {
namespace {

constexpr int kTries = 3;
constexpr size_t kCopyBytes = size_t{1} << 20;
constexpr size_t kMostTextBytes = size_t{64} << 20;  // of one text of /proc

class FileSink final : public collection::ByteSink {
 public:
  explicit FileSink(AcquiredFile& file) : file_(file) {}
  Result<void> Write(ByteView bytes) override { return file_.Write(bytes); }

 private:
  AcquiredFile& file_;
};

std::string RandomHex(int words) {
  std::random_device source;
  std::string text;
  for (int i = 0; i < words; ++i) text += fmt::format("{:08x}", source());
  return text;
}

collection::StreamId RandomStreamId() {
  std::random_device source;
  collection::StreamId id{};
  for (unsigned char& byte : id) byte = static_cast<unsigned char>(source() & 0xff);
  return id;
}

collection::TarMember FileMember(std::string_view path, uint64_t size, Timestamp modified) {
  collection::TarMember member;
  member.path = path;
  member.stat.type = fs::NodeType::kRegular;
  member.stat.permissions = 0600;
  member.stat.size_bytes = size;
  member.stat.modified = modified;
  return member;
}

// Names below "root/" that lead nowhere else.
bool IsSafePath(std::string_view path) {
  size_t begin = 0;
  while (begin <= path.size()) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (!casefile::IsPathComponent(path.substr(begin, end - begin))) return false;
    begin = end + 1;
  }
  return true;
}

class ToolsCollection {
 public:
  ToolsCollection(const ToolsRequest& request, const Place& place, CollectorRun& run,
                  Acquisition& acquisition)
      : request_(request),
        place_(place),
        run_(run),
        acquisition_(acquisition),
        boundary_(fmt::format("--ekshume-{}", RandomHex(4))),
        began_(Now()) {}

  Result<void> Run() {
    const auto live = Ask("live.txt", kLiveScript, {});
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
    const Result<void> written = Write();
    if (!written && written.error().code != ErrorCode::kCancelled) return written.error();
    EKSHUME_TRY(WriteEnd(/*ended_early=*/!written));
    EKSHUME_TRY(file->Finish());
    return written;
  }

 private:
  using Answer = std::unique_ptr<image::raw::RawImage>;

  // Runs a script and keeps what it prints as answers/NAME. Null when that is nothing. kNotFound
  // when the script ends with 3. Asked again when the connection breaks.
  Result<Answer> Ask(const std::string& name, std::string_view script,
                     const std::vector<std::string>& arguments) {
    const std::string path = fmt::format("answers/{}", name);
    std::vector<std::string> command = {"sh", "-c", fmt::format("{}{}", kPrelude, script), "sh",
                                        boundary_};
    command.insert(command.end(), arguments.begin(), arguments.end());
    for (int attempt = 1;; ++attempt) {
      const auto file = EKSHUME_TRY(acquisition_.Create(
          path, fmt::format("{}/{} container {}, its own shell", place_.in_namespace, place_.pod,
                            place_.container)));
      ++commands_;
      const auto outcome = run_.RunIn(place_, command, {}, [&](ByteView bytes) -> Result<void> {
        if (file->size_bytes() + bytes.size() > request_.most_bytes) {
          return Fail(ErrorCode::kLimit, fmt::format("more than {} bytes", request_.most_bytes));
        }
        return file->Write(bytes);
      });
      if (!outcome) {
        if (outcome.error().code != ErrorCode::kIo || attempt == kTries) return outcome.error();
        continue;
      }
      if (outcome->exit_code == 3) return Fail(ErrorCode::kNotFound, "it is no file any more");
      if (outcome->exit_code != 0 && file->size_bytes() == 0) {
        return Fail(ErrorCode::kIo, fmt::format("its tools ended with {}: {}", outcome->exit_code,
                                                EscapeForTerminal(outcome->errors)));
      }
      errors_ = outcome->errors;
      exit_code_ = outcome->exit_code;
      EKSHUME_TRY(file->Finish());
      if (file->size_bytes() == 0) return Answer();
      auto opened = EKSHUME_TRY(
          image::EvidenceFile::Open(fmt::format("{}/{}", acquisition_.directory(), path)));
      return std::make_unique<image::raw::RawImage>(std::move(opened));
    }
  }

  Result<std::string> TextOf(const image::Image& answer, const Section& section) {
    if (section.size_bytes > kMostTextBytes) Skip("limit", section.name, "it is too long a text");
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
    const std::vector<Section> sections = EKSHUME_TRY(FindSections(answer, boundary_));
    if (sections.empty()) {
      return Fail(ErrorCode::kUnsupported, "the container's shell does not do what a shell does");
    }
    if (sections.back().name != "end") Skip("loss", "live", "its shell ended before it had all");
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

  void Skip(std::string_view severity, std::string_view what, std::string_view reason,
            int64_t pid = 0) {
    Json row = {{"what", what}, {"reason", reason}, {"severity", severity}};
    if (pid != 0) row["pid"] = pid;
    skipped_.push_back(std::move(row));
  }

  Result<void> Table(const std::string& name, const std::vector<Json>& rows) {
    collection::TableWriter table(*writer_, name);
    for (const Json& row : rows) EKSHUME_TRY(table.AddLine(wire::DumpJson(row)));
    return table.Finish();
  }

  Result<void> Write() {
    EKSHUME_TRY(WriteOpening());
    std::vector<Json> rows;
    const ToolOwner owner{request_.container_id, request_.pod_uid};
    const int64_t boot = BootSeconds();
    for (const ToolProcess& process : processes_) rows.push_back(ProcessRow(process, owner, boot));
    EKSHUME_TRY(Table("live/processes.jsonl", rows));
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
    EKSHUME_TRY(Table("live/sockets.jsonl", rows));
    const uint64_t netns = processes_.empty() ? 0 : processes_.front().Namespace("net");
    EKSHUME_TRY(writer_->AddText(fmt::format("live/network/{}.txt", netns), network));
    std::vector<Json> maps;
    rows.clear();
    for (const ToolProcess& process : processes_) {
      for (Json& row : OpenFileRows(process)) rows.push_back(std::move(row));
      for (Json& row : MapRows(process)) maps.push_back(std::move(row));
    }
    EKSHUME_TRY(Table("live/open_files.jsonl", rows));
    EKSHUME_TRY(Table("live/maps.jsonl", maps));
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

  // Copies a range of an answer into a member of at least that size.
  Result<void> Copy(const image::Image& answer, uint64_t offset, uint64_t size) {
    std::string buffer;
    for (uint64_t done = 0; done < size; done += buffer.size()) {
      buffer.resize(std::min<uint64_t>(kCopyBytes, size - done));
      EKSHUME_TRY(answer.ReadAt(offset + done, AsWritableBytes(buffer)));
      EKSHUME_TRY(writer_->Append(ByteView::Of(buffer)));
    }
    return {};
  }

  // A loss that is written down, unless it is one that ends everything.
  Result<void> SkipOr(const Error& error, const std::string& member, int64_t pid) {
    if (error.code == ErrorCode::kCancelled || error.code == ErrorCode::kNoSpace) return error;
    Skip(error.code == ErrorCode::kNotFound ? "gone" : "loss", member, error.message, pid);
    return {};
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
            Skip("limit", "deleted", fmt::format("more than {} deleted files", kMostDeletedFiles));
          }
          continue;
        }
        const auto answer = Ask(member, kFileScript, {link.path});
        if (!answer) {
          EKSHUME_TRY(SkipOr(answer.error(), member, process.pid));
          continue;
        }
        if (*answer) EKSHUME_TRY(CheckDigest(**answer, link.path, member, process.pid));
        const uint64_t size = *answer ? (*answer)->size_bytes() : 0;
        EKSHUME_TRY(writer_->Begin(FileMember(member, size, began_)));
        if (*answer) EKSHUME_TRY(Copy(**answer, 0, size));
        EKSHUME_TRY(writer_->End());
      }
    }
    return {};
  }

  // What came against what the container's sha256sum says of the same file.
  Result<void> CheckDigest(const image::Image& answer, const std::string& path,
                           const std::string& member, int64_t pid) {
    if (!Has("sha256sum")) return {};
    const auto said = run_.Shell(place_, fmt::format("sha256sum < {}", path));
    ++commands_;
    if (!said) return SkipOr(said.error(), fmt::format("SHA-256 of {}", member), pid);
    Sha256 hash;
    std::string buffer;
    for (uint64_t offset = 0; offset < answer.size_bytes(); offset += buffer.size()) {
      buffer.resize(std::min<uint64_t>(kCopyBytes, answer.size_bytes() - offset));
      EKSHUME_TRY(answer.ReadAt(offset, AsWritableBytes(buffer)));
      hash.Update(ByteView::Of(buffer));
    }
    if (!said->starts_with(ToHex(hash.Finish()))) {
      Skip("loss", member,
           "its bytes changed while they were read, or its tools do not tell the "
           "truth: sha256sum in the container says another hash",
           pid);
    }
    return {};
  }

  Result<void> WriteMemory() {
    if (request_.memory == "none") return {};
    if (!Has("dd")) {
      Skip("loss", "memory", "the container has no dd, and nothing else reads memory");
      return {};
    }
    for (const ToolProcess& process : processes_) {
      const std::string name = fmt::format("memory/{}", process.pid);
      const auto answer =
          Ask(name, kMemoryScript, {fmt::format("{}", process.pid), request_.memory});
      if (!answer || *answer == nullptr) {
        EKSHUME_TRY(
            SkipOr(answer ? Fail(ErrorCode::kIo, "nothing of it could be read") : answer.error(),
                   name, process.pid));
        continue;
      }
      EKSHUME_TRY(WriteMemoryOf(process, **answer));
    }
    return {};
  }

  Result<void> WriteMemoryOf(const ToolProcess& process, const image::Image& answer) {
    const std::vector<Section> sections = EKSHUME_TRY(FindSections(answer, boundary_));
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
        Skip("loss", member, "the kernel does not let the container's tools read it", process.pid);
        continue;
      }
      EKSHUME_TRY(writer_->Begin(FileMember(member, size, began_)));
      EKSHUME_TRY(Copy(answer, section.offset_bytes, std::min(size, section.size_bytes)));
      EKSHUME_TRY(writer_->End());
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
    const auto answer = by_tar ? Ask("files.tar", kTarScript, {std::string(kPlaces)})
                               : Ask("files.txt", kFilesScript, {std::string(kPlaces)});
    if (!answer || *answer == nullptr) {
      return SkipOr(answer ? Fail(ErrorCode::kIo, "its tools gave no file") : answer.error(),
                    "root", 0);
    }
    if (exit_code_ != 0) {
      Skip("loss", "root",
           fmt::format("tar ended with {}: {}", exit_code_, EscapeForTerminal(errors_)));
    }
    return by_tar ? WriteTarred(**answer) : WriteListed(**answer);
  }

  Result<void> WriteTarred(const image::Image& answer) {
    DiagnosticSink damage;
    const auto tree = fs::archive::OpenTar(answer, "files.tar", damage);
    if (!tree) return SkipOr(tree.error(), "root", 0);
    Result<void> outcome;
    EKSHUME_TRY(fs::Walk(**tree, (*tree)->root(), damage, [&](const fs::WalkItem& item) {
      if (item.path.empty()) return fs::WalkStep::kContinue;
      outcome = WriteNode(**tree, item);
      return outcome ? fs::WalkStep::kContinue : fs::WalkStep::kStop;
    }));
    EKSHUME_TRY(std::move(outcome));
    for (const Diagnostic& diagnostic : damage.Sorted()) Skip("loss", "root", diagnostic.detail);
    return {};
  }

  Result<void> WriteNode(const fs::Filesystem& tree, const fs::WalkItem& item) {
    if (!IsSafePath(item.path)) return {};
    collection::TarMember member;
    member.path = fmt::format("root/{}", item.path);
    member.stat = item.stat;
    Json row = {{"member", member.path},
                {"path", fmt::format("/{}", item.path)},
                {"mode", fmt::format("{:04o}", item.stat.permissions)},
                {"uid", item.stat.uid},
                {"gid", item.stat.gid},
                {"size", item.stat.size_bytes},
                {"modified", FormatTimestamp(item.stat.modified)}};
    if (item.stat.type == fs::NodeType::kSymlink) {
      member.link_target = EKSHUME_TRY(tree.ReadSymlink(item.node));
      row["target"] = member.link_target;
    }
    files_.push_back(std::move(row));
    if (item.stat.type != fs::NodeType::kRegular) {
      member.stat.size_bytes = 0;
      return writer_->Add(member);
    }
    const auto file = tree.OpenFile(item.node);
    if (!file) return SkipOr(file.error(), member.path, 0);
    EKSHUME_TRY(writer_->Begin(member));
    std::string buffer(kCopyBytes, '\0');
    for (uint64_t offset = 0; offset < item.stat.size_bytes;) {
      const auto got = (*file)->ReadAt(offset, AsWritableBytes(buffer));
      if (!got || *got == 0) {
        Skip("loss", member.path, "tar's archive ends within it");
        break;
      }
      const uint64_t count = std::min<uint64_t>(*got, item.stat.size_bytes - offset);
      EKSHUME_TRY(writer_->Append(ByteView::Of(buffer).First(static_cast<size_t>(count))));
      offset += count;
    }
    return writer_->End();
  }

  Result<void> WriteListed(const image::Image& answer) {
    const std::vector<Section> sections = EKSHUME_TRY(FindSections(answer, boundary_));
    if (sections.empty() || sections.back().name != "end") {
      Skip("loss", "root", "its shell ended before it had all files");
    }
    std::map<std::string, bool> written;
    for (const Section& section : sections) {
      if (section.name == "end" || !IsSafePath(section.name) || written[section.name]) continue;
      written[section.name] = true;
      const std::string member = fmt::format("root/{}", section.name);
      // Only a tar header would tell owner, mode and times.
      files_.push_back({{"member", member},
                        {"path", fmt::format("/{}", section.name)},
                        {"type", "f"},
                        {"size", section.size_bytes},
                        {"modified", nullptr}});
      EKSHUME_TRY(writer_->Begin(FileMember(member, section.size_bytes, began_)));
      EKSHUME_TRY(Copy(answer, section.offset_bytes, section.size_bytes));
      EKSHUME_TRY(writer_->End());
    }
    return {};
  }

  Result<void> WriteEnd(bool ended_early) {
    EKSHUME_TRY(Table("files.jsonl", files_));
    if (!Has("cat") && !Has("dd") && !Has("tail")) {
      Skip("loss", "live/processes.jsonl",
           "only the shell itself could read files, and it loses NULs: command lines and "
           "environments are run together");
    }
    if (!Has("ls") && !Has("readlink")) {
      Skip("loss", "live/open_files.jsonl",
           "the container has neither ls nor readlink: where links lead is not known");
    }
    EKSHUME_TRY(Table("skipped.jsonl", skipped_));
    const std::vector<Json> traces = {
        {{"what", "process"},
         {"detail",
          fmt::format("{} times its shell was started by the runtime, with the tools {}; they are "
                      "in the process table for that time and in the kernel's accounting and audit",
                      commands_, fmt::join(SplitNonEmpty(Said("tools"), '\n'), " "))},
         {"pid", Pid(Said("self")).value_or(0)},
         {"commands", commands_}},
        {{"what", "access_time"},
         {"detail",
          "the tools' own files and every file that they read may have a newer access time, "
          "depending on how the container's filesystem is mounted"},
         {"files", files_.size()}},
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
    EKSHUME_TRY(Table("traces.jsonl", traces));
    return writer_->Finish(ended_early);
  }

  const ToolsRequest& request_;
  const Place& place_;
  CollectorRun& run_;
  Acquisition& acquisition_;
  const std::string boundary_;
  const Timestamp began_;
  std::unique_ptr<collection::Writer> writer_;
  std::vector<ToolProcess> processes_;        // by pid
  std::map<std::string, std::string> texts_;  // other sections of the live answer
  std::vector<Json> skipped_;
  std::vector<Json> files_;
  std::string errors_;  // of the last command
  int exit_code_ = 0;
  int commands_ = 0;
};

}  // namespace

Result<void> CollectByTools(const ToolsRequest& request, const Place& place, CollectorRun& run,
                            Acquisition& acquisition) {
  return ToolsCollection(request, place, run, acquisition).Run();
}

}  // namespace ekshume::live::kubernetes
