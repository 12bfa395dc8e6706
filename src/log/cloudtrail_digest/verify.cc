// SPDX-License-Identifier: Apache-2.0
#include "log/cloudtrail_digest/verify.h"

#include <openssl/evp.h>

#include <algorithm>
#include <map>
#include <memory>
#include <tuple>
#include <unordered_map>

#include "base/ascii.h"
#include "base/byte_view.h"
#include "base/hex.h"
#include "log/fields.h"

namespace ekshume::log::cloudtrail_digest {
namespace {

using FilesByName = std::unordered_multimap<std::string, const StoredLogFile*>;

std::string FileName(std::string_view path) {
  std::string_view name = AfterLast(path, '/');
  if (name.ends_with(".gz")) name.remove_suffix(3);
  return std::string(name);
}

// All of a digest's name but its time: the account, region and trail whose chain it belongs to.
std::string ChainOf(const Digest& digest) {
  const std::string& object = digest.digest_s3_object;
  const std::string_view name = AfterLast(object, '/');
  return digest.digest_s3_bucket + '/' + std::string(name.substr(0, name.rfind('_')));
}

struct Counts {
  size_t digests = 0;
  size_t files_same = 0;
  size_t signatures = 0;
  size_t unsigned_digests = 0;
  size_t hashes = 0;
};

class Verifier {
 public:
  Verifier(std::span<const StoredLogFile> files, std::span<const PublicKey> keys,
           DiagnosticSink& diagnostics)
      : keys_(keys), diagnostics_(diagnostics) {
    for (const StoredLogFile& file : files) files_.emplace(FileName(file.path), &file);
  }

  // The digests of one chain, the oldest first.
  void Chain(const std::string& name, std::span<const Digest> digests) {
    Counts counts;
    for (size_t i = 0; i < digests.size(); ++i) {
      ++counts.digests;
      CheckLogFiles(digests[i], counts);
      if (i == 0) {
        CheckPlace(digests[i], nullptr);
      } else if (digests[i - 1].digest_s3_object != digests[i].digest_s3_object) {
        CheckPlace(digests[i], &digests[i - 1]);
      }
      CheckHash(digests, i, counts);
      CheckSignature(digests, i, counts);
    }
    diagnostics_.Report(
        DiagnosticCode::kLogDigestChecked, name,
        std::to_string(counts.digests) + " digests, " + std::to_string(counts.files_same) +
            " log files as they say, " + std::to_string(counts.hashes) +
            " digests hashed by their successors, " + std::to_string(counts.signatures) +
            " signatures fit, " + std::to_string(counts.unsigned_digests) +
            " have no signature or no key to check it with");
  }

 private:
  void CheckLogFiles(const Digest& digest, Counts& counts) {
    size_t absent = 0;
    std::string first_absent;
    for (const NamedLogFile& named : digest.log_files) {
      const auto [begin, end] = files_.equal_range(FileName(named.object));
      if (begin == end) {
        if (absent++ == 0) first_absent = named.object;
        continue;
      }
      for (auto it = begin; it != end; ++it) {
        const StoredLogFile& file = *it->second;
        if (file.sha256.empty()) continue;
        if (file.sha256 == AsciiLower(named.hash)) {
          ++counts.files_same;
        } else {
          diagnostics_.Report(DiagnosticCode::kLogDigestMismatch, file.path,
                              "SHA-256 is " + file.sha256 + ", the digest " +
                                  digest.digest_s3_object + " says " + named.hash);
        }
      }
    }
    if (absent == 0) return;
    diagnostics_.Report(DiagnosticCode::kLogGap, digest.evidence,
                        std::to_string(absent) + " of " + std::to_string(digest.log_files.size()) +
                            " log files that it names are not in the evidence, the first is " +
                            first_absent);
  }

  void CheckPlace(const Digest& digest, const Digest* previous) {
    if (digest.previous_digest_s3_object.empty()) {
      diagnostics_.Report(DiagnosticCode::kLogGap, digest.evidence,
                          previous == nullptr
                              ? "logging began, or began again, at " + digest.digest_start_time
                              : "logging was stopped after " + previous->digest_end_time +
                                    " and began again at " + digest.digest_start_time);
      return;
    }
    if (previous == nullptr) return;
    const std::optional<Timestamp> end = previous->end();
    const std::optional<Timestamp> start = digest.start();
    if (end && start && *start > *end) {
      diagnostics_.Report(DiagnosticCode::kLogGap, digest.evidence,
                          "no digest covers the time from " + previous->digest_end_time + " to " +
                              digest.digest_start_time);
    } else if (digest.previous_digest_s3_object != previous->digest_s3_object) {
      diagnostics_.Report(
          DiagnosticCode::kLogGap, digest.evidence,
          "the digest before it, " + digest.previous_digest_s3_object + ", is not in the evidence");
    }
  }

