// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/hex.h"
#include "base/limits.h"
#include "base/text.h"
#include "collection/reader.h"

namespace ekshume::collection {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;

// A line as JSON; null when it is not one object.
nlohmann::json ParseLine(std::string_view line) {
  nlohmann::json object = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  return object.is_object() ? object : nlohmann::json();
}

std::string TextOf(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Reads a part's tar stream from its beginning to its end, and hashes all of it on the way.
class StreamHash {
 public:
  StreamHash(const FrameIndex& part, Progress* progress) : part_(part), progress_(progress) {}

  // Goes on to `end`; with `member` that gets the bytes too. What cannot be read ends the hash of
  // the stream, not the reading.
  Result<void> To(uint64_t end, Sha256* member = nullptr) {
    while (at_ < end) {
      if (progress_ != nullptr && progress_->cancelled()) {
        return Fail(ErrorCode::kCancelled, "stopped");
      }
      buffer_.resize(std::min<uint64_t>(kReadBytes, end - at_));
      const Result<void> read = part_.ReadAt(at_, AsWritableBytes(buffer_));
      at_ += buffer_.size();
      if (!read) {
        whole_ = false;
        if (member != nullptr) return read;
        continue;
      }
      hash_.Update(ByteView::Of(buffer_));
      if (member != nullptr) member->Update(ByteView::Of(buffer_));
    }
    return {};
  }
  // Leaves out the bytes up to `offset`, which must not lie behind.
  void Skip(uint64_t offset) {
    whole_ = whole_ && offset == at_;
    at_ = offset;
  }
  // Nothing when not all of the stream could be read.
  std::optional<Sha256Digest> Finish() {
    return whole_ ? std::optional(hash_.Finish()) : std::nullopt;
  }

 private:
  const FrameIndex& part_;
  Progress* const progress_;
  Sha256 hash_;
  std::string buffer_;
  uint64_t at_ = 0;
  bool whole_ = true;
};

}  // namespace

Result<void> Reader::CheckPart(size_t number, DiagnosticSink& diagnostics,
                               Progress* progress) const {
  const FrameIndex& part = *parts_[number];
  // Each part's manifest is about its own members.
  std::unordered_map<std::string, std::string> expected;
  const auto take = [&](std::string_view line) {
    const nlohmann::json object = ParseLine(line);
    if (TextOf(object, "sha256").empty()) return;
    std::string name = TextOf(object, "member_hex");
    if (name.empty()) name = ToHex(ByteView::Of(TextOf(object, "member")));
    expected[std::move(name)] = TextOf(object, "sha256");
  };
  bool whole = false;
  uint64_t bytes = 0;
  const std::vector<const Member*> manifest = Pieces(number, "manifest.jsonl", whole);
  if (!manifest.empty()) EKSHUME_TRY(ReadPieces(manifest, take, bytes, diagnostics));
  const bool is_complete = IsComplete(number);
  const auto differs = [&](const std::string& member, std::string_view what) {
    diagnostics.Report(DiagnosticCode::kCollectionMismatch, part.name(),
                       fmt::format("{} {}", EscapeForTerminal(member), what));
  };
  StreamHash stream(part, progress);
  for (size_t i = part_begins_[number]; i < part_begins_[number + 1]; ++i) {
    const Member& member = members_[i];
    if (!member.is_file()) continue;
    if (is_complete) {
      EKSHUME_TRY(stream.To(member.data_offset));
    } else {
      stream.Skip(member.data_offset);
    }
    const auto known = expected.find(ToHex(ByteView::Of(member.path())));
    const std::string sha256 = known == expected.end() ? "" : known->second;
    if (known != expected.end()) expected.erase(known);
    if (member.partial) continue;
    if (sha256.empty()) {
      if (is_complete && !member.path().starts_with("manifest.")) {
        differs(member.path(), "is not in the manifest");
      }
      continue;
    }
    Sha256 hash;
    const Result<void> read = stream.To(member.data_offset + member.size_bytes, &hash);
    if (!read && read.error().code == ErrorCode::kCancelled) return read.error();
    const std::string digest = read ? ToHex(hash.Finish()) : read.error().message;
    if (digest != sha256) {
      differs(member.path(), fmt::format("has SHA-256 {}, the manifest says {}", digest, sha256));
    }
  }
  if (!is_complete) return {};
  if ((part.trailer()->start.flags.value() & kTrailerEndedEarly) != 0) {
    diagnostics.Report(DiagnosticCode::kCollectionIncomplete, part.name(),
                       "the collector ended before it had all");
  }
  EKSHUME_TRY(stream.To(part.tar_bytes()));
  // What could not be read has been reported as damage.
  const auto digest = stream.Finish();
  if (!digest) return {};
  const std::string stated = ToHex(AsBytes(part.trailer()->tar_sha256));
  if (ToHex(*digest) != stated) {
    diagnostics.Report(DiagnosticCode::kCollectionMismatch, part.name(),
                       fmt::format("SHA-256 of the tar stream is {}, the trailer says {}",
                                   ToHex(*digest), stated));
  }
  if (members_.size() >= limits_.members) return {};  // not all are listed, as was said
  for (const auto& [name, sha256] : expected) {
    const auto path = FromHex(name);
    differs(path ? *path : name, "is in the manifest and not in the archive");
  }
  return {};
}

Result<void> Reader::CheckDigests(DiagnosticSink& diagnostics, Progress* progress) const {
  for (size_t part = 0; part < parts_.size(); ++part) {
    EKSHUME_TRY(CheckPart(part, diagnostics, progress));
  }
  return {};
}

Result<void> Reader::Verify(DiagnosticSink& diagnostics) const {
  EKSHUME_TRY(CheckDigests(diagnostics));
  const auto count_loss = [&](std::string_view line) {
    const nlohmann::json object = ParseLine(line);
    if (TextOf(object, "severity") != "loss") return;
    diagnostics.Report(DiagnosticCode::kCollectionIncomplete, parts_[0]->name(),
                       EscapeForTerminal(TextOf(object, "what")) + ": " +
                           EscapeForTerminal(TextOf(object, "reason")));
  };
  EKSHUME_TRY(ReadTable("skipped.jsonl", count_loss, diagnostics));
  return {};
}

}  // namespace ekshume::collection
