// SPDX-License-Identifier: Apache-2.0
#include "casefile/digest_check.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/hash.h"

namespace ekshume::casefile {
namespace {

constexpr std::string_view kDigestName =
    "123456789012_CloudTrail-Digest_eu-central-1_trail_eu-central-1_20261124T110000Z.json.gz";
constexpr std::string_view kLogName =
    "123456789012_CloudTrail_eu-central-1_20261124T1100Z_abc.json.gz";

std::string Hash(std::string_view text) { return ToHex(Sha256::Of(ByteView::Of(text))); }

std::string DigestOf(std::string_view log) {
  return R"({"awsAccountId":"123456789012","digestStartTime":"2026-11-24T10:00:00Z",)"
         R"("digestEndTime":"2026-11-24T11:00:00Z","digestS3Bucket":"trails","digestS3Object":"d/)" +
         std::string(kDigestName) +
         R"(","digestPublicKeyFingerprint":"f","previousDigestS3Object":"d/before",)"
         R"("logFiles":[{"s3Object":"l/)" +
         std::string(kLogName) + R"(","hashValue":")" + Hash(log) + R"("}]})";
}

// Whether what is read of the leaf is all of it; none when it is not read as a log.
std::optional<std::string> Read(DigestCheck& check, const std::string& path,
                                std::string_view content, size_t most = std::string::npos) {
  std::optional<std::string> seen;
  log::MemoryInput input(content);
  log::Leaf leaf;
  leaf.evidence = leaf.path = path;
  leaf.input = &input;
  const Result<void> read = check.Read(leaf, [&](const log::Leaf& own) -> Result<void> {
    seen = "";
    std::string block(100, '\0');
    while (seen->size() < most) {
      const size_t got = EKSHUME_TRY(own.input->Read(block));
      if (got == 0) break;
      seen->append(block, 0, got);
    }
    return {};
  });
  EXPECT_TRUE(read);
  return seen;
}

std::vector<std::string> Verify(DigestCheck& check) {
  DiagnosticSink diagnostics;
  check.Verify(diagnostics);
  std::vector<std::string> found;
  for (const Diagnostic& diagnostic : diagnostics.Sorted()) {
    found.emplace_back(DiagnosticCodeName(diagnostic.code));
  }
  return found;
}

using Texts = std::vector<std::string>;
const std::string kPath = "AWSLogs/" + std::string(kLogName);

TEST(DigestCheck, HashesLogFilesAlsoWhenTheirReaderStops) {
  for (const size_t most : {size_t{0}, size_t{100}, std::string::npos}) {
    DigestCheck check;
    const std::string log(10000, 'x');
    const std::string digest = DigestOf(log);
    EXPECT_EQ(Read(check, "AWSLogs/" + std::string(kDigestName), digest), digest);
    const auto seen = Read(check, kPath, log, most);
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->size(), std::min(most, log.size()));
    EXPECT_EQ(Verify(check), (Texts{"log_digest_checked"}));
    EXPECT_EQ(Verify(check), Texts());  // said once
  }
}

TEST(DigestCheck, TellsChangedAndMissingLogFiles) {
  DigestCheck changed;
  Read(changed, std::string(kDigestName), DigestOf("a"));
  Read(changed, kPath, "b");
  EXPECT_EQ(Verify(changed), (Texts{"log_digest_mismatch", "log_digest_checked"}));
  DigestCheck missing;
  Read(missing, std::string(kDigestName), DigestOf("a"));
  Read(missing, "other.json.gz", "a");
  EXPECT_EQ(Verify(missing), (Texts{"log_gap", "log_digest_checked"}));
  DigestCheck unread;
  Read(unread, std::string(kDigestName), DigestOf("a"));
  unread.AddUnread(kPath);
  EXPECT_EQ(Verify(unread), (Texts{"log_digest_checked"}));
}

TEST(DigestCheck, SaysNothingWithoutDigests) {
  DigestCheck check;
  EXPECT_EQ(Read(check, kPath, "a"), "a");
  EXPECT_EQ(Read(check, "any.log", "text"), "text");
  EXPECT_FALSE(check.has_files());  // not hashed for nothing
  check.Expect();
  EXPECT_EQ(Read(check, kPath, "a"), "a");
  EXPECT_TRUE(check.has_files());
  EXPECT_FALSE(check.has_digests());
  EXPECT_EQ(Verify(check), Texts());
}

// Signatures and keys are no logs. This signature does not fit, for the key is none.
TEST(DigestCheck, TakesSignaturesAndKeysThatStandBeside) {
  DigestCheck check;
  Read(check, std::string(kDigestName), DigestOf("a"));
  Read(check, kPath, "a");
  EXPECT_FALSE(Read(check, std::string(kDigestName) + ".metadata.json",
                    R"({"Metadata":{"signature":"00ff"}})"));
  EXPECT_FALSE(Read(check, "keys.json",
                    R"({"PublicKeyList":[{"Value":"AAAA","Fingerprint":"f"},7,{"Value":"!"}]})"));
  EXPECT_EQ(Verify(check), (Texts{"log_digest_mismatch", "log_digest_checked"}));
}

TEST(DigestCheck, TakesDamagedOnesForWhatTheyAre) {
  DigestCheck check;
  for (const std::string_view text : {"", "{", "[]", R"({"Metadata":7})", R"({"Metadata":{}})"}) {
    Read(check, std::string(kDigestName) + ".metadata.json", text);
    Read(check, "keys.json", R"("PublicKeyList" "Fingerprint")" + std::string(text));
  }
  const std::string digest = DigestOf("a");
  for (size_t size = 0; size < digest.size(); ++size) {
    EXPECT_EQ(Read(check, "d", digest.substr(0, size)), digest.substr(0, size));
  }
}

TEST(DigestCheck, KeepsAtMostMaxDigestEntries) {
  DigestCheck check(2);
  static_assert(DigestCheck::kMaxDigestEntries > 2);
  Read(check, std::string(kDigestName), DigestOf("a"));
  Read(check, kPath, "a");
  EXPECT_EQ(Verify(check), (Texts{"log_limit"}));
}

}  // namespace
}  // namespace ekshume::casefile
