// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/live_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <thread>

#include "base/limits.h"
#include "base/parallel.h"
#include "base/text.h"
#include "casefile/detection/content_search.h"
#include "casefile/detection/live_memory.h"
#include "casefile/extent_file.h"

namespace ekshume::casefile {
namespace {

// Each holds a window of memory.
constexpr size_t kMaxThreads = 8;
// Larger contents are held one at a time.
constexpr uint64_t kSmallFileBytes = uint64_t{8} << 20;
// YARA gets one more second for each of these.
constexpr uint64_t kBytesPerSecond = uint64_t{4} << 20;

// The memory of a process, or a file that it had and that was deleted.
struct Target {
  const LiveEvidence* live = nullptr;
  const process::Process* process = nullptr;
  std::optional<process::Extent> content;  // none: its memory
  FileOfCase file;
};

struct Searched {
  std::string evidence, subject;
  ContentFindings found;
  std::vector<std::string> failures;
};

class LiveScan {
 public:
  LiveScan(const LiveContext& context, const FileRules& rules, DiagnosticSink& diagnostics,
           Progress& progress, uint64_t most_bytes)
      : context_(context),
        diagnostics_(diagnostics),
        progress_(progress),
        most_bytes_(most_bytes),
        search_(rules),
        pipeline_(
            Threads(), Threads() * 2, [this](Target&& target) { return Search(target); },
            [this](Searched&& searched) { Take(std::move(searched)); }) {}

  std::vector<detect::Finding> Run() {
    progress_.SetStage("searching memory");
    for (const auto& live : context_.evidence.live()) {
      for (const process::Process& process : live->state.processes) {
        if (progress_.cancelled()) break;
        PushFiles(*live, process);
        if (process.memory.empty()) continue;
        FileOfCase file = context_.About(*live, process);
        file.text =
            "the memory of " + ProcessText(process, context_.owners.Of(live->state, process));
        pipeline_.Push(Target{live.get(), &process, std::nullopt, std::move(file)});
      }
    }
    pipeline_.Finish();
    if (left_out_ > 0) {
      diagnostics_.Report(DiagnosticCode::kScanLimit, "memory",
                          fmt::format("{} further findings (kMaxFindings)", left_out_));
    }
    detect::SortFindings(findings_);
    return std::move(findings_);
  }

 private:
  static size_t Threads() {
    return std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kMaxThreads);
  }

  void PushFiles(const LiveEvidence& live, const process::Process& process) {
    if (process.executable_content) {
      FileOfCase file = context_.About(live, process);
      file.how = fmt::format("{}the program of process {}",
                             process.executable_deleted ? "deleted, " : "", process.pid);
      PushContent(live, process, *process.executable_content, std::move(file));
    }
    for (const process::OpenFile& open : process.files) {
      if (!open.content) continue;
      FileOfCase file = context_.About(live, process);
      file.path = open.path;
      file.how = fmt::format("{}open in {} as {}", open.deleted ? "deleted, " : "",
                             EscapeForTerminal(ProcessName(process)), open.fd);
      PushContent(live, process, *open.content, std::move(file));
    }
  }

  // Many processes share one program; it is searched once.
  void PushContent(const LiveEvidence& live, const process::Process& process,
                   const process::Extent& content, FileOfCase file) {
    const auto key = std::tuple(&live, content.file, content.offset_bytes);
    if (content.length_bytes == 0 || !pushed_.insert(key).second) return;
    pipeline_.Push(Target{&live, &process, content, std::move(file)});
  }

  Searched Search(const Target& target) {
    Searched searched{target.live->name, target.file.object, {}, {}};
    if (progress_.cancelled()) return searched;
    if (target.content) {
      SearchContent(target, searched);
    } else {
      SearchMemory(target, searched);
    }
    progress_.AddItems(1);
    return searched;
  }

  void SearchMemory(const Target& target, Searched& searched) {
    ProcessMemory memory(*target.live, *target.process, most_bytes_, progress_);
    ContentSearch::Found found;
    found.place_text = [&memory](uint64_t address) { return memory.PlaceText(address); };
    const int seconds =
        limits::kMaxYaraSeconds + static_cast<int>(memory.size_bytes() / kBytesPerSecond);
    search_.AddMemory(target.file, memory, seconds, found);
    searched.found = search_.Finish(target.file, "", std::move(found));
    searched.failures = memory.failures();
    if (memory.left_out_bytes() > 0) {
      searched.found.limited.push_back(
          fmt::format("only the first {} bytes of its memory were searched, {} were not "
                      "(kMaxScannedMemoryBytes)",
                      memory.size_bytes(), memory.left_out_bytes()));
    }
  }

  void SearchContent(const Target& target, Searched& searched) {
    const auto file = OpenExtent(*target.live, *target.content);
    const auto fail = [&](const Error& error) {
      if (error.code == ErrorCode::kCancelled) return;
      searched.failures.push_back(fmt::format("{}: {}", target.file.path, error.message));
    };
    if (!file) return fail(file.error());
    std::unique_lock large(large_, std::defer_lock);
    if ((*file)->size_bytes() > kSmallFileBytes) large.lock();
    const Result<FileContent> content = ReadContent(**file, progress_);
    if (!content) return fail(content.error());
    progress_.AddBytes(content->bytes.size());
    searched.found = search_.Search(target.file, ByteView(content->bytes), content->is_part);
    if (content->is_part) {
      searched.found.limited.push_back(
          fmt::format("{}: only the first {} of {} bytes were searched (kMaxScannedFileBytes)",
                      target.file.path, limits::kMaxScannedFileBytes, (*file)->size_bytes()));
    }
  }

  // In the order in which they were pushed.
  void Take(Searched&& searched) {
    for (const std::string& failure : searched.failures) {
      diagnostics_.Report(DiagnosticCode::kCollectionDamaged, searched.evidence,
                          fmt::format("{}: {}", searched.subject, failure));
    }
    for (const std::string& sentence : searched.found.limited) {
      diagnostics_.Report(DiagnosticCode::kScanLimit, searched.evidence,
                          fmt::format("{}: {}", searched.subject, sentence));
    }
    for (detect::Finding& finding : searched.found.findings) {
      if (findings_.size() >= limits::kMaxFindings) {
        ++left_out_;
      } else {
        findings_.push_back(std::move(finding));
      }
    }
  }

  const LiveContext& context_;
  DiagnosticSink& diagnostics_;
  Progress& progress_;
  const uint64_t most_bytes_;
  const ContentSearch search_;
  std::set<std::tuple<const LiveEvidence*, fs::NodeId, uint64_t>> pushed_;
  std::mutex large_;
  std::vector<detect::Finding> findings_;
  uint64_t left_out_ = 0;
  // Last: its threads use the others.
  OrderedPipeline<Target, Searched> pipeline_;
};

}  // namespace

std::vector<detect::Finding> ScanLive(const LiveContext& live, const FileRules& rules,
                                      DiagnosticSink& diagnostics, Progress& progress,
                                      uint64_t most_bytes) {
  if (rules.empty()) return {};
  return LiveScan(live, rules, diagnostics, progress, most_bytes).Run();
}

}  // namespace ekshume::casefile
