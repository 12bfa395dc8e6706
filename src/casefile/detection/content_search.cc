// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/content_search.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "base/text.h"
#include "detect/indicator/event_findings.h"
#include "detect/indicator/index.h"
#include "detect/yara/rules.h"
#include "fs/overlay/diff.h"

namespace ekshume::casefile {
namespace {

namespace indicator = detect::indicator;
namespace yara = detect::yara;

constexpr size_t kMaxTitleBytes = 120;

// Empty where OpenSSL does not offer the algorithm (FIPS).
std::string HexDigest(const char* algorithm, ByteView content) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  size_t length = 0;
  if (EVP_Q_digest(nullptr, algorithm, nullptr, content.data(), content.size(), digest.data(),
                   &length) != 1) {
    return {};
  }
  return ToHex(ByteView(std::as_bytes(std::span(digest).first(length))));
}

std::string PlaceText(const ContentSearch::Found& found, uint64_t offset_bytes) {
  return found.place_text ? found.place_text(offset_bytes) : fmt::format("{:#x}", offset_bytes);
}

std::string PlacesText(const ContentSearch::Found& found, const std::vector<yara::Place>& places) {
  std::string text;
  for (const yara::Place& place : places) {
    text += fmt::format("{}{} at {}", text.empty() ? "" : ", ", place.identifier,
                        PlaceText(found, place.offset_bytes));
  }
  return text;
}

detect::Finding About(const FileOfCase& file) {
  detect::Finding finding;
  finding.first = finding.last = file.changed;
  finding.count = 1;
  finding.cluster = file.cluster;
  finding.node = file.node;
  finding.name_space = file.name_space;
  finding.pod = file.pod;
  finding.container_id = file.container_id;
  finding.path = file.path;
  finding.object = file.object;
  if (!file.event.empty()) finding.events.push_back(file.event);
  return finding;
}

std::string FileText(const FileOfCase& file, const std::string& sha256) {
  if (!file.text.empty()) return EscapeForTerminal(file.text);
  return fmt::format("{} ({}{}{})", EscapeForTerminal(file.path), file.how,
                     file.how.empty() || sha256.empty() ? "" : ", ",
                     sha256.empty() ? "" : "SHA-256 " + sha256);
}

constexpr size_t kReadBytes = size_t{1} << 20;

}  // namespace

Result<FileContent> ReadContent(const fs::File& file, const Progress& progress) {
  FileContent content;
  const uint64_t most = std::min<uint64_t>(file.size_bytes(), limits::kMaxScannedFileBytes);
  while (content.bytes.size() < most) {
    if (progress.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
    const size_t before = content.bytes.size();
    content.bytes.resize(std::min<uint64_t>(most, before + kReadBytes));
    const size_t count = EKSHUME_TRY(file.ReadAt(before, std::span(content.bytes).subspan(before)));
    content.bytes.resize(before + count);
    if (count == 0) break;
  }
  content.is_part = file.size_bytes() > limits::kMaxScannedFileBytes;
  return content;
}

// Memory that is searched for indicators when it is read for the first time.
class ContentSearch::IndicatorPass final : public yara::Memory {
 public:
  IndicatorPass(const ContentSearch& search, yara::Memory& memory, Found& found)
      : search_(search), memory_(memory), found_(found) {}

  std::span<const Stretch> stretches() const override { return memory_.stretches(); }
  std::optional<ByteView> Read(size_t index) override {
    const std::optional<ByteView> bytes = memory_.Read(index);
    if (index == next_) {
      ++next_;
      if (bytes) Search(index, *bytes);
    }
    return bytes;
  }
  // What YARA did not ask for.
  void Finish() {
    while (next_ < stretches().size()) static_cast<void>(Read(next_));
  }

 private:
  void Search(size_t index, ByteView bytes) {
    if (search_.rules_.indicators == nullptr) return;
    const std::span<const Stretch> all = stretches();
    const uint64_t begin = all[index].address;
    const uint64_t end = begin + bytes.size();
    // What two stretches share is searched in halves, so that no word is cut at an end.
    const uint64_t before =
        index == 0 ? begin : std::max(begin, all[index - 1].address + all[index - 1].size_bytes);
    const uint64_t after = index + 1 == all.size() ? end : std::min(end, all[index + 1].address);
    const uint64_t from = begin + (before - begin) / 2;
    const uint64_t to = after + (end - after) / 2;
    hits_.clear();
    search_.rules_.indicators->Search(bytes.AsText(), indicator::TextKind::kRecord, hits_);
    for (const indicator::Hit& hit : hits_) {
      const uint64_t address = begin + hit.offset_bytes;
      if (address < from || address >= to) continue;
      search_.AddIndicator(hit.indicator, PlaceText(found_, address), false, found_);
    }
  }

  const ContentSearch& search_;
  yara::Memory& memory_;
  Found& found_;
  size_t next_ = 0;
  std::vector<indicator::Hit> hits_;
};

ContentSearch::ContentSearch(const FileRules& rules, int yara_seconds)
    : rules_(rules), yara_seconds_(yara_seconds) {}

void ContentSearch::AddIndicator(uint32_t number, std::string where, bool is_file_itself,
                                 Found& found) const {
  const auto same = std::ranges::find(found.indicators, number, &Found::Indicator::number);
  if (same == found.indicators.end()) {
    found.indicators.push_back({number, std::move(where), is_file_itself});
  } else if (is_file_itself && !same->is_file_itself) {
    *same = {number, std::move(where), true};
  }
}

std::unique_ptr<yara::Scanner> ContentSearch::TakeScanner() const {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<yara::Scanner>(*rules_.yara, yara_seconds_);
  std::unique_ptr<yara::Scanner> scanner = std::move(idle_.back());
  idle_.pop_back();
  return scanner;
}

void ContentSearch::GiveBack(std::unique_ptr<yara::Scanner> scanner) const {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(scanner));
}

