// SPDX-License-Identifier: Apache-2.0
#include "casefile/export_tar.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "casefile/file_probe.h"
#include "casefile/link_identity.h"
#include "casefile/member_path.h"
#include "casefile/tar_output.h"
#include "collection/tar_header.h"
#include "fs/walk.h"

namespace ekshume::casefile {
namespace {

using collection::EncodeTarMember;
using collection::IsTarXattrName;
using collection::kTarBlockBytes;
using collection::TarMember;
using collection::TarSegment;

// Readers of archives expect whole records of 20 blocks.
constexpr uint64_t kTarRecordBytes = 20 * kTarBlockBytes;

// The parts of a file that hold data, in whole blocks. Nothing when it has no holes worth keeping.
std::optional<std::vector<TarSegment>> FindSegments(std::span<const fs::Run> runs, uint64_t size) {
  std::vector<TarSegment> segments;
  uint64_t data_bytes = 0;
  for (const fs::Run& run : runs) {
    const bool data = run.kind == fs::Run::Kind::kData || run.kind == fs::Run::Kind::kInline;
    if (!data || run.file_offset_bytes >= size) continue;
    uint64_t begin = run.file_offset_bytes / kTarBlockBytes * kTarBlockBytes;
    const uint64_t length = std::min(run.length_bytes, size - run.file_offset_bytes);
    uint64_t end = run.file_offset_bytes + length;
    if (end < size)
      end = std::min(size, (end + kTarBlockBytes - 1) / kTarBlockBytes * kTarBlockBytes);
    if (!segments.empty()) {
      TarSegment& last = segments.back();
      const uint64_t last_end = last.offset_bytes + last.length_bytes;
      if (begin <= last_end) {  // adjoining, or sharing a block
        if (end > last_end) {
          last.length_bytes += end - last_end;
          data_bytes += end - last_end;
        }
        continue;
      }
    }
    if (end <= begin) continue;
    segments.push_back({begin, end - begin});
    data_bytes += end - begin;
  }
  const bool worth_it = !runs.empty() && size - data_bytes >= kTarRecordBytes;
  if (!worth_it) return std::nullopt;
  return segments;
}

class TarExporter {
 public:
  TarExporter(const fs::Filesystem& filesystem, TarOutput& output, DiagnosticSink& diagnostics)
      : filesystem_(filesystem), output_(output), diagnostics_(diagnostics) {}

  Result<TarSummary> Run(fs::NodeId start, Progress* progress);

 private:
  Result<void> Add(const fs::WalkItem& item);
  Result<void> AddFile(TarMember& member, fs::NodeId node);
  Result<void> CopyRange(const fs::File& file, const std::string& path, TarSegment range);
  void ReadAttributes(TarMember& member, fs::NodeId node);
  void Unreadable(const std::string& path, std::string detail) {
    diagnostics_.Report(DiagnosticCode::kFilesystemNodeUnreadable, "/" + path, std::move(detail));
  }
  void LeftOut(const std::string& path, std::string detail) {
    diagnostics_.Report(DiagnosticCode::kExportLeftOut, "/" + path, std::move(detail));
  }

