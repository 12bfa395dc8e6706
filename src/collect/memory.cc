// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/byte_view.h"
#include "base/endian.h"
#include "base/limits.h"
#include "collect/context.h"
#include "collect/maps.h"
#include "collect/system.h"

namespace ekshume::collect {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;
// admin-guide/mm/pagemap.rst: 64 bits for each page.
constexpr uint64_t kPagePresent = uint64_t{1} << 63;
constexpr uint64_t kPageSwapped = uint64_t{1} << 62;
constexpr uint64_t kPagesAtOnce = 4096;
// Pages never touched, between touched ones of anonymous memory, that are written as the zeros that
// they are: fewer members.
constexpr uint64_t kJoinedPages = 16;

// One stretch of memory that becomes a member.
struct Stretch {
  uint64_t start;
  uint64_t end;
};

// Reads the memory of one process. The process goes on running: its memory changes while it is
// read, and its mappings may.
class MemoryReader {
 public:
  MemoryReader(Context& context, const Process& process)
      : context_(context),
        pid_(process.pid),
        page_bytes_(static_cast<uint64_t>(sysconf(_SC_PAGESIZE))) {}

  Result<void> Run();

 private:
  bool Wanted(const Mapping& mapping) const;
  // The touched stretches of a mapping; all of it when the kernel does not tell.
  std::vector<Stretch> Stretches(const Mapping& mapping) const;
  Result<void> Copy(const Stretch& stretch);
  // Fills `out` from `address`, page by page where it cannot be read in one piece; zeros where a
  // page cannot be read.
  Result<void> Read(uint64_t address, std::span<std::byte> out);

