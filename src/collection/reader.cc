// SPDX-License-Identifier: Apache-2.0
#include "collection/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "collection/line_cutter.h"
#include "collection/tar_decode.h"
#include "collection/writer.h"

namespace ekshume::collection {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;
// Tables of which each part has its own.
constexpr std::array<std::string_view, 4> kOwnTables = {"files.jsonl", "skipped.jsonl",
                                                        "traces.jsonl", "manifest.jsonl"};

bool IsOwnTable(std::string_view table) {
  return std::find(kOwnTables.begin(), kOwnTables.end(), table) != kOwnTables.end();
}

// Which piece of `table` has this name; 0 for other members.
int PieceNumber(std::string_view table, std::string_view path) {
  if (path == table) return 1;
  const std::string_view stem = table.substr(0, table.size() - kTableSuffix.size());
  if (path.size() <= table.size() + 1 || !path.starts_with(stem) || path[stem.size()] != '.' ||
      !path.ends_with(kTableSuffix)) {
    return 0;
  }
  const std::string_view digits = path.substr(stem.size() + 1, path.size() - table.size() - 1);
  int number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() && end == digits.data() + digits.size() && number > 1 ? number : 0;
}

// Names that would lead out of a folder, or to nowhere.
bool IsSafeName(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.contains('\0')) return false;
  for (const std::string_view part : SplitNonEmpty(path, '/')) {
    if (part == "..") return false;
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<Reader>> Reader::Open(std::span<const image::Image* const> parts,
                                             DiagnosticSink& diagnostics,
                                             const ReaderLimits& limits) {
  std::unique_ptr<Reader> reader(new Reader(limits));
  for (const image::Image* image : parts) {
    reader->parts_.push_back(EKSHUME_TRY(FrameIndex::Read(*image, diagnostics)));
  }
  if (reader->parts_.empty()) return Fail(ErrorCode::kInvalidArgument, "no part of a collection");
  std::stable_sort(reader->parts_.begin(), reader->parts_.end(), [](const auto& a, const auto& b) {
    return a->opening().part.value() < b->opening().part.value();
  });
  for (size_t i = 0; i < reader->parts_.size(); ++i) reader->ListMembers(i, diagnostics);
  reader->part_begins_.push_back(reader->members_.size());
  for (size_t i = 0; i < reader->members_.size(); ++i) {
    const auto [known, is_new] = reader->counting_.emplace(reader->members_[i].path(), i);
    if (!is_new && reader->members_[known->second].partial && !reader->members_[i].partial) {
      known->second = i;
    }
  }
  if (!reader->LastCompletesTheOthers()) {
    for (size_t i = 0; i < reader->parts_.size(); ++i) {
      if (!reader->IsComplete(i)) reader->parts_[i]->ReportTruncation(diagnostics);
    }
  }
  return reader;
}

void Reader::ListMembers(size_t part, DiagnosticSink& diagnostics) {
  part_begins_.push_back(members_.size());
  const FrameIndex& index = *parts_[part];
  const TarRead read = [&](uint64_t offset, std::span<std::byte> out) {
    return index.ReadAt(offset, out);
  };
  std::optional<uint64_t> next = index.NextMember(0);
  while (next) {
    auto decoded = DecodeTarMember(read, *next);
    if (!decoded) {
      // Cut off within a header: the walk over the frames has said so. Else go on at the next
      // member that a frame names.
      const bool at_end = decoded.error().code == ErrorCode::kOutOfRange;
      if (!at_end) {
        diagnostics.Report(DiagnosticCode::kCollectionDamaged, index.name(),
                           decoded.error().message, next);
      }
      next = index.NextMember(*next + 1);
      continue;
    }
    if (!*decoded) return;
    if (members_.size() >= limits_.members) {
      diagnostics.Report(
          DiagnosticCode::kCollectionLimit, index.name(),
          fmt::format("more than {} members (kMaxCollectionMembers)", limits_.members));
      return;
    }
    DecodedMember& found = **decoded;
    next = found.next_offset;
    const bool whole = index.HasAll(found.data_offset, found.data_bytes);
    if (!IsSafeName(found.member.path)) {
      diagnostics.Report(DiagnosticCode::kCollectionDamaged, index.name(),
                         "a member has the name " + EscapeForTerminal(found.member.path),
                         found.data_offset);
    } else {
      members_.push_back({.header = std::move(found.member),
                          .part = part,
                          .data_offset = found.data_offset,
                          .size_bytes = found.data_bytes,
                          .partial = !whole});
    }
    // Behind a gap the lengths of headers lead into nowhere; frames say where members begin.
    if (!index.HasAll(*next, kTarBlockBytes)) next = index.NextMember(*next);
  }
}

const Member* Reader::Find(std::string_view path) const {
  const auto found = counting_.find(std::string(path));
  return found == counting_.end() ? nullptr : &members_[found->second];
}

std::vector<const Member*> Reader::Counting() const {
  std::vector<size_t> indexes;
  indexes.reserve(counting_.size());
  for (const auto& [path, index] : counting_) indexes.push_back(index);
  std::sort(indexes.begin(), indexes.end());
  std::vector<const Member*> counting;
  counting.reserve(indexes.size());
  for (const size_t index : indexes) counting.push_back(&members_[index]);
  return counting;
}

Result<size_t> Reader::ReadAt(const Member& member, uint64_t offset,
                              std::span<std::byte> out) const {
  if (offset >= member.size_bytes) return 0;
  out = out.first(std::min<uint64_t>(out.size(), member.size_bytes - offset));
  EKSHUME_TRY(parts_[member.part]->ReadAt(member.data_offset + offset, out));
  return out.size();
}

Result<std::string> Reader::ReadAll(const Member& member, size_t limit) const {
  if (member.size_bytes > limit) {
    return Fail(ErrorCode::kLimit,
                fmt::format("{} has {} bytes, at most {} are read",
                            EscapeForTerminal(member.path()), member.size_bytes, limit));
  }
  std::string bytes(member.size_bytes, '\0');
  EKSHUME_TRY(ReadAt(member, 0, AsWritableBytes(bytes)));
  return bytes;
}

std::vector<const Member*> Reader::Pieces(size_t part, std::string_view table, bool& whole) const {
  std::vector<const Member*> pieces;
  whole = true;
  int last_number = 0;
  for (size_t i = part_begins_[part]; i < part_begins_[part + 1]; ++i) {
    const Member& member = members_[i];
    const int number = PieceNumber(table, member.path());
    if (number <= last_number) continue;
    whole = whole && !member.partial && number == last_number + 1;
    last_number = number;
    pieces.push_back(&member);
  }
  if (pieces.empty()) return pieces;
  // The last piece must be followed by something that is no piece of the manifest.
  const auto last_index = static_cast<size_t>(pieces.back() - members_.data());
  bool followed = IsComplete(part);
  for (size_t i = last_index + 1; i < part_begins_[part + 1]; ++i) {
    followed = followed || !members_[i].path().starts_with("manifest.");
  }
  whole = whole && followed;
  return pieces;
}

Result<bool> Reader::ReadPieces(const std::vector<const Member*>& pieces,
                                const std::function<void(std::string_view)>& line, uint64_t& bytes,
                                DiagnosticSink& diagnostics) const {
  LineCutter cutter(limits::kMaxRecordBytes);
  std::string buffer;
  for (const Member* piece : pieces) {
    cutter.Restart();  // pieces hold whole lines
    for (uint64_t offset = 0; offset < piece->size_bytes;) {
      buffer.resize(std::min<uint64_t>(kReadBytes, piece->size_bytes - offset));
      if (bytes + buffer.size() > limits_.table_bytes) {
        diagnostics.Report(DiagnosticCode::kCollectionLimit, piece->path(),
                           fmt::format("a table of more than {} bytes (kMaxCollectionTableBytes)",
                                       limits_.table_bytes));
        return true;
      }
      // A frame that is missing takes its lines with it; the next frame may begin within a line.
      if (const auto read = ReadAt(*piece, offset, AsWritableBytes(buffer)); !read) break;
      bytes += buffer.size();
      offset += buffer.size();
      cutter.Feed(buffer, line);
    }
  }
  if (cutter.left_out() > 0) {
    diagnostics.Report(
        DiagnosticCode::kCollectionLimit, pieces.front()->path(),
        fmt::format("{} lines that are too long (kMaxRecordBytes)", cutter.left_out()));
  }
  return true;
}

std::vector<const Member*> Reader::TablePieces(std::string_view table) const {
  std::vector<const Member*> joined;
  for (size_t part = 0; part < parts_.size(); ++part) {
    bool whole = false;
    std::vector<const Member*> pieces = Pieces(part, table, whole);
    if (pieces.empty()) continue;
    if (IsOwnTable(table)) {
      joined.insert(joined.end(), pieces.begin(), pieces.end());
    } else if (whole) {
      return pieces;
    } else if (pieces.size() >= joined.size()) {
      joined = std::move(pieces);
    }
  }
  return joined;
}

std::string Reader::TableOf(std::string_view path) {
  if (!path.ends_with(kTableSuffix)) return "";
  std::string_view stem = path.substr(0, path.size() - kTableSuffix.size());
  const size_t dot = stem.rfind('.');
  if (dot != std::string_view::npos &&
      PieceNumber(fmt::format("{}{}", stem.substr(0, dot), kTableSuffix), path) > 1) {
    stem = stem.substr(0, dot);
  }
  std::string table = fmt::format("{}{}", stem, kTableSuffix);
  const bool is_live = table.starts_with("live/") && table.find('/', 5) == std::string::npos;
  return is_live || IsOwnTable(table) ? table : "";
}

uint64_t Reader::WholeBytes(const Member& member) const {
  if (!member.partial) return member.size_bytes;
  const FrameIndex& part = *parts_[member.part];
  uint64_t low = 0;
  uint64_t high = member.size_bytes;
  while (low < high) {
    const uint64_t middle = high - (high - low) / 2;
    if (part.HasAll(member.data_offset, middle)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

Result<bool> Reader::ReadTable(std::string_view table,
                               const std::function<void(std::string_view)>& line,
                               DiagnosticSink& diagnostics) const {
  const std::vector<const Member*> pieces = TablePieces(table);
  if (pieces.empty()) return false;
  uint64_t bytes = 0;
  return ReadPieces(pieces, line, bytes, diagnostics);
}

bool Reader::IsContent(std::string_view path) {
  const bool is_content = path.starts_with("deleted/") || path.starts_with("memory/") ||
                          path.starts_with("root/") || path.starts_with("containers/");
  return is_content && !path.contains('\n');
}

std::vector<std::string> Reader::Received() const {
  std::vector<std::string> names;
  for (const Member* member : Counting()) {
    if (!member->partial && IsContent(member->path())) names.push_back(member->path());
  }
  return names;
}

}  // namespace ekshume::collection
