// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/diagnostic.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/progress.h"
#include "collection/frame_index.h"
#include "collection/tar_header.h"

namespace ekshume::collection {

// One member of one part.
struct Member {
  TarMember header;          // path, metadata, extended attributes, link target
  size_t part = 0;           // index among Reader::parts()
  uint64_t data_offset = 0;  // in the part's tar stream
  uint64_t size_bytes = 0;
  bool partial = false;  // some of its bytes did not arrive, or the collector could not read them

  const std::string& path() const { return header.path; }
  bool is_file() const {
    return header.stat.type == fs::NodeType::kRegular && !header.is_hard_link;
  }
};

// What a reader accepts at most; smaller in tests.
struct ReaderLimits {
  size_t members = limits::kMaxCollectionMembers;
  uint64_t table_bytes = limits::kMaxCollectionTableBytes;
};

// Reads collections (docs/formats/collection.md): all parts of one as one archive with random
// access. Keeps the headers of members (about 400 bytes each) and of frames, and a few decoded
// frames. Any number of threads may use one Reader. The images must outlive it.
class Reader {
 public:
  // `parts` in any order; each is one stream. All frames are read and checked; members are listed.
  // Damage, a missing trailer and reached limits are reported; parts without a trailer are not when
  // the last one is whole and left out exactly what is here of the others: then nothing is missing.
  // Fails when no part is a collection.
  static Result<std::unique_ptr<Reader>> Open(std::span<const image::Image* const> parts,
                                              DiagnosticSink& diagnostics,
                                              const ReaderLimits& limits = {});

  // True when these first bytes of a file (32 are enough) begin a collection.
  static bool Sniff(ByteView start) { return FrameIndex::Sniff(start); }

  // Every member of every part, parts one after the other, in the order of the streams. Names may
  // come again; Find() says which counts.
  const std::vector<Member>& members() const { return members_; }
  // The member that counts for this name: the first whole one, else the first. Null when there is
  // none.
  const Member* Find(std::string_view path) const;
  // The members that count, one for each name, in the order of the streams.
  std::vector<const Member*> Counting() const;

  // Fills as much of `out` as the member has at `offset` and returns how much; 0 at or past its
  // end. kCorrupt where its bytes did not arrive.
  Result<size_t> ReadAt(const Member& member, uint64_t offset, std::span<std::byte> out) const;
  // All bytes of a member of at most `limit` bytes; kLimit when it is larger.
  Result<std::string> ReadAll(const Member& member, size_t limit) const;

  // Calls `line` for each line of a table, without its newline; `table` is the name of its first
  // piece. Tables of which each part has its own are joined, others come from the first part that
  // has them whole. A line that did not arrive whole is left out. False when there is no such
  // table. A table of more than limits::kMaxCollectionTableBytes is read up to there and reported.
  Result<bool> ReadTable(std::string_view table, const std::function<void(std::string_view)>& line,
                         DiagnosticSink& diagnostics) const;

  // The members that ReadTable() reads for a table, in that order.
  std::vector<const Member*> TablePieces(std::string_view table) const;
  // The table that a member of this name is a piece of; "" for other members.
  static std::string TableOf(std::string_view path);
  // How many of a member's bytes arrived before the first that did not.
  uint64_t WholeBytes(const Member& member) const;

  // Compares every member with its manifest, and each part's tar stream with its trailer, and
  // reports what differs. Reads everything once. kCancelled when `progress` says so.
  Result<void> CheckDigests(DiagnosticSink& diagnostics, Progress* progress = nullptr) const;
  // The same, and reports each thing that the collector says it could not read.
  Result<void> Verify(DiagnosticSink& diagnostics) const;

  // The parts, by their number.
  size_t part_count() const { return parts_.size(); }
  const FrameIndex& part(size_t index) const { return *parts_[index]; }
  // True when the part has its trailer.
  bool IsComplete(size_t index) const { return parts_[index]->trailer().has_value(); }

  // The names of members that a collector may leave out when it is started again after a cut: what
  // is here whole and is no table.
  std::vector<std::string> Received() const;

 private:
  explicit Reader(const ReaderLimits& limits) : limits_(limits) {}
  // Whether the last part began where the others had ended, and went on to its end.
  bool LastCompletesTheOthers() const;
  // Received(), of the first members only; names may come again.
  std::vector<std::string> ReceivedBefore(size_t member_count) const;
  // What a collector that is started again may leave out: the contents of files and memory.
  static bool IsContent(std::string_view path);
  void ListMembers(size_t part, DiagnosticSink& diagnostics);
  // The pieces of a table in one part, in order; `whole` says whether nothing of it is missing.
  std::vector<const Member*> Pieces(size_t part, std::string_view table, bool& whole) const;
  Result<bool> ReadPieces(const std::vector<const Member*>& pieces,
                          const std::function<void(std::string_view)>& line, uint64_t& bytes,
                          DiagnosticSink& diagnostics) const;
  Result<void> CheckPart(size_t part, DiagnosticSink& diagnostics, Progress* progress) const;

  const ReaderLimits limits_;
  std::vector<std::unique_ptr<FrameIndex>> parts_;
  std::vector<Member> members_;
  std::vector<size_t> part_begins_;  // index of each part's first member; one more at the end
  std::unordered_map<std::string, size_t> counting_;
};

}  // namespace ekshume::collection