  Context& context_;
  const int pid_;
  const uint64_t page_bytes_;
  Descriptor memory_;
  Descriptor pagemap_;
  uint64_t bytes_ = 0;
  uint64_t left_out_bytes_ = 0;
  uint64_t unreadable_pages_ = 0;
  uint64_t first_unreadable_ = 0;
  int unreadable_errno_ = 0;
  std::string buffer_;
};

bool MemoryReader::Wanted(const Mapping& mapping) const {
  // Pages of the kernel, which are the same in every process or change while they are read.
  if (mapping.path == "[vvar]" || mapping.path == "[vsyscall]" || mapping.path == "[vvar_vclock]") {
    return false;
  }
  // Devices: reading their memory may do something.
  if (mapping.path.starts_with("/dev/") && !mapping.path.starts_with("/dev/shm/") &&
      mapping.path != "/dev/zero") {
    return false;
  }
  if (context_.options.memory == MemoryMode::kAll) return true;
  // Anonymous: what no file has. Private writable mappings of a file may differ from it; a deleted
  // or memory-only file can be had nowhere else.
  return mapping.inode == 0 || mapping.deleted ||
         (mapping.permissions[1] == 'w' && mapping.permissions[3] == 'p') ||
         mapping.path.starts_with("/dev/shm/") || mapping.path.starts_with("/memfd:");
}

std::vector<Stretch> MemoryReader::Stretches(const Mapping& mapping) const {
  if (!pagemap_.is_open()) {
    // Without a page map memory that may not be read is left alone: it can be of any size.
    if (mapping.permissions[0] != 'r') return {};
    return {{mapping.start, mapping.end}};
  }
  std::vector<Stretch> stretches;
  const uint64_t joined = mapping.inode == 0 ? kJoinedPages * page_bytes_ : 0;
  std::string entries;
  for (uint64_t address = mapping.start; address < mapping.end;) {
    const uint64_t pages = std::min((mapping.end - address) / page_bytes_, kPagesAtOnce);
    entries.resize(pages * sizeof(le64));
    const ssize_t count = pread(pagemap_.number(), entries.data(), entries.size(),
                                static_cast<off_t>(address / page_bytes_ * sizeof(le64)));
    if (count <= 0 || pages == 0) break;  // the process ended, or the mapping is gone
    const ByteView view = ByteView::Of(entries).First(static_cast<size_t>(count));
    for (size_t at = 0; view.Contains(at, sizeof(le64)); at += sizeof(le64)) {
      const uint64_t entry = view.Read<le64>(at)->value();
      if ((entry & (kPagePresent | kPageSwapped)) != 0) {
        if (!stretches.empty() && address - stretches.back().end <= joined) {
          stretches.back().end = address + page_bytes_;
        } else if (stretches.size() < limits::kMaxMemoryRegions) {
          stretches.push_back({address, address + page_bytes_});
        }
      }
      address += page_bytes_;
    }
  }
  return stretches;
}

Result<void> MemoryReader::Read(uint64_t address, std::span<std::byte> out) {
  const auto offset = [](uint64_t at) { return static_cast<off_t>(at); };
  ssize_t count = pread(memory_.number(), out.data(), out.size(), offset(address));
  size_t done = count > 0 ? static_cast<size_t>(count) : 0;
  done -= done % page_bytes_;
  // What is left page by page: one that cannot be read does not hide the next.
  while (done < out.size()) {
    const std::span<std::byte> page =
        out.subspan(done, std::min<size_t>(page_bytes_, out.size() - done));
    count = pread(memory_.number(), page.data(), page.size(), offset(address + done));
    if (count < 0 && errno == EINTR) continue;
    if (count != static_cast<ssize_t>(page.size())) {
      if (unreadable_pages_++ == 0) {
        first_unreadable_ = address + done;
        unreadable_errno_ = count < 0 ? errno : 0;
      }
      std::fill(page.begin(), page.end(), std::byte{0});
    }
    done += page.size();
  }
  return {};
}

Result<void> MemoryReader::Copy(const Stretch& stretch) {
  const uint64_t size = stretch.end - stretch.start;
  const std::string name = fmt::format("memory/{}/{:x}-{:x}", pid_, stretch.start, stretch.end);
  if (context_.options.received.contains(name)) return {};
  if (size > context_.options.memory_process_bytes - bytes_ ||
      size > context_.options.memory_total_bytes - context_.memory_bytes) {
    left_out_bytes_ += size;
    return {};
  }
  bytes_ += size;
  context_.memory_bytes += size;
  collection::TarMember member;
  member.path = name;
  member.stat.type = fs::NodeType::kRegular;
  member.stat.permissions = 0600;
  member.stat.size_bytes = size;
  member.stat.modified = Now();
  EKSHUME_TRY(context_.writer.Begin(member));
  unreadable_pages_ = 0;
  buffer_.resize(kReadBytes);
  for (uint64_t address = stretch.start; address < stretch.end;) {
    const std::span<std::byte> out =
        AsWritableBytes(buffer_).first(std::min<uint64_t>(kReadBytes, stretch.end - address));
    EKSHUME_TRY(Read(address, out));
    EKSHUME_TRY(context_.writer.Append(ByteView(out)));
    address += out.size();
  }
  EKSHUME_TRY(context_.writer.End());
  if (unreadable_pages_ == 0) return {};
  return context_.journal.Skip(
      SkipReason::kLoss, name,
      fmt::format("{} of its pages could not be read and are zeros, the first at {:x}",
                  unreadable_pages_, first_unreadable_),
      pid_, unreadable_errno_);
}

Result<void> MemoryReader::Run() {
  const std::string name = fmt::format("memory/{}", pid_);
  if (pid_ == getpid()) {
    return context_.journal.Skip(SkipReason::kLimit, name, "the collector's own memory", pid_);
  }
  const std::string path = context_.ProcPath(pid_, "mem");
  memory_ = Descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!memory_.is_open()) {
    return context_.journal.Skip(name, SystemError("open", path, errno), pid_);
  }
  pagemap_ = Descriptor(open(context_.ProcPath(pid_, "pagemap").c_str(), O_RDONLY | O_CLOEXEC));
  const Result<std::vector<Mapping>> mappings = ReadMaps(context_, pid_);
  if (!mappings) return context_.journal.Skip(name, mappings.error(), pid_);
  EKSHUME_TRY(context_.writer.AddText(
      fmt::format("memory/{}/maps", pid_),
      TextOrEmpty(context_.ProcPath(pid_, "maps"), limits::kMaxDocumentBytes)));
  for (const Mapping& mapping : *mappings) {
    if (context_.cancelled) break;
    if (!Wanted(mapping)) continue;
    for (const Stretch& stretch : Stretches(mapping)) {
      EKSHUME_TRY(Copy(stretch));
      if (context_.cancelled) break;
    }
  }
  if (left_out_bytes_ == 0) return {};
  return context_.journal.Skip(
      SkipReason::kLimit, name,
      fmt::format("{} bytes of its memory, by --memory-limit or --memory-total", left_out_bytes_),
      pid_);
}

}  // namespace

Result<void> CollectMemory(Context& context) {
  if (context.options.memory == MemoryMode::kNone) return {};
  for (const Process& process : context.processes) {
    if (process.kernel_thread) continue;
    if (context.cancelled) break;
    EKSHUME_TRY(MemoryReader(context, process).Run());
  }
  return {};
}

}  // namespace ekshume::collect
