// SPDX-License-Identifier: Apache-2.0
#include "casefile/extract.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "casefile/atomic_file.h"
#include "casefile/extract_tree.h"
#include "casefile/file_probe.h"
#include "casefile/link_identity.h"
#include "casefile/member_path.h"
#include "fs/walk.h"

namespace ekshume::casefile {
namespace {

constexpr size_t kCopyBytes = size_t{1} << 20;
constexpr uint32_t kSpecialBits = 07000;
// The name of a single file while it is being made.
constexpr std::string_view kSingleFile = "file";
constexpr std::string_view kLeftOutSuffix = ".left-out.txt";

std::array<timespec, 2> Times(const fs::Stat& stat) {
  const auto convert = [](Timestamp time) {
    return timespec{time.seconds, static_cast<long>(time.nanoseconds)};
  };
  return {convert(stat.accessed), convert(stat.modified)};
}

class Extractor {
 public:
  Extractor(const fs::Filesystem& filesystem, ExtractTree& tree, const ExtractOptions& options,
            DiagnosticSink& diagnostics, Progress* progress)
      : filesystem_(filesystem),
        tree_(tree),
        options_(options),
        diagnostics_(diagnostics),
        progress_(progress),
        buffer_(kCopyBytes) {}

  Result<void> Run(fs::NodeId start);
  ExtractSummary TakeSummary() { return std::move(summary_); }
  bool is_single_file() const { return single_file_; }

 private:
  struct Place {
    int folder;  // descriptor of the parent
    std::string name;
    const std::string& path;
  };
  struct Directory {
    std::string path;
    fs::Stat stat;
  };

  Result<void> Add(const fs::WalkItem& item);
  Result<void> AddDirectory(const Place& place, const fs::Stat& stat);
  Result<void> AddFile(const Place& place, const fs::WalkItem& item);
  Result<void> AddSymlink(const Place& place, const fs::WalkItem& item);
  Result<void> AddSpecial(const Place& place, const fs::Stat& stat);
  Result<bool> AddHardLink(const Place& place, const fs::WalkItem& item);
  Result<void> CopyContent(const fs::File& file, int output, const std::string& path);
  Result<void> CopyRange(const fs::File& file, int output, const std::string& path, uint64_t begin,
                         uint64_t end);
  Result<void> FinishDirectories();
  mode_t Mode(const fs::Stat& stat, mode_t always, const std::string& path);
  void SetOwner(int descriptor, const fs::Stat& stat) const;
  void LeaveOut(const std::string& path, std::string reason);
  // What a name's creation failed with: an Error when the whole extraction must end, else reported.
  Result<void> Failed(const Place& place, int error_number);
  void Unreadable(const std::string& path, std::string detail);

