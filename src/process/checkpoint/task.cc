// SPDX-License-Identifier: Apache-2.0
#include "process/checkpoint/task.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/byte_view.h"
#include "base/checked.h"
#include "base/limits.h"
#include "base/protobuf.h"
#include "base/text.h"
#include "fs/path.h"
#include "process/checkpoint/format.h"
#include "process/checkpoint/image_file.h"

namespace ekshume::process::checkpoint {
namespace {

// Arguments and environment together, as the kernel bounds them (a quarter of an 8 MiB stack).
constexpr uint64_t kMaxArgumentBytes = uint64_t{2} << 20;

char StateLetter(uint64_t state) {
  switch (state) {
    case 1: return 'S';
    case 2: return 'X';
    case 3: return 'T';
    case 6: return 'Z';
    default: return '?';
  }
}

class TaskReader {
 public:
  TaskReader(const Source& source, std::string_view folder, FileRecords& files, Process& process,
             DiagnosticSink& diagnostics)
      : source_(source),
        folder_(folder),
        files_(files),
        process_(process),
        diagnostics_(diagnostics) {}

  void Run() {
    const auto visit = [this](const std::string& name, uint32_t magic, auto&& handler) {
      VisitEntries(source_, folder_, name, magic, diagnostics_, handler);
    };
    const int64_t pid = process_.pid;
    visit(fmt::format("core-{}.img", pid), kCoreMagic, [this](auto m) { ReadCore(m); });
    visit(fmt::format("ids-{}.img", pid), kIdsMagic, [this](auto m) { ReadIds(m); });
    if (files_id_) {
      visit(fmt::format("fdinfo-{}.img", *files_id_), kFdinfoMagic,
            [this](auto m) { ReadDescriptor(m); });
    }
    visit(fmt::format("fs-{}.img", pid), kFsMagic, [this](auto m) { ReadFs(m); });
    ReadPagemap(fmt::format("pagemap-{}.img", pid));
    visit(fmt::format("mm-{}.img", pid), kMmMagic, [this](auto m) { ReadMm(m); });
  }

 private:
  void Damage(std::string what) {
    diagnostics_.Report(DiagnosticCode::kCheckpointDamaged, source_.name, std::move(what));
  }

  const OpenFile* FileOf(uint64_t id) const {
    const auto found = files_.find(id);
    return found == files_.end() ? nullptr : &found->second.file;
  }

  void ReadCore(std::string_view message) {
    WireReader fields(message);
    for (WireField field; fields.Next(field);) {
      if (field.number == core::kIds) ReadIds(field.bytes);
      if (field.number == core::kTc) {
        WireReader task(field.bytes);
        for (WireField one; task.Next(one);) {
          if (one.number == core::kTaskState) process_.state = StateLetter(one.value);
          if (one.number == core::kComm) process_.name = std::string(one.bytes);
        }
      }
      if (field.number == core::kThreadCore) {
        WireReader thread(field.bytes);
        for (WireField one; thread.Next(one);) {
          if (one.number == core::kCreds) ReadCredentials(one.bytes);
        }
      }
    }
    if (fields.damaged()) Damage(fmt::format("core-{}.img: it makes no sense", process_.pid));
  }

  void ReadCredentials(std::string_view message) {
    std::vector<uint64_t> capabilities;
    WireReader fields(message);
    for (WireField field; fields.Next(field);) {
      if (field.number == core::kUid) process_.uid = static_cast<int64_t>(field.value);
      if (field.number == core::kEuid) process_.effective_uid = static_cast<int64_t>(field.value);
      if (field.number == core::kCapEff && capabilities.size() < 2) {
        AddNumbers(field, capabilities);
      }
    }
    if (!capabilities.empty()) {
      uint64_t mask = capabilities[0] & 0xffffffffU;
      if (capabilities.size() > 1) mask |= (capabilities[1] & 0xffffffffU) << 32U;
      process_.effective_capabilities = fmt::format("{:016x}", mask);
    }
  }

  void ReadIds(std::string_view message) {
    static constexpr std::array<std::pair<uint32_t, std::string_view>, 7> kNamespaces = {{
        {ids::kPidNs, "pid"},
        {ids::kNetNs, "net"},
        {ids::kIpcNs, "ipc"},
        {ids::kUtsNs, "uts"},
        {ids::kMntNs, "mnt"},
        {ids::kUserNs, "user"},
        {ids::kCgroupNs, "cgroup"},
    }};
    WireReader fields(message);
    for (WireField field; fields.Next(field);) {
      if (field.number == ids::kFilesId) files_id_ = field.value;
      // Numbers of CRIU's own, equal where the namespace is the same.
      for (const auto& [number, name] : kNamespaces) {
        if (field.number == number) process_.namespaces[std::string(name)] = field.value;
      }
    }
  }

