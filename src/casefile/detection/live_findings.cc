// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/live_findings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/limits.h"
#include "base/text.h"
#include "casefile/detection/drift_context.h"
#include "casefile/extent_file.h"
#include "casefile/image_files.h"
#include "detect/drift/checks.h"
#include "detect/running/checks.h"
#include "fs/path.h"

namespace ekshume::casefile {
namespace {

namespace running = detect::running;
using process::Process;

constexpr size_t kMostNamed = 10;  // processes of one finding
constexpr std::string_view kPreloadList = "/etc/ld.so.preload";

class LiveChecks {
 public:
  LiveChecks(const LiveContext& context, DiagnosticSink& diagnostics, Progress& progress)
      : context_(context), diagnostics_(diagnostics), progress_(progress), images_(diagnostics) {}

  std::vector<detect::Finding> Run() {
    progress_.SetStage("looking at what was running");
    for (const auto& live : context_.evidence.live()) {
      const running::System system(live->state);
      for (const Process& process : live->state.processes) {
        if (progress_.cancelled()) break;
        progress_.AddItems(1);
        for (const running::Verdict& verdict :
             running::CheckProcess(system, SubjectOf(system, process))) {
          Add(*live, process, verdict);
        }
        if (auto verdict = CheckLoaded(*live, process)) Add(*live, process, *verdict);
      }
      AddPreloadLists(*live);
    }
    if (left_out_ > 0) {
      diagnostics_.Report(DiagnosticCode::kRuleLimit, "processes",
                          fmt::format("{} further findings (kMaxFindings)", left_out_));
    }
    std::vector<detect::Finding> findings;
    findings.reserve(gathered_.size());
    for (auto& [key, gathered] : gathered_) findings.push_back(Finish(gathered));
    detect::SortFindings(findings);
    return findings;
  }

 private:
  struct Gathered {
    detect::Finding finding;
    std::string first;  // what is said of the first process
    std::string_view about;
    std::vector<int64_t> pids;
  };

  running::Subject SubjectOf(const running::System& system, const Process& process) {
    running::Subject subject;
    subject.process = &process;
    subject.parent = process.parent > 0 ? system.Find(process.parent) : nullptr;
    const runtime::Container* container = context_.owners.ContainerOf(process);
    if (container == nullptr) return subject;
    const ProcessOwner owner = context_.owners.Of(system.state(), process);
    subject.is_agent = detect::drift::IsKnownAgent(container->image, owner.name_space);
    // Only the host's own view of a container's files has the paths of its image.
    const bool has_file = !process.executable.empty() && !process.executable_deleted;
    if (has_file) subject.is_of_image = images_.Has(*container, process.executable);
    subject.is_on_volume = ImageFiles::IsOnVolume(*container, process.executable);
    if (container->recovered.empty()) subject.asked = AskedBy(*container);
    return subject;
  }

  // What any container of the pod was set up with: its sandbox's record has what the pod asked.
  running::Subject::Asked AskedBy(const runtime::Container& container) const {
    running::Subject::Asked asked;
    const auto add = [&asked](const runtime::Container& one) {
      asked.host_pid = asked.host_pid || one.host_pid;
      asked.host_network = asked.host_network || one.host_network;
      asked.host_ipc = asked.host_ipc || one.host_ipc;
    };
    add(container);
    if (!container.pod || container.pod->uid.empty()) return asked;
    for (const runtime::Container& other : context_.inventory.containers) {
      if (other.pod && other.pod->uid == container.pod->uid) add(other);
    }
    return asked;
  }

  // A program's header in memory that belongs to no file, before or in code.
  std::optional<running::Verdict> CheckLoaded(const LiveEvidence& live, const Process& process) {
    constexpr std::string_view kElf =
        "\x7f"
        "ELF";
    const auto& mappings = process.mappings;
    for (size_t i = 0; i < mappings.size(); ++i) {
      const process::Mapping& mapping = mappings[i];
      if (!running::IsAnonymous(mapping) || mapping.path.starts_with("/memfd:")) continue;
      const auto is_code = [](const process::Mapping& one) {
        return one.permissions.size() > 2 && one.permissions[2] == 'x';
      };
      const bool before_code = i + 1 < mappings.size() && mappings[i + 1].start == mapping.end &&
                               running::IsAnonymous(mappings[i + 1]) && is_code(mappings[i + 1]);
      if (!is_code(mapping) && !before_code) continue;
      const auto parts =
          process::PartsWithin(process.memory, mapping.start, mapping.start + kElf.size());
      if (parts.size() != 1 || parts[0].address != mapping.start) continue;
      const auto file = OpenExtent(live, parts[0].bytes);
      std::array<std::byte, kElf.size()> head{};
      if (!file) continue;  // said by who searches the memory
      const Result<size_t> count = (*file)->ReadAt(0, head);
      if (!count || *count < head.size() || ByteView(head).AsText() != kElf) continue;
      return running::MakeVerdict(
          "running.library_in_memory", "",
          fmt::format("has a program's header at {:#x} in memory of no file ({})", mapping.start,
                      mapping.permissions));
    }
    return std::nullopt;
  }

