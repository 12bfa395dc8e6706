// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

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

// The whole tar stream of a part.
Result<Sha256Digest> HashStream(const FrameIndex& part) {
  Sha256 hash;
  std::string buffer;
  const uint64_t size = part.tar_bytes();
  for (uint64_t offset = 0; offset < size; offset += buffer.size()) {
    buffer.resize(std::min<uint64_t>(kReadBytes, size - offset));
    EKSHUME_TRY(part.ReadAt(offset, AsWritableBytes(buffer)));
    hash.Update(ByteView::Of(buffer));
  }
  return hash.Finish();
}

}  // namespace

Result<Sha256Digest> Reader::HashMember(const Member& member) const {
  Sha256 hash;
  std::string buffer;
  for (uint64_t offset = 0; offset < member.size_bytes; offset += buffer.size()) {
    buffer.resize(std::min<uint64_t>(kReadBytes, member.size_bytes - offset));
    EKSHUME_TRY(ReadAt(member, offset, AsWritableBytes(buffer)));
    hash.Update(ByteView::Of(buffer));
  }
  return hash.Finish();
}

Result<void> Reader::Verify(DiagnosticSink& diagnostics) const {
  for (const auto& part : parts_) {
    if (!part->trailer()) continue;
    if ((part->trailer()->start.flags.value() & kTrailerEndedEarly) != 0) {
      diagnostics.Report(DiagnosticCode::kCollectionIncomplete, part->name(),
                         "the collector ended before it had all");
    }
    const auto digest = HashStream(*part);
    // What could not be read has been reported as damage.
    if (digest && ToHex(*digest) != ToHex(AsBytes(part->trailer()->tar_sha256))) {
      diagnostics.Report(DiagnosticCode::kCollectionMismatch, part->name(),
                         fmt::format("SHA-256 of the tar stream is {}, the trailer says {}",
                                     ToHex(*digest), ToHex(AsBytes(part->trailer()->tar_sha256))));
    }
  }
  // Each part's manifest is about its own members.
  for (size_t part = 0; part < parts_.size(); ++part) {
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
    EKSHUME_TRY(ReadPieces(Pieces(part, "manifest.jsonl", whole), take, bytes, diagnostics));
    for (size_t i = part_begins_[part]; i < part_begins_[part + 1]; ++i) {
      const Member& member = members_[i];
      if (!member.is_file() || member.partial || member.path().starts_with("manifest.")) continue;
      const auto known = expected.find(ToHex(ByteView::Of(member.path())));
      if (known == expected.end()) {
        if (IsComplete(part)) {
          diagnostics.Report(DiagnosticCode::kCollectionMismatch, parts_[part]->name(),
                             EscapeForTerminal(member.path()) + " is not in the manifest");
        }
        continue;
      }
      const auto digest = HashMember(member);
      if (!digest || ToHex(*digest) != known->second) {
        diagnostics.Report(
            DiagnosticCode::kCollectionMismatch, parts_[part]->name(),
            fmt::format("{} has SHA-256 {}, the manifest says {}", EscapeForTerminal(member.path()),
                        digest ? ToHex(*digest) : digest.error().message, known->second));
      }
    }
  }
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