  void ReadDescriptor(std::string_view message) {
    uint64_t id = 0;
    int64_t fd = -1;
    WireReader fields(message);
    for (WireField field; fields.Next(field);) {
      if (field.number == files::kId) id = field.value;
      if (field.number == files::kFd) fd = static_cast<int64_t>(field.value);
    }
    const auto found = files_.find(id);
    if (found == files_.end()) return;
    OpenFile file = found->second.file;
    file.fd = fd;
    if (found->second.socket) {
      found->second.socket->holders.push_back({process_.pid, fd});
      const auto net = process_.namespaces.find("net");
      if (net != process_.namespaces.end()) {
        found->second.socket->network_namespace = net->second;
      }
    }
    process_.files.push_back(std::move(file));
  }

  void ReadFs(std::string_view message) {
    WireReader fields(message);
    for (WireField field; fields.Next(field);) {
      const OpenFile* file = FileOf(field.value);
      if (file == nullptr) continue;
      if (field.number == fs_entry::kCwdId) process_.working_directory = file->path;
      if (field.number == fs_entry::kRootId) process_.root = file->path;
    }
  }

  // Which pages of memory were kept, and where they are in pages-N.img.
  void ReadPagemap(const std::string& name) {
    std::optional<uint64_t> pages_id;
    std::optional<Extent> pages;
    uint64_t offset = 0;
    bool parent = false;
    VisitEntries(source_, folder_, name, kPagemapMagic, diagnostics_, [&](std::string_view m) {
      WireReader fields(m);
      if (!pages_id) {
        for (WireField field; fields.Next(field);) {
          if (field.number == pagemap::kPagesId) pages_id = field.value;
        }
        if (pages_id) pages = FindPages(*pages_id);
        return;
      }
      uint64_t address = 0;
      uint64_t count = 0;
      bool in_parent = false;
      uint64_t flags = pagemap::kPresentFlag;  // what old versions mean without saying so
      for (WireField field; fields.Next(field);) {
        if (field.number == pagemap::kVaddr) address = field.value;
        if (field.number == pagemap::kNrPages && count == 0) count = field.value;
        if (field.number == pagemap::kNrPagesWide && field.value != 0) count = field.value;
        if (field.number == pagemap::kInParent) in_parent = field.value != 0;
        if (field.number == pagemap::kFlags) flags = field.value;
      }
      if (in_parent || (flags & pagemap::kParentFlag) != 0) parent = true;
      if (in_parent || (flags & pagemap::kPresentFlag) == 0 || !pages) return;
      const auto length = CheckedMultiply(count, kPageBytes);
      if (!length || !CheckedAdd(address, *length) ||
          !RangeFits(offset, *length, pages->length_bytes)) {
        Damage(fmt::format("{}: it names more pages than were kept", name));
        pages.reset();
        return;
      }
      if (process_.memory.size() < limits::kMaxMemoryRegions) {
        process_.memory.push_back({address, {pages->file, offset, *length}});
      } else {
        diagnostics_.Report(
            DiagnosticCode::kCollectionLimit, source_.name,
            fmt::format("further memory of process {} (kMaxMemoryRegions)", process_.pid));
      }
      offset += *length;
    });
    if (parent) {
      Damage(fmt::format("{}: some pages are in an earlier checkpoint, which is not in the archive",
                         name));
    }
    std::ranges::sort(process_.memory, {}, &MemoryPart::address);
  }

  std::optional<Extent> FindPages(uint64_t id) const {
    const auto node =
        fs::ResolvePath(source_.tree, fs::JoinPath(folder_, fmt::format("pages-{}.img", id)));
    if (!node) return std::nullopt;
    const auto stat = source_.tree.GetStat(*node);
    if (!stat || stat->type != fs::NodeType::kRegular) return std::nullopt;
    return Extent{*node, 0, stat->size_bytes};
  }

