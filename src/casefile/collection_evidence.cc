// SPDX-License-Identifier: Apache-2.0
#include "casefile/collection_evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/text.h"
#include "casefile/file_hash.h"
#include "collection/frame_check.h"
#include "fs/path.h"
#include "image/evidence_file.h"
#include "image/raw/reader.h"
#include "process/json_lines.h"

namespace ekshume::casefile {
namespace {

namespace filesystem = std::filesystem;

struct PartFile {
  std::string path;
  collection::OpeningFrame opening{};
  bool is_whole = false;  // the opening is
};

// Nothing for other files.
std::optional<PartFile> ReadOpening(const std::string& path) {
  std::error_code error;
  if (!filesystem::is_regular_file(path, error)) return std::nullopt;
  const auto file = image::EvidenceFile::Open(path);
  if (!file) return std::nullopt;
  std::array<std::byte, sizeof(collection::OpeningFrame)> bytes{};
  const auto count = std::min<uint64_t>(bytes.size(), file->size_bytes());
  const auto head = std::span(bytes).first(static_cast<size_t>(count));
  if (!file->ReadAt(0, head) || !collection::Reader::Sniff(ByteView(head))) return std::nullopt;
  PartFile part{.path = path};
  if (const auto opening = ByteView(head).Read<collection::OpeningFrame>(0)) {
    part.opening = *opening;
    part.is_whole = collection::IsSealed(*opening, collection::kOpeningFrame);
  }
  return part;
}

// The id of the first part, which all parts of a collection name.
std::array<unsigned char, 16> FirstId(const collection::OpeningFrame& opening) {
  const bool is_first =
      std::ranges::all_of(opening.continues_id, [](unsigned char b) { return b == 0; });
  return is_first ? opening.stream_id : opening.continues_id;
}

}  // namespace

bool IsCollectionFile(const std::string& path) { return ReadOpening(path).has_value(); }

std::vector<std::string> PartsOfCollection(const std::string& path, DiagnosticSink& diagnostics,
                                           size_t most) {
  const auto given = ReadOpening(path);
  if (!given || !given->is_whole) return {path};
  std::vector<PartFile> parts = {*given};
  std::error_code error;
  filesystem::path folder = filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  filesystem::directory_iterator entries(folder, error);
  size_t seen = 0;
  for (const filesystem::directory_iterator end; !error && entries != end;
       entries.increment(error)) {
    if (++seen > most) {
      diagnostics.Report(DiagnosticCode::kCollectionLimit, path,
                         fmt::format("of the files beside it only {} were looked at for further "
                                     "parts (kMaxFilesBesideAPart)",
                                     most));
      break;
    }
    std::error_code ignored;
    if (filesystem::equivalent(entries->path(), path, ignored)) continue;
    auto other = ReadOpening(entries->path().string());
    if (!other || !other->is_whole || FirstId(other->opening) != FirstId(given->opening)) continue;
    // A copy of a part is no further part.
    if (std::ranges::any_of(parts, [&](const PartFile& part) {
          return part.opening.stream_id == other->opening.stream_id;
        })) {
      continue;
    }
    parts.push_back(*std::move(other));
  }
  std::ranges::stable_sort(parts, {}, [](const PartFile& part) {
    return std::pair(part.opening.part.value(), part.path);
  });
  std::vector<std::string> paths;
  for (PartFile& part : parts) paths.push_back(std::move(part.path));
  return paths;
}

Result<std::unique_ptr<collection::PartsImage>> OpenCollection(
    const std::vector<std::string>& parts, const std::string& name, DiagnosticSink& diagnostics,
    Progress* progress) {
  std::vector<std::unique_ptr<image::Image>> images;
  for (const std::string& path : parts) {
    // As it is stored: image::Open would unpack the frames.
    images.push_back(
        std::make_unique<image::raw::RawImage>(EKSHUME_TRY(image::EvidenceFile::Open(path))));
  }
  auto image = EKSHUME_TRY(collection::PartsImage::Open(std::move(images), name, diagnostics));
  const collection::Reader& reader = image->reader();
  for (size_t i = 0; i < reader.part_count(); ++i) {
    const uint32_t number = reader.part(i).opening().part.value();
    const uint32_t expected = i == 0 ? 1 : reader.part(i - 1).opening().part.value() + 1;
    if (number <= expected) continue;
    diagnostics.Report(DiagnosticCode::kCollectionIncomplete, name,
                       fmt::format("part {} of it is not here", expected));
    break;
  }
  EKSHUME_TRY(reader.CheckDigests(diagnostics, progress));
  return image;
}

Result<void> CheckManifest(const fs::Filesystem& tree, const std::string& name,
                           DiagnosticSink& diagnostics, Progress* progress) {
  Result<void> outcome;
  const auto differs = [&](const std::string& member, std::string_view what) {
    diagnostics.Report(DiagnosticCode::kCollectionMismatch, name,
                       fmt::format("{} {}", EscapeForTerminal(member), what));
  };
  const auto check = [&](const process::Json& row) {
    const std::string stated = runtime::Text(runtime::Member(row, "sha256"));
    if (!outcome || stated.empty()) return;
    const std::string member = process::BytesOf(row, "member");
    const auto node = fs::ResolvePath(tree, member, fs::FollowLast::kNo);
    if (!node) return differs(member, "is in the manifest and not there");
    const auto digest = HashFile(tree, *node, progress);
    if (!digest && digest.error().code == ErrorCode::kCancelled) {
      outcome = digest.error();
      return;
    }
    const std::string found = digest ? *digest : digest.error().message;
    if (found != stated) {
      differs(member, fmt::format("has SHA-256 {}, the manifest says {}", found, stated));
    }
  };
  const process::Source source{tree, name};
  if (!process::VisitTable(source, "manifest.jsonl", diagnostics, check)) {
    diagnostics.Report(DiagnosticCode::kCollectionTruncated, name, "it has no manifest");
  }
  return outcome;
}

}  // namespace ekshume::casefile