  void Add(const LiveEvidence& live, const Process& process, const running::Verdict& verdict) {
    const FileOfCase about = context_.About(live, process);
    const std::string& where =
        about.path.empty() ? process.name : about.path;  // of one program is one finding
    std::string key;
    for (const std::string_view part :
         {std::string_view(verdict.rule->id), std::string_view(verdict.level),
          std::string_view(live.name), std::string_view(about.container_id),
          std::string_view(where), std::string_view(verdict.key)}) {
      detect::AppendToKey(key, part);
    }
    Gathered* gathered = Place(key, verdict);
    if (gathered == nullptr) return;
    detect::Finding& finding = gathered->finding;
    if (finding.count == 0) {
      finding.cluster = about.cluster;
      finding.node = about.node;
      finding.name_space = about.name_space;
      finding.pod = about.pod;
      finding.container_id = about.container_id;
      finding.path = about.path;
      finding.object = about.object;
      const ProcessOwner owner = context_.owners.Of(live.state, process);
      std::string command = process::CommandLine(process);
      if (command.size() > 200) command = command.substr(0, 200) + "...";
      gathered->first = fmt::format("{} {}. Its command line: {}.", ProcessText(process, owner),
                                    EscapeForTerminal(verdict.what), EscapeForTerminal(command));
    }
    ++finding.count;
    if (about.changed && (!finding.first || *about.changed < *finding.first)) {
      finding.first = about.changed;
    }
    if (about.changed && (!finding.last || *finding.last < *about.changed)) {
      finding.last = about.changed;
    }
    if (!about.event.empty() && finding.events.size() < limits::kMaxFindingEvents) {
      finding.events.push_back(about.event);
    }
    if (gathered->pids.size() < kMostNamed) gathered->pids.push_back(process.pid);
  }

  // The finding of that key; null when there is no room for one more.
  Gathered* Place(const std::string& key, const running::Verdict& verdict) {
    const auto found = gathered_.find(key);
    if (found != gathered_.end()) return &found->second;
    if (gathered_.size() >= limits::kMaxFindings) {
      ++left_out_;
      return nullptr;
    }
    Gathered& gathered = gathered_[key];
    detect::Finding& finding = gathered.finding;
    finding.detector = "running";
    finding.rule = verdict.rule->id;
    finding.title = verdict.rule->title;
    finding.level = verdict.level;
    finding.id = detect::IdOfKey(key);
    const auto add_tags = [&finding](std::string_view tags) {
      for (const std::string_view tag : SplitNonEmpty(tags, ' ')) finding.tags.emplace_back(tag);
    };
    add_tags(verdict.rule->tags);
    for (const std::string_view tags : verdict.tags) add_tags(tags);
    gathered.about = verdict.rule->about;
    return &gathered;
  }

  static detect::Finding Finish(Gathered& gathered) {
    detect::Finding& finding = gathered.finding;
    if (finding.count > 1) {
      finding.explanation = fmt::format("{} processes ({}{}). The first of them: ", finding.count,
                                        fmt::join(gathered.pids, ", "),
                                        finding.count > gathered.pids.size() ? ", ..." : "");
    }
    finding.explanation += fmt::format("{} {}", gathered.first, gathered.about);
    return std::move(finding);
  }

  // The list of what is loaded into every program, among the files that came along.
  void AddPreloadLists(const LiveEvidence& live) {
    // The host's files are a volume of the evidence by now.
    for (const Volume& volume : context_.evidence.volumes()) {
      if (volume.is_of_live && volume.name.starts_with(live.name + "!")) {
        AddPreloadList(live, *volume.filesystem, "");
      }
    }
    for (const process::Files& files : live.state.files) {
      AddPreloadList(live, *files.filesystem, files.container_id);
    }
  }

  void AddPreloadList(const LiveEvidence& live, const fs::Filesystem& filesystem,
                      const std::string& container_id) {
    const auto text =
        fs::ReadWholeFile(filesystem, kPreloadList.substr(1), limits::kMaxSmallFileBytes);
    if (!text) return;
    const std::vector<std::string> libraries = running::UnknownLibraries(*text);
    if (libraries.empty()) return;
    size_t loaded = 0;
    for (const Process& process : live.state.processes) {
      loaded += std::ranges::any_of(process.mappings, [&](const process::Mapping& mapping) {
        return std::ranges::find(libraries, mapping.path) != libraries.end();
      });
    }
    const running::Verdict verdict = running::MakeVerdict("running.library_preload", "", "");
    std::string key;
    for (const std::string_view part :
         {std::string_view(verdict.rule->id), kPreloadList, std::string_view(live.name),
          std::string_view(container_id)}) {
      detect::AppendToKey(key, part);
    }
    Gathered* gathered = Place(key, verdict);
    if (gathered == nullptr) return;
    Process nobody;
    nobody.container_id = container_id;
    const ProcessOwner owner = context_.owners.Of(live.state, nobody);
    detect::Finding& finding = gathered->finding;
    finding.count = 1;
    finding.cluster = owner.cluster;
    finding.node = owner.node;
    finding.name_space = owner.name_space;
    finding.pod = owner.pod;
    finding.container_id = owner.container_id;
    finding.path = kPreloadList;
    finding.first = finding.last = live.state.taken;
    gathered->first = EscapeForTerminal(fmt::format(
        "{} of {} names {}; {} of the processes listed have it loaded.", kPreloadList,
        container_id.empty() ? "the host" : "the container", fmt::join(libraries, ", "), loaded));
  }

  const LiveContext& context_;
  DiagnosticSink& diagnostics_;
  Progress& progress_;
  ImageFiles images_;
  std::map<std::string, Gathered> gathered_;
  uint64_t left_out_ = 0;
};

}  // namespace

std::vector<detect::Finding> LiveFindings(const LiveContext& live, DiagnosticSink& diagnostics,
                                          Progress& progress) {
  return LiveChecks(live, diagnostics, progress).Run();
}

}  // namespace ekshume::casefile