  const fs::Filesystem& filesystem_;
  TarOutput& output_;
  DiagnosticSink& diagnostics_;
  MemberPath paths_;
  std::unordered_map<LinkIdentity, std::string, LinkIdentityHash> first_names_;
  TarSummary summary_;
  bool incomplete_ = false;  // the file under way
};

void TarExporter::ReadAttributes(TarMember& member, fs::NodeId node) {
  auto xattrs = filesystem_.ReadXattrs(node);
  if (!xattrs) return Unreadable(member.path, "attributes: " + xattrs.error().message);
  for (fs::Xattr& xattr : *xattrs) {
    if (IsTarXattrName(xattr.name)) {
      member.xattrs.push_back(std::move(xattr));
    } else {
      LeftOut(member.path, fmt::format("attribute {}", EscapeForTerminal(xattr.name)));
    }
  }
}

// Exactly range.length_bytes bytes come out, whatever can be read.
Result<void> TarExporter::CopyRange(const fs::File& file, const std::string& path,
                                    TarSegment range) {
  while (range.length_bytes != 0) {
    std::span<std::byte> room = EKSHUME_TRY(output_.Room());
    room = room.first(std::min<uint64_t>(room.size(), range.length_bytes));
    const auto count = file.ReadAt(range.offset_bytes, room);
    if (!count || *count == 0) {
      incomplete_ = true;
      Unreadable(path, fmt::format("at {} of the file: {}; zeros take the place of {} bytes",
                                   range.offset_bytes,
                                   count ? "it ends early" : count.error().message, room.size()));
      // The rest may be readable: go on behind this part.
      EKSHUME_TRY(output_.AppendZeros(room.size()));
      range.offset_bytes += room.size();
      range.length_bytes -= room.size();
      continue;
    }
    output_.Filled(*count);
    range.offset_bytes += *count;
    range.length_bytes -= *count;
  }
  return {};
}

Result<void> TarExporter::AddFile(TarMember& member, fs::NodeId node) {
  std::unique_ptr<fs::File> file;
  incomplete_ = false;
  if (member.stat.size_bytes != 0) {
    auto opened = filesystem_.OpenFile(node);
    if (opened) {
      file = *std::move(opened);
    } else {
      Unreadable(member.path, opened.error().message + "; the archive has an empty file instead");
      ++summary_.unreadable;
      member.stat.size_bytes = 0;
    }
  }
  if (file != nullptr) {
    auto segments = FindSegments(file->runs(), member.stat.size_bytes);
    if (file->runs().empty() && EndIsUnreadable(*file)) {
      // The size is not to be believed: zeros for all of it might fill the disk.
      segments = {{0, kUnprobedBytes}};
      incomplete_ = true;
      Unreadable(member.path, fmt::format("it claims {} bytes but cannot be read at its end; only "
                                          "the first {} were tried",
                                          file->size_bytes(), kUnprobedBytes));
    }
    member.is_sparse = segments.has_value();
    if (segments) member.segments = *std::move(segments);
  }
  EKSHUME_TRY(output_.Append(ByteView::Of(EncodeTarMember(member))));
  if (file == nullptr) return {};
  if (!member.is_sparse) member.segments.push_back({0, member.stat.size_bytes});
  for (const TarSegment& segment : member.segments) {
    EKSHUME_TRY(CopyRange(*file, member.path, segment));
  }
  summary_.unreadable += incomplete_ ? 1 : 0;
  return output_.AppendZeros((kTarBlockBytes - output_.bytes() % kTarBlockBytes) % kTarBlockBytes);
}

Result<void> TarExporter::Add(const fs::WalkItem& item) {
  TarMember member;
  member.path = item.path;
  member.stat = item.stat;
  const fs::NodeType type = item.stat.type;
  if (type == fs::NodeType::kSocket || type == fs::NodeType::kUnknown) {
    LeftOut(item.path, type == fs::NodeType::kSocket ? "a socket" : "a node of unknown type");
    ++summary_.left_out;
    return {};
  }
  ++summary_.members;
  if (type != fs::NodeType::kDirectory && item.stat.links > 1) {
    const auto [first, is_new] =
        first_names_.emplace(IdentifyLink(filesystem_, item.node, item.stat), item.path);
    if (!is_new) {
      member.is_hard_link = true;
      member.link_target = first->second;
      return output_.Append(ByteView::Of(EncodeTarMember(member)));
    }
  }
  ReadAttributes(member, item.node);
  if (type == fs::NodeType::kRegular) return AddFile(member, item.node);
  if (type == fs::NodeType::kSymlink) {
    auto target = filesystem_.ReadSymlink(item.node);
    if (!target) {
      Unreadable(item.path, target.error().message);
      ++summary_.unreadable;
    }
    member.link_target = std::move(target).value_or("");
  }
  return output_.Append(ByteView::Of(EncodeTarMember(member)));
}

Result<TarSummary> TarExporter::Run(fs::NodeId start, Progress* progress) {
  Result<void> added;
  bool at_start = true;
  EKSHUME_TRY(fs::Walk(
      filesystem_, start, diagnostics_,
      [&](const fs::WalkItem& item) {
        fs::WalkItem named = item;
        if (std::exchange(at_start, false)) {
          if (item.stat.type == fs::NodeType::kDirectory) return fs::WalkStep::kContinue;
          named.path = "file";
        }
        if (!paths_.Accept(named.path, item.stat.type == fs::NodeType::kDirectory)) {
          LeftOut(named.path, "not a name that a file can have, or there twice");
          ++summary_.left_out;
          return fs::WalkStep::kSkipChildren;
        }
        added = Add(named);
        return added ? fs::WalkStep::kContinue : fs::WalkStep::kStop;
      },
      progress));
  if (!added) return added.error();
  EKSHUME_TRY(output_.AppendZeros(2 * kTarBlockBytes));
  EKSHUME_TRY(
      output_.AppendZeros((kTarRecordBytes - output_.bytes() % kTarRecordBytes) % kTarRecordBytes));
  EKSHUME_TRY(output_.Finish());
  summary_.bytes = output_.bytes();
  return summary_;
}

Error OutputError(const std::string& path, int error) {
  const bool full = error == ENOSPC || error == EDQUOT;
  return Fail(full ? ErrorCode::kNoSpace : ErrorCode::kIo,
              fmt::format("cannot write {}: {}", path, std::strerror(error)));
}

Result<TarSummary> WriteNamed(const fs::Filesystem& filesystem, fs::NodeId start, int output,
                              const std::string& name, DiagnosticSink& diagnostics,
                              Progress* progress) {
  TarOutput stream(output, name, progress);
  return TarExporter(filesystem, stream, diagnostics).Run(start, progress);
}

// Closes the descriptor and, unless told otherwise, removes the file.
class PartialFile {
 public:
  PartialFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  ~PartialFile() {
    if (descriptor_ >= 0) close(descriptor_);
    if (!path_.empty()) unlink(path_.c_str());
  }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  int descriptor() const { return descriptor_; }
  // Some filesystems tell only now that there was no room.
  Result<void> RenameTo(const std::string& path) {
    const int closed = close(descriptor_);
    descriptor_ = -1;
    if (closed != 0 || rename(path_.c_str(), path.c_str()) != 0) return OutputError(path, errno);
    path_.clear();
    return {};
  }

