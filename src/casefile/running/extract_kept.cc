// SPDX-License-Identifier: Apache-2.0
#include "casefile/running/extract_kept.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>

#include "casefile/extent_file.h"
#include "casefile/extract_tree.h"
#include "casefile/live_json.h"

namespace ekshume::casefile {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;

template <typename Number>
std::optional<Number> ParseWhole(std::string_view text, int base) {
  Number number{};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

class KeptWriter {
 public:
  KeptWriter(const LiveEvidence& live, const process::Process& process, DiagnosticSink& diagnostics,
             Progress& progress)
      : live_(live), process_(process), diagnostics_(diagnostics), progress_(progress) {}

  // Writes parts of memory, or one extent, into a new file of the folder.
  Result<void> Write(int folder, const std::string& name,
                     const std::vector<process::MemoryPart>& parts, uint64_t start, uint64_t end) {
    const OwnedDescriptor file(
        openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return WriteError(name, errno);
    if (ftruncate(file.value(), static_cast<off_t>(end - start)) != 0) {
      return WriteError(name, errno);
    }
    for (const process::MemoryPart& part : parts) {
      EKSHUME_TRY(Copy(file.value(), name, part.bytes, part.address - start));
    }
    ++kept_.files;
    return {};
  }

  Result<void> WriteText(int folder, const std::string& name, std::string_view text) {
    const OwnedDescriptor file(
        openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return WriteError(name, errno);
    return WriteAt(file.value(), name, ByteView::Of(text), 0);
  }

  KeptBytes kept() const { return kept_; }

 private:
  Result<void> Copy(int file, const std::string& name, const process::Extent& extent, uint64_t at) {
    const auto source = OpenExtent(live_, extent);
    std::vector<std::byte> buffer(kReadBytes);
    for (uint64_t offset = 0; offset < extent.length_bytes;) {
      if (progress_.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
      const Result<size_t> count =
          source ? (*source)->ReadAt(offset, buffer) : Result<size_t>(source.error());
      if (!count || *count == 0) {
        diagnostics_.Report(DiagnosticCode::kCollectionDamaged, live_.name,
                            fmt::format("process {}, {}: {} bytes from {} on could not be read: {}",
                                        process_.pid, name, extent.length_bytes - offset, offset,
                                        count ? "the archive ends in it" : count.error().message));
        return {};
      }
      EKSHUME_TRY(WriteAt(file, name, ByteView(buffer).First(*count), at + offset));
      offset += *count;
      kept_.bytes += *count;
      progress_.AddBytes(*count);
    }
    return {};
  }

  static Result<void> WriteAt(int file, const std::string& name, ByteView bytes, uint64_t offset) {
    while (!bytes.empty()) {
      const ssize_t written = pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return WriteError(name, written < 0 ? errno : EIO);
      bytes = bytes.From(static_cast<size_t>(written));
      offset += static_cast<uint64_t>(written);
    }
    return {};
  }

  const LiveEvidence& live_;
  const process::Process& process_;
  DiagnosticSink& diagnostics_;
  Progress& progress_;
  KeptBytes kept_;
};

Result<void> WriteMemory(const process::Process& process, int folder, KeptWriter& writer) {
  std::string maps;
  for (const process::Mapping& mapping : process.mappings) {
    maps += Dump(MappingJson(process, mapping));
    maps += '\n';
  }
  EKSHUME_TRY(writer.WriteText(folder, "maps.jsonl", maps));
  const std::vector<process::MemoryPart>& parts = process.memory;
  uint64_t written_to = 0;
  for (const process::MemoryPart& part : parts) {
    const uint64_t end = part.address + part.bytes.length_bytes;
    // Overlapping ones hold the same bytes, and would have the same name.
    if (part.address < written_to || end <= part.address) continue;
    written_to = end;
    EKSHUME_TRY(writer.Write(folder, fmt::format("{:x}-{:x}", part.address, end), {part},
                             part.address, end));
  }
  return {};
}

// What a file of its own is made of.
struct Content {
  std::vector<process::MemoryPart> parts;
  uint64_t start = 0;
  uint64_t end = 0;
};

Content OfExtent(const process::Extent& extent) { return {{{0, extent}}, 0, extent.length_bytes}; }

Result<Content> FindContent(const process::Process& process, std::string_view what) {
  if (what == "exe") {
    if (process.executable_content) return OfExtent(*process.executable_content);
    return Fail(ErrorCode::kNotFound,
                fmt::format("the program of process {} was not kept: only those whose file is "
                            "deleted are",
                            process.pid));
  }
  if (what.starts_with("fd/")) {
    const auto fd = ParseWhole<int64_t>(what.substr(3), 10);
    if (!fd) return Fail(ErrorCode::kInvalidArgument, fmt::format("no number in {}", what));
    for (const process::OpenFile& file : process.files) {
      if (file.fd == *fd && file.content) return OfExtent(*file.content);
    }
    return Fail(ErrorCode::kNotFound,
                fmt::format("no bytes of descriptor {} of process {} were kept: only those of "
                            "deleted files are",
                            *fd, process.pid));
  }
  constexpr std::string_view kMemory = "memory/";
  const size_t dash = what.find('-');
  if (what.starts_with(kMemory) && dash != std::string_view::npos) {
    const auto start = ParseWhole<uint64_t>(what.substr(kMemory.size(), dash - kMemory.size()), 16);
    const auto end = ParseWhole<uint64_t>(what.substr(dash + 1), 16);
    if (start && end && *start < *end && *end - *start <= INT64_MAX) {
      Content content{process::PartsWithin(process.memory, *start, *end), *start, *end};
      if (!content.parts.empty()) return content;
      return Fail(ErrorCode::kNotFound,
                  fmt::format("nothing of {} of process {} was kept", what, process.pid));
    }
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is none of exe, fd/N, memory, memory/START-END", what));
}

}  // namespace

Result<KeptBytes> ExtractKept(const LiveEvidence& live, const process::Process& process,
                              std::string_view what, const std::string& target,
                              DiagnosticSink& diagnostics, Progress& progress) {
  KeptWriter writer(live, process, diagnostics, progress);
  if (what == "memory") {
    if (process.memory.empty()) {
      return Fail(
          ErrorCode::kNotFound,
          fmt::format("no memory of process {} was kept (--memory of the collector)", process.pid));
    }
    ExtractTree tree = EKSHUME_TRY(ExtractTree::Create(target));
    EKSHUME_TRY(WriteMemory(process, tree.root(), writer));
    EKSHUME_TRY(tree.Commit(""));
    return writer.kept();
  }
  const Content content = EKSHUME_TRY(FindContent(process, what));
  const std::string name = std::filesystem::path(target).filename().string();
  if (name.empty()) return Fail(ErrorCode::kInvalidArgument, target + " is no name of a file");
  ExtractTree tree = EKSHUME_TRY(ExtractTree::Create(target));
  EKSHUME_TRY(writer.Write(tree.root(), name, content.parts, content.start, content.end));
  EKSHUME_TRY(tree.Commit(name));
  return writer.kept();
}

}  // namespace ekshume::casefile
