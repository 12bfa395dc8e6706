// SPDX-License-Identifier: Apache-2.0
#include "casefile/evidence_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/endian.h"
#include "base/limits.h"
#include "casefile/collection_evidence.h"
#include "casefile/file_input.h"
#include "casefile/live_evidence.h"
#include "fs/archive/format.h"
#include "fs/archive/tar.h"
#include "fs/archive/zip.h"
#include "fs/folder/folder.h"
#include "image/raw/reader.h"
#include "log/carrier/compressed.h"
#include "process/format.h"

namespace ekshume::casefile {
namespace {

namespace filesystem = std::filesystem;

constexpr size_t kHeadBytes = size_t{128} << 10;

Result<std::string> ReadHead(log::Input& input, size_t count) {
  std::string head(count, '\0');
  size_t size = 0;
  while (size < head.size()) {
    const size_t got = EKSHUME_TRY(input.Read(std::span(head).subspan(size)));
    if (got == 0) break;
    size += got;
  }
  head.resize(size);
  return head;
}

bool HasText(std::string_view head, size_t at, std::string_view text) {
  return head.size() >= at + text.size() && head.substr(at, text.size()) == text;
}

// Partition tables and filesystems, ours and others', by their magic numbers.
bool IsDisk(std::string_view head) {
  return HasText(head, 510, "\x55\xaa") || HasText(head, 512, "EFI PART") ||
         HasText(head, 4096, "EFI PART") || HasText(head, 0, "XFSB") ||
         HasText(head, 1080, "\x53\xef") || HasText(head, 0x10040, "_BHRfS_M") ||
         HasText(head, 0, "LUKS\xba\xbe") || HasText(head, 536, "LVM2 001") ||
         HasText(head, 24, "LVM2 001") || HasText(head, 0, "hsqs") ||
         HasText(head, 0, "EVF\x09\x0d\x0a\xff") || HasText(head, 0, "QFI\xfb") ||
         HasText(head, 0, "KDMV") || HasText(head, 0, "conectix");
}

// Whether these bytes begin a file of text, an archive or a compressed file.
bool IsLog(std::string_view head) {
  if (head.starts_with("PK\x03\x04") || HasText(head, 257, "ustar") || log::IsGzip(head) ||
      log::IsZstd(head) || head.starts_with("070701") || head.starts_with("BZh") ||
      head.starts_with("\xfd"
                       "7zXZ")) {
    return true;
  }
  const std::string_view first = head.substr(0, 4096);
  return std::ranges::none_of(first, [](char c) {
    const unsigned char byte = static_cast<unsigned char>(c);
    return byte < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\x1b' && c != '\x1d';
  });
}

// Reads and forgets. False at the end of the input.
Result<bool> SkipBytes(log::Input& input, uint64_t count, std::string& buffer) {
  buffer.resize(kHeadBytes);
  while (count > 0) {
    const size_t most = static_cast<size_t>(std::min<uint64_t>(count, buffer.size()));
    const size_t got = EKSHUME_TRY(input.Read(std::span(buffer).first(most)));
    if (got == 0) return false;
    count -= got;
  }
  return true;
}

// Whether a tar archive has a member that only evidence of a running system has. Members are passed
// over until one is found, limits::kMaxGlancedMembers of them or limits::kMaxGlancedBytes.
Result<bool> IsLive(log::Input& tar) {
  std::string block;
  std::string buffer;
  uint64_t bytes = 0;
  for (size_t members = 0; members < limits::kMaxGlancedMembers && bytes < limits::kMaxGlancedBytes;
       ++members) {
    block = EKSHUME_TRY(ReadHead(tar, fs::archive::kTarBlockBytes));
    if (block.size() < fs::archive::kTarBlockBytes) return false;
    const auto member = fs::archive::GlanceAtTarHeader(ByteView::Of(block));
    if (!member) return false;
    if (process::FormatOfMember(member->name) != nullptr) return true;
    constexpr uint64_t kBlock = fs::archive::kTarBlockBytes;
    if (member->size_bytes > limits::kMaxGlancedBytes) return false;
    const uint64_t step = (member->size_bytes + kBlock - 1) / kBlock * kBlock;
    bytes += kBlock + step;
    if (!EKSHUME_TRY(SkipBytes(tar, step, buffer))) return false;
  }
  return false;
}

// Whether a zip archive's directory, at its end, has such a member.
bool IsLiveZip(const std::string& path) {
  auto file = image::EvidenceFile::Open(path);
  if (!file) return false;
  const image::raw::RawImage image(*std::move(file));
  DiagnosticSink ignored;
  const auto tree = fs::archive::OpenZip(image, path, ignored);
  if (!tree) return false;
  return IsLiveTree(**tree);
}

// The same of a folder.
bool IsLiveFolder(const std::string& path) {
  DiagnosticSink ignored;
  const auto tree = fs::OpenFolder(path, ignored);
  return tree && IsLiveTree(**tree);
}

bool IsHostRoot(const std::string& path) {
  std::error_code error;
  int score = 0;
  for (const char* name : {"etc", "usr", "var"}) {
    score += filesystem::is_directory(filesystem::path(path) / name, error) ? 1 : 0;
  }
  return score >= 2;
}

}  // namespace

Result<EvidenceKind> ClassifyEvidence(const std::string& path) {
  std::error_code error;
  if (filesystem::is_directory(path, error)) {
    if (IsHostRoot(path) || IsLiveFolder(path)) return EvidenceKind::kNode;
    const std::vector<LogFile> files = EKSHUME_TRY(ListLogFiles(path));
    return files.empty() ? EvidenceKind::kNode : EvidenceKind::kLogs;
  }
  if (!filesystem::is_regular_file(path, error)) return EvidenceKind::kNode;
  if (IsCollectionFile(path)) return EvidenceKind::kNode;
  std::string head;
  {
    const auto file = EKSHUME_TRY(FileSource::Open(path));
    head = EKSHUME_TRY(ReadHead(*file, kHeadBytes));
  }
  const bool is_gzip = log::IsGzip(head);
  const bool is_zstd = log::IsZstd(head);
  DiagnosticSink ignored;
  // The content, from its beginning, however often it is asked for.
  const auto open = [&](std::unique_ptr<FileSource>& file) -> Result<std::unique_ptr<log::Input>> {
    file = EKSHUME_TRY(FileSource::Open(path));
    if (is_gzip) return log::Gunzip(*file, path, ignored);
    if (is_zstd) return log::Unzstd(*file, path, ignored);
    return std::unique_ptr<log::Input>(std::move(file));
  };
  if (is_gzip || is_zstd) {
    std::unique_ptr<FileSource> file;
    const auto content = EKSHUME_TRY(open(file));
    head = EKSHUME_TRY(ReadHead(*content, kHeadBytes));
  }
  // An empty or damaged one says nothing: the readers of images explain what is wrong with it.
  if (head.empty() || IsDisk(head)) return EvidenceKind::kNode;
  if (HasText(head, fs::archive::kTarMagicOffset, fs::archive::kTarMagic)) {
    std::unique_ptr<FileSource> file;
    const auto content = EKSHUME_TRY(open(file));
    const auto is_live = IsLive(*content);
    if (!is_live && is_live.error().code == ErrorCode::kCancelled) return is_live.error();
    if (is_live && *is_live) return EvidenceKind::kNode;
  }
  if (head.starts_with("PK\x03\x04") && !is_gzip && !is_zstd && IsLiveZip(path)) {
    return EvidenceKind::kNode;
  }
  return IsLog(head) ? EvidenceKind::kLogs : EvidenceKind::kNode;
}

Result<std::vector<LogFile>> ListLogFiles(const std::string& path) {
  std::error_code error;
  const filesystem::path top = filesystem::path(path).lexically_normal();
  std::string name = top.filename().string();
  if (name.empty()) name = top.parent_path().filename().string();
  std::vector<LogFile> files;
  if (!filesystem::is_directory(path, error)) {
    files.push_back({path, name});
    return files;
  }
  filesystem::recursive_directory_iterator entries(
      path, filesystem::directory_options::skip_permission_denied, error);
  for (const filesystem::recursive_directory_iterator end; !error && entries != end;
       entries.increment(error)) {
    std::error_code ignored;
    if (!entries->is_regular_file(ignored) || entries->is_symlink(ignored)) continue;
    if (files.size() >= limits::kMaxFolderNodes) {
      return Fail(ErrorCode::kLimit,
                  fmt::format("{} holds more than {} files", path, limits::kMaxFolderNodes));
    }
    files.push_back(
        {entries->path().string(), name + "/" + entries->path().lexically_relative(path).string()});
  }
  if (error) return Fail(ErrorCode::kIo, fmt::format("cannot list {}: {}", path, error.message()));
  std::ranges::sort(files, {}, &LogFile::name);
  return files;
}

}  // namespace ekshume::casefile