  // The digest that names this one as its predecessor; there may be several copies of either.
  static const Digest* SuccessorOf(std::span<const Digest> digests, size_t i) {
    const std::string& object = digests[i].digest_s3_object;
    for (const Digest& later : digests.subspan(i + 1)) {
      if (later.digest_s3_object == object) continue;
      return later.previous_digest_s3_object == object ? &later : nullptr;
    }
    return nullptr;
  }

  void CheckHash(std::span<const Digest> digests, size_t i, Counts& counts) {
    const Digest& digest = digests[i];
    const Digest* successor = SuccessorOf(digests, i);
    if (successor == nullptr || digest.sha256.empty()) return;
    if (digest.sha256 == AsciiLower(successor->previous_digest_hash_value)) {
      ++counts.hashes;
      return;
    }
    diagnostics_.Report(DiagnosticCode::kLogDigestMismatch, digest.evidence,
                        "SHA-256 is " + digest.sha256 + ", the digest after it says " +
                            successor->previous_digest_hash_value);
  }

  void CheckSignature(std::span<const Digest> digests, size_t i, Counts& counts) {
    const Digest& digest = digests[i];
    const Digest* successor = SuccessorOf(digests, i);
    std::string signature = digest.signature;
    if (signature.empty() && successor != nullptr) signature = successor->previous_digest_signature;
    const auto key =
        std::ranges::find(keys_, digest.digest_public_key_fingerprint, &PublicKey::fingerprint);
    if (signature.empty() || digest.sha256.empty() || key == keys_.end()) {
      ++counts.unsigned_digests;
      return;
    }
    if (SignatureFits(digest, signature, *key)) {
      ++counts.signatures;
      return;
    }
    diagnostics_.Report(DiagnosticCode::kLogDigestMismatch, digest.evidence,
                        "its signature does not fit the key " + key->fingerprint);
  }

  FilesByName files_;
  std::span<const PublicKey> keys_;
  DiagnosticSink& diagnostics_;
};

}  // namespace

bool SignatureFits(const Digest& digest, const std::string& signature, const PublicKey& key) {
  const std::string bytes = FromHex(signature).value_or("");
  const unsigned char* der = AsUnsignedChars(ByteView::Of(key.der));
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> public_key(
      d2i_PublicKey(EVP_PKEY_RSA, nullptr, &der, static_cast<long>(key.der.size())), EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  if (bytes.empty() || !public_key || !context) return false;
  const std::string text =
      digest.digest_end_time + '\n' + digest.digest_s3_bucket + '/' + digest.digest_s3_object +
      '\n' + digest.sha256 + '\n' +
      (digest.previous_digest_signature.empty() ? "null" : digest.previous_digest_signature);
  return EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, public_key.get()) ==
             1 &&
         EVP_DigestVerify(context.get(), AsUnsignedChars(ByteView::Of(bytes)), bytes.size(),
                          AsUnsignedChars(ByteView::Of(text)), text.size()) == 1;
}

void VerifyDigests(std::vector<Digest> digests, std::span<const StoredLogFile> files,
                   std::span<const PublicKey> keys, DiagnosticSink& diagnostics) {
  std::map<std::string, std::vector<Digest>> chains;
  for (Digest& digest : digests) chains[ChainOf(digest)].push_back(std::move(digest));
  Verifier verifier(files, keys, diagnostics);
  for (auto& [name, chain] : chains) {
    std::ranges::sort(chain, [](const Digest& a, const Digest& b) {
      return std::tie(a.digest_end_time, a.digest_s3_object, a.sha256) <
             std::tie(b.digest_end_time, b.digest_s3_object, b.sha256);
    });
    // The same file found twice; a changed copy of it stays and is compared as well.
    const auto same = std::ranges::unique(chain, [](const Digest& a, const Digest& b) {
      return a.digest_s3_object == b.digest_s3_object && a.sha256 == b.sha256;
    });
    chain.erase(same.begin(), same.end());
    verifier.Chain(name, chain);
  }
}

}  // namespace ekshume::log::cloudtrail_digest