  void ReadMm(std::string_view message) {
    uint64_t arg_start = 0;
    uint64_t arg_end = 0;
    uint64_t env_start = 0;
    uint64_t env_end = 0;
    WireReader fields(message);
    for (WireField field; fields.Next(field);) {
      switch (field.number) {
        case mm::kArgStart: arg_start = field.value; break;
        case mm::kArgEnd: arg_end = field.value; break;
        case mm::kEnvStart: env_start = field.value; break;
        case mm::kEnvEnd: env_end = field.value; break;
        case mm::kExeFileId: ReadExecutable(field.value); break;
        case mm::kVmas: ReadMapping(field.bytes); break;
        default: break;
      }
    }
    if (fields.damaged()) Damage(fmt::format("mm-{}.img: it makes no sense", process_.pid));
    process_.arguments = ReadStrings(arg_start, arg_end);
    process_.environment = ReadStrings(env_start, env_end);
  }

  void ReadExecutable(uint64_t id) {
    const OpenFile* file = FileOf(id);
    if (file == nullptr) return;
    process_.executable = file->path;
    process_.executable_deleted = file->deleted;
    process_.executable_content = file->content;
    process_.executable_member = file->content_member;
  }

  void ReadMapping(std::string_view message) {
    Mapping mapping;
    uint64_t file = 0;
    uint64_t protection = 0;
    uint64_t flags = 0;
    uint64_t status = 0;
    WireReader fields(message);
    for (WireField field; fields.Next(field);) {
      switch (field.number) {
        case mm::kStart: mapping.start = field.value; break;
        case mm::kEnd: mapping.end = field.value; break;
        case mm::kPgoff: mapping.offset_bytes = field.value; break;
        case mm::kShmid: file = field.value; break;
        case mm::kProt: protection = field.value; break;
        case mm::kFlags: flags = field.value; break;
        case mm::kStatus: status = field.value; break;
        default: break;
      }
    }
    if (mapping.end < mapping.start) {
      Damage(fmt::format("mm-{}.img: a mapping ends before it begins", process_.pid));
      return;
    }
    mapping.permissions = {(protection & 1U) != 0 ? 'r' : '-', (protection & 2U) != 0 ? 'w' : '-',
                           (protection & 4U) != 0 ? 'x' : '-', (flags & 1U) != 0 ? 's' : 'p'};
    constexpr uint64_t kGrowsDown = 0x0100;  // MAP_GROWSDOWN
    if ((status & (mm::kFilePrivate | mm::kFileShared)) != 0) {
      if (const OpenFile* named = FileOf(file)) {
        mapping.path = named->path;
        mapping.deleted = named->deleted;
      }
    } else if ((status & mm::kVdso) != 0) {
      mapping.path = "[vdso]";
    } else if ((status & mm::kVsyscall) != 0) {
      mapping.path = "[vsyscall]";
    } else if ((status & mm::kVvar) != 0) {
      mapping.path = "[vvar]";
    } else if ((status & mm::kStack) != 0 || (flags & kGrowsDown) != 0) {
      mapping.path = "[stack]";
    } else if ((status & mm::kHeap) != 0) {
      mapping.path = "[heap]";
    }
    if (process_.mappings.size() < limits::kMaxMemoryRegions) {
      process_.mappings.push_back(std::move(mapping));
    }
  }

  // Texts between zero bytes in the process's memory; none where that was not kept.
  std::vector<std::string> ReadStrings(uint64_t start, uint64_t end) const {
    if (end <= start || end - start > kMaxArgumentBytes) return {};
    std::string bytes(static_cast<size_t>(end - start), '\0');
    uint64_t known = 0;
    for (const MemoryPart& part : PartsWithin(process_.memory, start, end)) {
      const auto file = source_.tree.OpenFile(part.bytes.file);
      if (!file) continue;
      const auto at = static_cast<size_t>(part.address - start);
      const auto count = (*file)->ReadAt(
          part.bytes.offset_bytes,
          AsWritableBytes(bytes).subspan(at, static_cast<size_t>(part.bytes.length_bytes)));
      if (count) known += *count;
    }
    if (known == 0) return {};
    std::vector<std::string> texts;
    for (size_t at = 0; at < bytes.size() && texts.size() < limits::kMaxArguments;) {
      const size_t zero = std::min(bytes.find('\0', at), bytes.size());
      texts.push_back(bytes.substr(at, zero - at));
      at = zero + 1;
    }
    return texts;
  }

  const Source& source_;
  const std::string_view folder_;
  FileRecords& files_;
  Process& process_;
  DiagnosticSink& diagnostics_;
  std::optional<uint64_t> files_id_;
};

}  // namespace

void ReadTask(const Source& source, std::string_view folder, FileRecords& files, Process& process,
              DiagnosticSink& diagnostics) {
  TaskReader(source, folder, files, process, diagnostics).Run();
}

}  // namespace ekshume::process::checkpoint