  const fs::Filesystem& filesystem_;
  ExtractTree& tree_;
  const ExtractOptions& options_;
  DiagnosticSink& diagnostics_;
  Progress* progress_;
  MemberPath paths_;
  std::vector<std::byte> buffer_;
  std::vector<Directory> directories_;
  std::unordered_map<LinkIdentity, std::string, LinkIdentityHash> first_names_;
  ExtractSummary summary_;
  bool single_file_ = false;
  bool incomplete_ = false;
};

void Extractor::LeaveOut(const std::string& path, std::string reason) {
  diagnostics_.Report(DiagnosticCode::kExportLeftOut, "/" + path, reason);
  ++summary_.left_out_count;
  if (summary_.left_out.size() < kMaxLeftOutListed) {
    summary_.left_out.push_back({path, std::move(reason)});
  }
}

void Extractor::Unreadable(const std::string& path, std::string detail) {
  diagnostics_.Report(DiagnosticCode::kFilesystemNodeUnreadable, "/" + path, std::move(detail));
}

Result<void> Extractor::Failed(const Place& place, int error_number) {
  // Names that this machine's filesystem cannot hold: too long, not distinct without case, ...
  if (error_number == EEXIST || error_number == ENAMETOOLONG || error_number == EINVAL ||
      error_number == EILSEQ || error_number == EFBIG || error_number == EPERM) {
    LeaveOut(place.path, WriteError(place.path, error_number).message);
    return {};
  }
  return WriteError(place.path, error_number);
}

mode_t Extractor::Mode(const fs::Stat& stat, mode_t always, const std::string& path) {
  mode_t mode = stat.permissions;
  if (!options_.preserve) {
    // A directory's bits grant nothing to anybody; a program's do.
    if ((mode & 06000U) != 0 && stat.type == fs::NodeType::kRegular) {
      LeaveOut(path, "set-uid and set-gid bits");
    }
    mode &= ~kSpecialBits;
  }
  return mode | always;
}

void Extractor::SetOwner(int descriptor, const fs::Stat& stat) const {
  // Only root can; whoever cannot gets files of their own, as documented.
  if (options_.preserve) [[maybe_unused]]
    const int ignored = fchown(descriptor, stat.uid, stat.gid);
}

Result<void> Extractor::AddDirectory(const Place& place, const fs::Stat& stat) {
  if (mkdirat(place.folder, place.name.c_str(), 0700) != 0) return Failed(place, errno);
  // Its mode and times come last: while it is filled, they must let us in and would change.
  directories_.push_back({place.path, stat});
  ++summary_.directories;
  return {};
}

Result<void> Extractor::CopyRange(const fs::File& file, int output, const std::string& path,
                                  uint64_t begin, uint64_t end) {
  while (begin < end) {
    const size_t wanted = std::min<uint64_t>(buffer_.size(), end - begin);
    const auto count = file.ReadAt(begin, std::span(buffer_).first(wanted));
    if (!count || *count == 0) {
      incomplete_ = true;
      Unreadable(path, fmt::format("at {} of the file: {}; {} bytes are zero in the copy", begin,
                                   count ? "it ends early" : count.error().message, wanted));
      begin += wanted;
      continue;
    }
    size_t done = 0;
    while (done < *count) {
      const ssize_t written = pwrite(output, std::span(buffer_).subspan(done).data(), *count - done,
                                     static_cast<off_t>(begin + done));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return WriteError(path, errno);
      done += static_cast<size_t>(written);
    }
    begin += *count;
    summary_.bytes += *count;
    if (progress_ != nullptr) {
      progress_->AddBytes(*count);
      if (progress_->cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
    }
  }
  return {};
}

Result<void> Extractor::CopyContent(const fs::File& file, int output, const std::string& path) {
  const uint64_t size = file.size_bytes();
  if (file.runs().empty() && EndIsUnreadable(file)) {
    Unreadable(path, fmt::format("it claims {} bytes but cannot be read at its end; only the first "
                                 "{} were tried",
                                 size, kUnprobedBytes));
    return CopyRange(file, output, path, 0, kUnprobedBytes);
  }
  if (file.runs().empty()) return CopyRange(file, output, path, 0, size);
  for (const fs::Run& run : file.runs()) {
    const bool data = run.kind == fs::Run::Kind::kData || run.kind == fs::Run::Kind::kInline;
    if (!data || run.file_offset_bytes >= size) continue;
    const uint64_t length = std::min(run.length_bytes, size - run.file_offset_bytes);
    EKSHUME_TRY(
        CopyRange(file, output, path, run.file_offset_bytes, run.file_offset_bytes + length));
  }
  return {};
}

Result<bool> Extractor::AddHardLink(const Place& place, const fs::WalkItem& item) {
  if (item.stat.links < 2) return false;
  const auto [first, is_new] =
      first_names_.emplace(IdentifyLink(filesystem_, item.node, item.stat), place.path);
  if (is_new) return false;
  // Where it cannot be linked (too many links, or the first was left out) it is copied.
  return linkat(tree_.root(), first->second.c_str(), place.folder, place.name.c_str(), 0) == 0;
}

Result<void> Extractor::AddFile(const Place& place, const fs::WalkItem& item) {
  if (EKSHUME_TRY(AddHardLink(place, item))) {
    ++summary_.files;
    return {};
  }
  OwnedDescriptor output(openat(place.folder, place.name.c_str(),
                                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!output) return Failed(place, errno);
  incomplete_ = false;
  if (item.stat.size_bytes != 0) {
    const auto file = filesystem_.OpenFile(item.node);
    if (!file) {
      incomplete_ = true;
      Unreadable(place.path, file.error().message + "; the copy is empty");
    } else if (ftruncate(output.value(), static_cast<off_t>((*file)->size_bytes())) != 0) {
      const int error_number = errno;
      unlinkat(place.folder, place.name.c_str(), 0);
      return Failed(place, error_number);
    } else {
      EKSHUME_TRY(CopyContent(**file, output.value(), place.path));
    }
  }
  SetOwner(output.value(), item.stat);  // before the mode: changing the owner clears set-uid bits
  const auto times = Times(item.stat);
  if (fchmod(output.value(), Mode(item.stat, 0400, place.path)) != 0 ||
      futimens(output.value(), times.data()) != 0) {
    return WriteError(place.path, errno);
  }
  // Some filesystems say only now that there was no room.
  if (close(output.Release()) != 0) return WriteError(place.path, errno);
  ++summary_.files;
  summary_.unreadable += incomplete_ ? 1 : 0;
  return {};
}

Result<void> Extractor::AddSymlink(const Place& place, const fs::WalkItem& item) {
  const auto target = filesystem_.ReadSymlink(item.node);
  if (!target || target->empty() || target->contains('\0')) {
    Unreadable(place.path, target ? "not a symbolic link's target" : target.error().message);
    ++summary_.unreadable;
    return {};
  }
  if (symlinkat(target->c_str(), place.folder, place.name.c_str()) != 0)
    return Failed(place, errno);
  const auto times = Times(item.stat);
  utimensat(place.folder, place.name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW);
  ++summary_.symlinks;
  return {};
}

Result<void> Extractor::AddSpecial(const Place& place, const fs::Stat& stat) {
  mode_t type = 0;
  std::string reason;
  switch (stat.type) {
    case fs::NodeType::kCharDevice: type = S_IFCHR, reason = "character device"; break;
    case fs::NodeType::kBlockDevice: type = S_IFBLK, reason = "block device"; break;
    case fs::NodeType::kFifo: type = S_IFIFO, reason = "FIFO"; break;
    case fs::NodeType::kSocket: reason = "socket"; break;
    default: reason = "unknown type"; break;
  }
  if (!options_.devices || type == 0) {
    LeaveOut(place.path, reason);
    return {};
  }
  const dev_t device = makedev(stat.device_major, stat.device_minor);
  if (mknodat(place.folder, place.name.c_str(), type | (stat.permissions & 0777U), device) != 0) {
    return Failed(place, errno);
  }
  return {};
}

Result<void> Extractor::Add(const fs::WalkItem& item) {
  const size_t slash = item.path.rfind('/');
  const std::string_view folder =
      slash == std::string::npos ? "" : std::string_view(item.path).substr(0, slash);
  const Place place{EKSHUME_TRY(tree_.Open(folder)), item.path.substr(slash + 1), item.path};
  switch (item.stat.type) {
    case fs::NodeType::kDirectory: return AddDirectory(place, item.stat);
    case fs::NodeType::kRegular: return AddFile(place, item);
    case fs::NodeType::kSymlink: return AddSymlink(place, item);
    default: return AddSpecial(place, item.stat);
  }
}

Result<void> Extractor::FinishDirectories() {
  std::reverse(directories_.begin(), directories_.end());  // children before their parents
  for (const Directory& directory : directories_) {
    const int descriptor = EKSHUME_TRY(tree_.Open(directory.path));
    SetOwner(descriptor, directory.stat);
    const auto times = Times(directory.stat);
    if (fchmod(descriptor, Mode(directory.stat, 0700, directory.path)) != 0 ||
        futimens(descriptor, times.data()) != 0) {
      return WriteError(directory.path, errno);
    }
  }
  return {};
}

Result<void> Extractor::Run(fs::NodeId start) {
  Result<void> added;
  bool at_start = true;
  EKSHUME_TRY(fs::Walk(
      filesystem_, start, diagnostics_,
      [&](const fs::WalkItem& item) {
        fs::WalkItem named = item;
        if (std::exchange(at_start, false)) {
          if (item.stat.type == fs::NodeType::kDirectory) {
            directories_.push_back({"", item.stat});
            return fs::WalkStep::kContinue;
          }
          single_file_ = true;
          named.path = kSingleFile;
        }
        const bool directory = item.stat.type == fs::NodeType::kDirectory;
        if (!paths_.Accept(named.path, directory)) {
          LeaveOut(named.path, "not a name that a file can have, or there twice");
          return fs::WalkStep::kSkipChildren;
        }
        const size_t directories = directories_.size();
        added = Add(named);
        if (!added) return fs::WalkStep::kStop;
        // A directory that could not be made is left out with what is in it.
        const bool skip = directory && directories_.size() == directories;
        return skip ? fs::WalkStep::kSkipChildren : fs::WalkStep::kContinue;
      },
      progress_));
  EKSHUME_TRY(std::move(added));
  return FinishDirectories();
}

Result<void> WriteLeftOut(const ExtractSummary& summary, const std::string& target) {
  std::string text;
  for (const LeftOut& item : summary.left_out) {
    text += EscapeForTerminal(item.path) + "\t" + EscapeForTerminal(item.reason) + "\n";
  }
  if (summary.left_out_count > summary.left_out.size()) {
    text += fmt::format("\tand {} more\n", summary.left_out_count - summary.left_out.size());
  }
  const auto file = EKSHUME_TRY(AtomicFile::Create(target + std::string(kLeftOutSuffix)));
  EKSHUME_TRY(file->Write(text));
  return file->Commit();
}

}  // namespace

Result<ExtractSummary> Extract(const fs::Filesystem& filesystem, fs::NodeId node,
                               const std::string& target, const ExtractOptions& options,
                               DiagnosticSink& diagnostics, Progress* progress) {
  ExtractTree tree = EKSHUME_TRY(ExtractTree::Create(target));
  Extractor extractor(filesystem, tree, options, diagnostics, progress);
  EKSHUME_TRY(extractor.Run(node));
  const bool single_file = extractor.is_single_file();
  ExtractSummary summary = extractor.TakeSummary();
  if (single_file && summary.files + summary.symlinks == 0 && !options.devices) {
    return Fail(ErrorCode::kInvalidArgument,
                "it is no file that can be extracted: " + (summary.left_out.empty()
                                                               ? std::string("unreadable")
                                                               : summary.left_out.front().reason));
  }
  std::string name = target;
  while (name.size() > 1 && name.ends_with('/')) name.pop_back();
  const bool listed = summary.left_out_count != 0;
  if (listed) EKSHUME_TRY(WriteLeftOut(summary, name));
  auto committed = tree.Commit(single_file ? kSingleFile : "");
  if (!committed) {
    if (listed) unlink((name + std::string(kLeftOutSuffix)).c_str());
    return committed.error();
  }
  return summary;
}

}  // namespace ekshume::casefile
