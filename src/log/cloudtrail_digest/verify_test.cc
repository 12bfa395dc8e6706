// SPDX-License-Identifier: Apache-2.0
#include "log/cloudtrail_digest/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>

#include "base/byte_view.h"
#include "base/hash.h"

namespace ekshume::log::cloudtrail_digest {
namespace {

using ::testing::HasSubstr;

constexpr const char* kFingerprint = "31e8b5433410dfb61a9dc45cc65b22ff";

// A key made for this run.
class Signer {
 public:
  Signer() : key_(EVP_RSA_gen(2048), EVP_PKEY_free) {
    unsigned char* der = nullptr;
    const int size = i2d_PublicKey(key_.get(), &der);
    for (int i = 0; i < size; ++i) public_key_.der += static_cast<char>(der[i]);
    OPENSSL_free(der);
    public_key_.fingerprint = kFingerprint;
  }

  std::string Sign(const Digest& digest) const {
    const std::string text =
        digest.digest_end_time + "\n" + digest.digest_s3_bucket + "/" + digest.digest_s3_object +
        "\n" + digest.sha256 + "\n" +
        (digest.previous_digest_signature.empty() ? "null" : digest.previous_digest_signature);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          EVP_MD_CTX_free);
    std::string signature(512, '\0');
    size_t size = signature.size();
    const std::span<std::byte> out = AsWritableBytes(signature);
    EXPECT_EQ(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()), 1);
    EXPECT_EQ(EVP_DigestSign(context.get(), AsUnsignedChars(out), &size,
                             AsUnsignedChars(ByteView::Of(text)), text.size()),
              1);
    signature.resize(size);
    return ToHex(ByteView::Of(signature));
  }

  const PublicKey& public_key() const { return public_key_; }

 private:
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
  PublicKey public_key_;
};

// Making a key takes long.
const Signer& OneSigner() {
  static const Signer signer;
  return signer;
}

std::string Hash(std::string_view text) { return ToHex(Sha256::Of(ByteView::Of(text))); }

std::string ObjectAt(int hour) {
  const std::string time = std::to_string(hour);
  return "AWSLogs/123456789012/CloudTrail-Digest/eu-central-1/2026/11/24/"
         "123456789012_CloudTrail-Digest_eu-central-1_trail_eu-central-1_20261124T" +
         time + "0000Z.json.gz";
}

std::string LogAt(int hour) {
  return "AWSLogs/123456789012/CloudTrail/eu-central-1/2026/11/24/"
         "123456789012_CloudTrail_eu-central-1_20261124T" +
         std::to_string(hour) + "00Z_abc.json.gz";
}

// Digests of the hours that end at `first` to `last` (10 to 23), each with one log file, hashed and
// signed into a chain.
std::vector<Digest> Chain(int first, int last, const Signer& signer) {
  std::vector<Digest> chain;
  for (int hour = first; hour <= last; ++hour) {
    Digest digest;
    digest.aws_account_id = "123456789012";
    digest.digest_start_time = "2026-11-24T" + std::to_string(hour - 1) + ":00:00Z";
    digest.digest_end_time = "2026-11-24T" + std::to_string(hour) + ":00:00Z";
    digest.digest_s3_bucket = "bucket";
    digest.digest_s3_object = ObjectAt(hour);
    digest.digest_public_key_fingerprint = kFingerprint;
    digest.previous_digest_s3_object = ObjectAt(hour - 1);
    digest.previous_digest_hash_value = Hash("digest " + std::to_string(hour - 1));
    digest.previous_digest_signature = "00";
    if (!chain.empty()) digest.previous_digest_signature = signer.Sign(chain.back());
    digest.log_files.push_back({LogAt(hour), Hash("log " + std::to_string(hour))});
    digest.evidence = "digest-" + std::to_string(hour);
    digest.sha256 = Hash("digest " + std::to_string(hour));
    chain.push_back(digest);
  }
  return chain;
}

std::vector<StoredLogFile> Logs(int first, int last) {
  std::vector<StoredLogFile> files;
  for (int hour = first; hour <= last; ++hour) {
    files.push_back({"found/" + LogAt(hour), Hash("log " + std::to_string(hour))});
  }
  return files;
}

std::vector<Diagnostic> Verify(const std::vector<Digest>& digests,
                               const std::vector<StoredLogFile>& files,
                               const std::vector<PublicKey>& keys) {
  DiagnosticSink sink;
  VerifyDigests(digests, files, keys, sink);
  return sink.Sorted();
}

constexpr const char* kChainName =
    "bucket/123456789012_CloudTrail-Digest_eu-central-1_trail_eu-central-1";

TEST(Verify, AnUntouchedChainIsWhole) {
  const Signer& signer = OneSigner();
  std::vector<Digest> chain = Chain(11, 14, signer);
  chain.push_back(chain.front());  // found twice
  const std::vector<Diagnostic> found = Verify(chain, Logs(11, 14), {signer.public_key()});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].code, DiagnosticCode::kLogDigestChecked);
  EXPECT_EQ(found[0].evidence, kChainName);
  EXPECT_EQ(found[0].detail,
            "4 digests, 4 log files as they say, 3 digests hashed by their successors, 3 "
            "signatures fit, 1 have no signature or no key to check it with");
}

TEST(Verify, TheNewestSignatureIsCheckedWhenItsMetadataIsThere) {
  const Signer& signer = OneSigner();
  std::vector<Digest> chain = Chain(11, 11, signer);
  chain[0].signature = signer.Sign(chain[0]);
  EXPECT_THAT(Verify(chain, Logs(11, 11), {signer.public_key()})[0].detail,
              HasSubstr("1 signatures fit, 0 have"));
}