void ContentSearch::AddMatches(yara::Scan scan, uint64_t offset_bytes, Found& found) {
  for (yara::Match& match : scan.matches) {
    const bool is_known = std::ranges::any_of(found.matches, [&](const yara::Match& other) {
      return other.rule == match.rule && other.file == match.file;
    });
    if (is_known) continue;
    for (yara::Place& place : match.places) place.offset_bytes += offset_bytes;
    found.matches.push_back(std::move(match));
  }
  std::ranges::move(scan.limited, std::back_inserter(found.limited));
}

void ContentSearch::AddPiece(const FileOfCase& file, const Piece& piece, Found& found) const {
  if (rules_.yara != nullptr) {
    std::unique_ptr<yara::Scanner> scanner = TakeScanner();
    const auto first = piece.content.First(fs::overlay::kContentKindBytes).AsText();
    const std::string kind(ContentKindName(fs::overlay::GuessContentKind(first)));
    AddMatches(scanner->Run(piece.content, {file.path, kind}), piece.offset_bytes, found);
    GiveBack(std::move(scanner));
  }
  if (rules_.indicators != nullptr) {
    std::vector<indicator::Hit> hits;
    rules_.indicators->Search(piece.content.AsText(), indicator::TextKind::kRecord, hits);
    for (const indicator::Hit& hit : hits) {
      AddIndicator(hit.indicator,
                   "its content at " + PlaceText(found, piece.offset_bytes + hit.offset_bytes),
                   false, found);
    }
  }
}

void ContentSearch::AddMemory(const FileOfCase& file, yara::Memory& memory, int seconds,
                              Found& found) const {
  IndicatorPass pass(*this, memory, found);
  if (rules_.yara != nullptr) {
    std::unique_ptr<yara::Scanner> scanner = TakeScanner();
    AddMatches(scanner->RunMemory(pass, {file.path, ""}, seconds), 0, found);
    GiveBack(std::move(scanner));
  }
  pass.Finish();
}

void ContentSearch::AddHashes(const std::vector<std::string>& hashes, Found& found) const {
  if (rules_.indicators == nullptr) return;
  std::vector<indicator::Hit> hits;
  for (const std::string& hash : hashes) {
    hits.clear();
    rules_.indicators->Search(hash, indicator::TextKind::kRecord, hits);
    for (const indicator::Hit& hit : hits) AddIndicator(hit.indicator, "its hash", true, found);
  }
}

ContentFindings ContentSearch::Finish(const FileOfCase& file, const std::string& sha256,
                                      Found found) const {
  ContentFindings result;
  result.limited = std::move(found.limited);
  const std::string text = FileText(file, sha256);
  for (const yara::Match& match : found.matches) {
    detect::Finding finding = About(file);
    finding.detector = "yara";
    finding.rule = match.rule;
    finding.title = match.description.empty() || match.description.size() > kMaxTitleBytes
                        ? "YARA: " + match.rule
                        : match.description;
    finding.level = match.level;
    finding.tags = match.tags;
    finding.id = detect::FindingId(
        {"yara", match.rule, file.node, file.subject, file.container_id, file.path});
    const std::string places = PlacesText(found, match.places);
    finding.explanation = fmt::format("{} matches the YARA rule {} of {}{}{}", text, match.rule,
                                      match.file, places.empty() ? "" : ": ", places);
    if (match.description.size() > kMaxTitleBytes) finding.explanation += ". " + match.description;
    // The same rule may be given twice, in two folders.
    const bool is_new = std::ranges::find(result.findings, finding.id, &detect::Finding::id) ==
                        result.findings.end();
    if (is_new) result.findings.push_back(std::move(finding));
  }
  if (rules_.indicators != nullptr) {
    std::vector<indicator::Hit> hits;
    // The path of a process's program is in its event.
    if (file.text.empty()) {
      rules_.indicators->Search(file.path, indicator::TextKind::kCommand, hits);
    }
    for (const indicator::Hit& hit : hits) AddIndicator(hit.indicator, "its path", true, found);
  }
  std::ranges::sort(found.indicators);
  for (const Found::Indicator& one : found.indicators) {
    const indicator::Indicator what = rules_.indicators->Get(one.number);
    detect::Finding finding = About(file);
    finding.detector = "indicator";
    finding.rule = what.value;
    finding.title = fmt::format("Indicator: {} {}", KindName(what.kind), what.value);
    finding.level = one.is_file_itself ? LevelOf(what.kind) : "medium";
    finding.id = detect::FindingId({"indicator", KindName(what.kind), what.value, file.node,
                                    file.subject, file.container_id, file.path});
    finding.explanation =
        fmt::format("{}: {} is the {}", text, one.where, indicator::Describe(what));
    result.findings.push_back(std::move(finding));
  }
  return result;
}

ContentFindings ContentSearch::Search(const FileOfCase& file, ByteView content,
                                      bool is_part) const {
  Found found;
  AddPiece(file, {content, 0}, found);
  std::string sha256;
  if (!is_part) {
    sha256 = ToHex(Sha256::Of(content));
    std::vector<std::string> hashes = {sha256};
    if (rules_.indicators != nullptr) {
      if (rules_.indicators->has_md5()) hashes.push_back(HexDigest("MD5", content));
      if (rules_.indicators->has_sha1()) hashes.push_back(HexDigest("SHA1", content));
    }
    AddHashes(hashes, found);
  }
  return Finish(file, sha256, std::move(found));
}

}  // namespace ekshume::casefile