 private:
  std::string path_;
  int descriptor_;
};

}  // namespace

Result<TarSummary> WriteTar(const fs::Filesystem& filesystem, fs::NodeId start, int output,
                            DiagnosticSink& diagnostics, Progress* progress) {
  return WriteNamed(filesystem, start, output, "the archive", diagnostics, progress);
}

Result<TarSummary> ExportTar(const fs::Filesystem& filesystem, fs::NodeId start,
                             const std::string& path, DiagnosticSink& diagnostics,
                             Progress* progress) {
  if (path.empty() || path == "-") {
    return WriteNamed(filesystem, start, STDOUT_FILENO, "standard output", diagnostics, progress);
  }
  struct stat status{};
  const bool special = stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
  std::string partial = path + ".partial-XXXXXX";
  // Mode 0600: what is taken from evidence is confidential.
  const int descriptor =
      special ? open(path.c_str(), O_WRONLY | O_CLOEXEC) : mkostemp(partial.data(), O_CLOEXEC);
  if (descriptor < 0) return OutputError(path, errno);
  PartialFile file(special ? "" : partial, descriptor);
  TarSummary summary =
      EKSHUME_TRY(WriteNamed(filesystem, start, descriptor, path, diagnostics, progress));
  if (!special) EKSHUME_TRY(file.RenameTo(path));
  return summary;
}

}  // namespace ekshume::casefile