TEST(Verify, AChangedLogFileIsNamed) {
  const Signer& signer = OneSigner();
  std::vector<StoredLogFile> files = Logs(11, 12);
  files[1].sha256 = Hash("changed");
  files[1].path.resize(files[1].path.size() - 3);  // stored uncompressed
  const std::vector<Diagnostic> found = Verify(Chain(11, 12, signer), files, {});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].code, DiagnosticCode::kLogDigestMismatch);
  EXPECT_EQ(found[0].evidence, files[1].path);
  EXPECT_THAT(found[0].detail, HasSubstr(Hash("log 12")));
  EXPECT_THAT(found[1].detail, HasSubstr("1 log files as they say"));
}

TEST(Verify, AnAbsentLogFileIsAGap) {
  const Signer& signer = OneSigner();
  const std::vector<Diagnostic> found = Verify(Chain(11, 12, signer), Logs(11, 11), {});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].code, DiagnosticCode::kLogGap);
  EXPECT_EQ(found[0].evidence, "digest-12");
  EXPECT_EQ(found[0].detail,
            "1 of 1 log files that it names are not in the evidence, the first is " + LogAt(12));
}

TEST(Verify, AMissingHourIsAGap) {
  const Signer& signer = OneSigner();
  std::vector<Digest> chain = Chain(11, 14, signer);
  chain.erase(chain.begin() + 1, chain.begin() + 3);
  const std::vector<Diagnostic> found = Verify(chain, Logs(11, 14), {});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].code, DiagnosticCode::kLogGap);
  EXPECT_EQ(found[0].evidence, "digest-14");
  EXPECT_EQ(found[0].detail,
            "no digest covers the time from 2026-11-24T11:00:00Z to 2026-11-24T13:00:00Z");
}

TEST(Verify, ADigestWithoutPredecessorMeansThatLoggingStopped) {
  const Signer& signer = OneSigner();
  std::vector<Digest> chain = Chain(11, 13, signer);
  for (const size_t i : {0, 2}) {
    chain[i].previous_digest_s3_object.clear();
    chain[i].previous_digest_hash_value.clear();
    chain[i].previous_digest_signature.clear();
  }
  const std::vector<Diagnostic> found = Verify(chain, Logs(11, 13), {});
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].code, DiagnosticCode::kLogGap);
  EXPECT_EQ(found[0].detail, "logging began, or began again, at 2026-11-24T10:00:00Z");
  EXPECT_EQ(found[1].code, DiagnosticCode::kLogGap);
  EXPECT_EQ(found[1].detail,
            "logging was stopped after 2026-11-24T12:00:00Z and began again at "
            "2026-11-24T12:00:00Z");
}

TEST(Verify, AReplacedDigestIsFoundByItsSuccessorsHashAndSignature) {
  const Signer& signer = OneSigner();
  std::vector<Digest> chain = Chain(11, 12, signer);
  chain[0].sha256 = Hash("forged");
  const std::vector<Diagnostic> found = Verify(chain, Logs(11, 12), {signer.public_key()});
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].code, DiagnosticCode::kLogDigestMismatch);
  EXPECT_EQ(found[0].evidence, "digest-11");
  EXPECT_THAT(found[0].detail, HasSubstr("SHA-256 is " + Hash("forged")));
  EXPECT_EQ(found[1].detail, std::string("its signature does not fit the key ") + kFingerprint);
}

TEST(Verify, AForgedCopyBesideTheRealDigestIsFound) {
  const Signer& signer = OneSigner();
  std::vector<Digest> chain = Chain(11, 12, signer);
  chain.push_back(chain[0]);
  chain.back().sha256 = Hash("forged");
  chain.back().evidence = "copy";
  const std::vector<Diagnostic> found = Verify(chain, Logs(11, 12), {});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].code, DiagnosticCode::kLogDigestMismatch);
  EXPECT_EQ(found[0].evidence, "copy");
}

TEST(Verify, AnotherKeyDoesNotFit) {
  const Signer& signer = OneSigner();
  const Signer other;
  std::vector<Digest> chain = Chain(11, 12, signer);
  const std::string signature = signer.Sign(chain[0]);
  EXPECT_TRUE(SignatureFits(chain[0], signature, signer.public_key()));
  EXPECT_FALSE(SignatureFits(chain[0], signature, other.public_key()));
  for (const std::string bad : {"", "zz", "0", "00ff"}) {
    EXPECT_FALSE(SignatureFits(chain[0], bad, signer.public_key())) << bad;
  }
  EXPECT_FALSE(SignatureFits(chain[0], signature, PublicKey{kFingerprint, "no key"}));
}

TEST(Verify, TrailsAndRegionsAreChainsOfTheirOwn) {
  const Signer& signer = OneSigner();
  std::vector<Digest> chain = Chain(11, 12, signer);
  std::vector<Digest> other = Chain(20, 21, signer);
  for (Digest& digest : other) digest.digest_s3_bucket = "other";
  chain.insert(chain.end(), other.begin(), other.end());
  std::vector<StoredLogFile> files = Logs(11, 12);
  for (const StoredLogFile& file : Logs(20, 21)) files.push_back(file);
  const std::vector<Diagnostic> found = Verify(chain, files, {});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].code, DiagnosticCode::kLogDigestChecked);
  EXPECT_EQ(found[1].code, DiagnosticCode::kLogDigestChecked);
}

}  // namespace
}  // namespace ekshume::log::cloudtrail_digest
