// SPDX-License-Identifier: Apache-2.0
#include "collection/writer.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"
#include "collection/frame_check.h"

namespace ekshume::collection {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20;
constexpr std::string_view kManifest = "manifest.jsonl";

template <typename T>
std::array<unsigned char, 32> DigestBytes(const T& digest) {
  std::array<unsigned char, 32> bytes{};
  std::transform(digest.begin(), digest.end(), bytes.begin(),
                 [](std::byte b) { return std::to_integer<unsigned char>(b); });
  return bytes;
}

}  // namespace

std::string TablePieceName(std::string_view table, int piece) {
  if (piece == 1) return std::string(table);
  table.remove_suffix(kTableSuffix.size());
  return fmt::format("{}.{}{}", table, piece, kTableSuffix);
}

Writer::Writer(ByteSink& sink, const WriterOptions& options)
    : sink_(sink), options_(options), zstd_(ZSTD_createCCtx()) {
  frame_.reserve(options_.frame_bytes);
  packed_.resize(ZSTD_compressBound(options_.frame_bytes));
}

Writer::~Writer() { ZSTD_freeCCtx(zstd_); }

Result<std::unique_ptr<Writer>> Writer::Start(ByteSink& sink, const WriterOptions& options) {
  EKSHUME_CHECK(options.frame_bytes > 0 && options.frame_bytes <= limits::kMaxStreamFrameBytes);
  std::unique_ptr<Writer> writer(new Writer(sink, options));
  if (writer->zstd_ == nullptr) return Fail(ErrorCode::kIo, "zstd: out of memory");
  ZSTD_CCtx_setParameter(writer->zstd_, ZSTD_c_compressionLevel, options.compression_level);
  ZSTD_CCtx_setParameter(writer->zstd_, ZSTD_c_checksumFlag, 1);
  OpeningFrame opening{};
  opening.stream_id = options.stream_id;
  opening.continues_id = options.continues_id;
  opening.part = le32::Of(options.part);
  opening.began_nanoseconds = le64::Of(static_cast<uint64_t>(options.began.seconds) * 1000000000 +
                                       options.began.nanoseconds);
  SealFrame(opening, kOpeningFrame, 0);
  EKSHUME_TRY(writer->Send(AsBytes(opening)));
  return writer;
}

Result<void> Writer::Send(ByteView bytes) {
  if (error_) return *error_;
  if (Result<void> sent = sink_.Write(bytes); !sent) {
    error_ = sent.error();
    return *error_;
  }
  stream_bytes_ += bytes.size();
  return {};
}

Result<void> Writer::WriteFrame() {
  if (frame_.empty()) return {};
  const std::span<std::byte> room = AsWritableBytes(packed_);
  const size_t packed =
      ZSTD_compress2(zstd_, room.data(), room.size(), frame_.data(), frame_.size());
  if (ZSTD_isError(packed) != 0) {
    return Fail(ErrorCode::kIo, fmt::format("zstd: {}", ZSTD_getErrorName(packed)));
  }
  const ByteView stored = ByteView(room).First(packed);
  HeaderFrame header{};
  header.sequence = le64::Of(sequence_);
  header.tar_offset = le64::Of(tar_bytes_ - frame_.size());
  header.stored_bytes = le32::Of(static_cast<uint32_t>(stored.size()));
  header.content_bytes = le32::Of(static_cast<uint32_t>(frame_.size()));
  header.first_member = le32::Of(first_member_);
  header.sha256 = DigestBytes(Sha256::Of(stored));
  SealFrame(header, kHeaderFrame, 0);
  EKSHUME_TRY(Send(AsBytes(header)));
  EKSHUME_TRY(Send(stored));
  ++sequence_;
  frame_.clear();
  first_member_ = kNoMember;
  return {};
}

Result<void> Writer::AppendTar(ByteView bytes) {
  tar_hash_.Update(bytes);
  while (!bytes.empty()) {
    const ByteView part = bytes.First(options_.frame_bytes - frame_.size());
    frame_.append(part.AsText());
    tar_bytes_ += part.size();
    bytes = bytes.From(part.size());
    if (frame_.size() == options_.frame_bytes) EKSHUME_TRY(WriteFrame());
  }
  return {};
}

Result<void> Writer::AppendZeros(uint64_t count) {
  static constexpr std::array<std::byte, 4096> kZeros{};
  while (count > 0) {
    const ByteView part = ByteView(kZeros).First(std::min<uint64_t>(count, kZeros.size()));
    EKSHUME_TRY(AppendTar(part));
    count -= part.size();
  }
  return {};
}

