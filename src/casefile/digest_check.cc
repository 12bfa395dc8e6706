// SPDX-License-Identifier: Apache-2.0
#include "casefile/digest_check.h"

#include <optional>

#include "base/base64.h"
#include "base/hash.h"
#include "base/limits.h"
#include "casefile/json.h"

namespace ekshume::casefile {
namespace {

using log::cloudtrail_digest::Digest;

constexpr size_t kHeadBytes = 4096;
constexpr std::string_view kDigestInfix = "_CloudTrail-Digest_";
constexpr std::string_view kLogInfix = "_CloudTrail_";
constexpr std::string_view kSidecar = ".metadata.json";

std::string_view NameOf(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// Without what `aws s3 sync` leaves or takes off: digests are found by either name.
std::string_view WithoutGz(std::string_view name) {
  if (name.ends_with(".gz")) name.remove_suffix(3);
  return name;
}

// Hashes what is read through it.
class HashingInput final : public log::Input {
 public:
  explicit HashingInput(log::Input& input) : input_(input) {}
  Result<size_t> Read(std::span<char> out) override {
    const size_t got = EKSHUME_TRY(input_.Read(out));
    hash_.Update(ByteView::Of(std::string_view(out.data(), got)));
    return got;
  }
  // Of the whole, of which the rest is read now; none when it cannot be.
  std::optional<std::string> Finish() {
    std::string block(size_t{64} << 10, '\0');
    for (;;) {
      const Result<size_t> got = Read(block);
      if (!got) return std::nullopt;
      if (*got == 0) return ToHex(hash_.Finish());
    }
  }

 private:
  log::Input& input_;
  Sha256 hash_;
};

// All of it; none when it cannot be read or is longer.
std::optional<std::string> ReadAll(log::Input& input, size_t most) {
  std::string content;
  std::string block(size_t{64} << 10, '\0');
  for (;;) {
    const Result<size_t> got = input.Read(block);
    if (!got || content.size() + *got > most) return std::nullopt;
    if (*got == 0) return content;
    content.append(block, 0, *got);
  }
}

std::string TextOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// "signature" of the member Metadata, or its whole name as a header.
std::string SignatureOf(const std::string& content) {
  const Json json = Json::parse(content, nullptr, false);
  if (!json.is_object()) return {};
  const auto metadata = json.find("Metadata");
  const Json& members = metadata != json.end() && metadata->is_object() ? *metadata : json;
  const std::string signature = TextOf(members, "signature");
  return signature.empty() ? TextOf(members, "x-amz-meta-signature") : signature;
}

void AddKeys(const std::string& content, std::vector<log::cloudtrail_digest::PublicKey>& keys) {
  const Json json = Json::parse(content, nullptr, false);
  if (!json.is_object() || !json.contains("PublicKeyList")) return;
  for (const Json& key : json["PublicKeyList"]) {
    if (!key.is_object()) continue;
    std::optional<std::string> der = DecodeBase64(TextOf(key, "Value"));
    if (der) keys.push_back({TextOf(key, "Fingerprint"), *std::move(der)});
  }
}

}  // namespace

bool DigestCheck::IsDigestFile(std::string_view path) {
  return NameOf(path).contains(kDigestInfix);
}

bool DigestCheck::IsTrailFile(std::string_view path) {
  const std::string_view name = NameOf(path);
  return name.contains(kLogInfix) || name.contains(kDigestInfix);
}

bool DigestCheck::Full(size_t count) {
  if (count > most_ - entries_) {
    left_out_ = true;
    return true;
  }
  entries_ += count;
  return false;
}

void DigestCheck::AddUnread(const std::string& name) {
  if (NameOf(name).contains(kLogInfix) && !Full(1)) files_.push_back({name, ""});
}

Result<void> DigestCheck::Read(const log::Leaf& leaf,
                               const std::function<Result<void>(const log::Leaf&)>& read) {
  log::PeekInput peeked(*leaf.input);
  log::Leaf own = leaf;
  own.input = &peeked;
  const std::string_view name = NameOf(leaf.path);
  const Result<std::string_view> head = peeked.Peek(kHeadBytes);
  if (!head) return read(leaf);
  if (name.ends_with(kSidecar) && name.contains(kDigestInfix)) {
    const auto content = ReadAll(peeked, limits::kMaxSmallFileBytes);
    const std::string_view digest = name.substr(0, name.size() - kSidecar.size());
    if (content) signatures_[std::string(WithoutGz(digest))] = SignatureOf(*content);
    return {};
  }
  if (head->contains("\"PublicKeyList\"") && head->contains("\"Fingerprint\"")) {
    if (const auto content = ReadAll(peeked, limits::kMaxDocumentBytes)) AddKeys(*content, keys_);
    return {};
  }
  if (head->contains("\"digestS3Object\"") && head->contains("\"digestEndTime\"")) {
    // Longer ones are read all the same, and not checked.
    std::string content;
    std::string block(size_t{64} << 10, '\0');
    while (content.size() <= limits::kMaxRecordBytes) {
      const Result<size_t> got = peeked.Read(block);
      if (!got || *got == 0) break;
      content.append(block, 0, *got);
    }
    Digest digest;
    const std::string padded = content + std::string(log::kRecordPadding, '\0');
    const log::Stream stream;
    const log::Record record{std::string_view(padded).substr(0, content.size()), {}, &stream};
    if (log::cloudtrail_digest::ReadDigest(record, digest).is_digest &&
        !Full(digest.log_files.size() + 1)) {
      digest.evidence = leaf.evidence;
      digest.sha256 = ToHex(Sha256::Of(ByteView::Of(content)));
      digests_.push_back(std::move(digest));
    }
    log::MemoryInput memory(content);
    own.input = &memory;
    return read(own);
  }
  const bool in_archive = leaf.evidence.contains('!');  // whose members nobody knows yet
  if (!name.contains(kLogInfix) || !(expected_ || has_digests() || in_archive)) return read(own);
  HashingInput hashing(peeked);
  own.input = &hashing;
  EKSHUME_TRY(read(own));
  if (const auto hash = hashing.Finish(); hash && !Full(1)) {
    files_.push_back({leaf.evidence, *hash});
  }
  return {};
}

void DigestCheck::Verify(DiagnosticSink& diagnostics) {
  if (digests_.empty()) return;
  if (left_out_) {
    diagnostics.Report(DiagnosticCode::kLogLimit, digests_.front().evidence,
                       "kMaxDigestEntries: CloudTrail's digests and log files are so many that not "
                       "all were held against each other");
    return;
  }
  for (Digest& digest : digests_) {
    const auto found = signatures_.find(WithoutGz(NameOf(digest.digest_s3_object)));
    if (found != signatures_.end()) digest.signature = found->second;
  }
  VerifyDigests(std::move(digests_), files_, keys_, diagnostics);
  digests_.clear();
}

}  // namespace ekshume::casefile
