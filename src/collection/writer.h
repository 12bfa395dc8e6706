// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/time.h"
#include "collection/byte_sink.h"
#include "collection/format.h"
#include "collection/tar_header.h"

struct ZSTD_CCtx_s;

namespace ekshume::collection {

using StreamId = std::array<unsigned char, 16>;

struct WriterOptions {
  StreamId stream_id{};
  StreamId continues_id{};  // of the first part; zeros when this is it
  uint32_t part = 1;
  Timestamp began;
  int compression_level = 3;
  size_t frame_bytes = size_t{1} << 20;  // content of one frame; at most kMaxStreamFrameBytes
};

// Writes a collection (docs/formats/collection.md): members in the order they are given, framed,
// and a manifest of them all. Holds one frame, one piece of the manifest and the state of zstd: 8
// MiB with the default options, whatever is written. One thread; the sink must outlive it. After an
// error of the sink every call returns that error.
class Writer {
 public:
  // Writes the opening.
  static Result<std::unique_ptr<Writer>> Start(ByteSink& sink, const WriterOptions& options);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // A member with all its bytes. `member.stat.size_bytes` must be the content's size (CHECKed).
  Result<void> Add(const TarMember& member, ByteView content = {});
  // A file of the collector's own, mode 0600, with the time at which the stream began.
  Result<void> AddText(std::string_view path, std::string_view content);

  // A member of known size whose bytes come piece by piece: at most that many (CHECKed). End() puts
  // zeros in the place of what is missing and marks the member as partial in the manifest.
  Result<void> Begin(const TarMember& member);
  Result<void> Append(ByteView bytes);
  Result<void> End();

  // Hands everything so far to the sink: what is volatile should leave the machine soon.
  Result<void> Flush();

  // The rest of the manifest and the trailer. `ended_early`: more was asked for than is there.
  Result<void> Finish(bool ended_early);

  uint64_t tar_bytes() const { return tar_bytes_; }
  uint64_t stream_bytes() const { return stream_bytes_; }
  uint64_t member_count() const { return member_count_; }
  const WriterOptions& options() const { return options_; }

 private:
  Writer(ByteSink& sink, const WriterOptions& options);

  Result<void> AppendTar(ByteView bytes);
  Result<void> AppendZeros(uint64_t count);
  Result<void> Pad();
  Result<void> WriteFrame();
  Result<void> WriteManifestPiece();
  Result<void> Send(ByteView bytes);
  TarMember OwnFile(std::string_view path, uint64_t size) const;

  ByteSink& sink_;
  const WriterOptions options_;
  ZSTD_CCtx_s* const zstd_;
  std::optional<Error> error_;

  std::string frame_;  // content of the frame under way
  std::string packed_;
  uint32_t first_member_ = kNoMember;
  uint64_t sequence_ = 0;
  uint64_t tar_bytes_ = 0;
  uint64_t stream_bytes_ = 0;
  Sha256 tar_hash_;

  bool in_member_ = false;
  std::string member_path_;
  uint64_t member_size_ = 0;
  uint64_t member_left_ = 0;
  bool member_is_file_ = false;
  Sha256 member_hash_;
  uint64_t member_count_ = 0;

  std::string manifest_;
  int manifest_pieces_ = 0;
};

// A table of JSON lines, written in pieces of at most a MiB as it grows. The writer must outlive it
// and must not be within a member when a line is added.
class TableWriter {
 public:
  // `path` ends in ".jsonl".
  TableWriter(Writer& writer, std::string path) : writer_(writer), path_(std::move(path)) {}

  // `object` is one JSON object without newline.
  Result<void> AddLine(std::string_view object);
  // Writes what is left; an empty table is a member without a line.
  Result<void> Finish();
  uint64_t lines() const { return lines_; }

 private:
  Result<void> WritePiece();

  Writer& writer_;
  const std::string path_;
  std::string lines_text_;
  uint64_t lines_ = 0;
  int pieces_ = 0;
};

inline constexpr std::string_view kTableSuffix = ".jsonl";

// The name of a table's piece: "live/maps.jsonl" is the first of itself, "live/maps.2.jsonl" the
// second.
std::string TablePieceName(std::string_view table, int piece);

}  // namespace ekshume::collection