Result<void> Writer::Begin(const TarMember& member) {
  if (error_) return *error_;
  EKSHUME_CHECK(!in_member_ && !member.is_sparse);
  in_member_ = true;
  member_path_ = member.path;
  member_is_file_ = member.stat.type == fs::NodeType::kRegular && !member.is_hard_link;
  member_size_ = TarDataBytes(member);
  member_left_ = member_size_;
  ++member_count_;
  if (first_member_ == kNoMember) first_member_ = static_cast<uint32_t>(frame_.size());
  return AppendTar(ByteView::Of(EncodeTarMember(member)));
}

Result<void> Writer::Append(ByteView bytes) {
  if (error_) return *error_;
  EKSHUME_CHECK(in_member_ && bytes.size() <= member_left_);
  member_left_ -= bytes.size();
  member_hash_.Update(bytes);
  return AppendTar(bytes);
}

Result<void> Writer::Pad() {
  in_member_ = false;
  return AppendZeros((kTarBlockBytes - tar_bytes_ % kTarBlockBytes) % kTarBlockBytes);
}

Result<void> Writer::End() {
  if (error_) return *error_;
  EKSHUME_CHECK(in_member_);
  const bool partial = member_left_ > 0;
  static constexpr std::array<std::byte, 4096> kZeros{};
  while (member_left_ > 0) {
    EKSHUME_TRY(Append(ByteView(kZeros).First(std::min<uint64_t>(member_left_, kZeros.size()))));
  }
  EKSHUME_TRY(Pad());
  const Sha256Digest digest = member_hash_.Finish();
  manifest_ += fmt::format("{{\"member\":{}", JsonString(member_path_));
  if (!IsUtf8(member_path_)) {
    manifest_ += fmt::format(",\"member_hex\":\"{}\"", ToHex(ByteView::Of(member_path_)));
  }
  manifest_ += fmt::format(",\"size\":{},\"sha256\":", member_size_);
  manifest_ += member_is_file_ ? JsonString(ToHex(digest)) : "null";
  if (partial) manifest_ += ",\"partial\":true";
  manifest_ += "}\n";
  if (manifest_.size() >= kPieceBytes) return WriteManifestPiece();
  return {};
}

// Pieces of the manifest are not in the manifest.
Result<void> Writer::WriteManifestPiece() {
  const std::string piece = std::exchange(manifest_, {});
  EKSHUME_TRY(Begin(OwnFile(TablePieceName(kManifest, ++manifest_pieces_), piece.size())));
  EKSHUME_TRY(Append(ByteView::Of(piece)));
  (void)member_hash_.Finish();  // begins anew
  return Pad();
}

TarMember Writer::OwnFile(std::string_view path, uint64_t size) const {
  TarMember member;
  member.path = path;
  member.stat.type = fs::NodeType::kRegular;
  member.stat.permissions = 0600;
  member.stat.size_bytes = size;
  member.stat.modified = options_.began;
  return member;
}

Result<void> Writer::Add(const TarMember& member, ByteView content) {
  EKSHUME_TRY(Begin(member));
  EKSHUME_CHECK(content.size() == member_left_);
  EKSHUME_TRY(Append(content));
  return End();
}

Result<void> Writer::AddText(std::string_view path, std::string_view content) {
  return Add(OwnFile(path, content.size()), ByteView::Of(content));
}

Result<void> Writer::Flush() {
  if (error_) return *error_;
  return WriteFrame();
}

Result<void> Writer::Finish(bool ended_early) {
  EKSHUME_TRY(WriteManifestPiece());
  EKSHUME_TRY(AppendZeros(2 * kTarBlockBytes));
  EKSHUME_TRY(WriteFrame());
  TrailerFrame trailer{};
  trailer.frame_count = le64::Of(sequence_);
  trailer.tar_bytes = le64::Of(tar_bytes_);
  trailer.stream_bytes = le64::Of(stream_bytes_);
  trailer.tar_sha256 = DigestBytes(tar_hash_.Finish());
  SealFrame(trailer, kTrailerFrame, ended_early ? kTrailerEndedEarly : 0);
  return Send(AsBytes(trailer));
}

Result<void> TableWriter::AddLine(std::string_view object) {
  lines_text_.append(object);
  lines_text_.push_back('\n');
  ++lines_;
  if (lines_text_.size() >= kPieceBytes) return WritePiece();
  return {};
}

Result<void> TableWriter::WritePiece() {
  const std::string text = std::exchange(lines_text_, {});
  return writer_.AddText(TablePieceName(path_, ++pieces_), text);
}

Result<void> TableWriter::Finish() {
  if (pieces_ > 0 && lines_text_.empty()) return {};
  return WritePiece();
}

}  // namespace ekshume::collection
