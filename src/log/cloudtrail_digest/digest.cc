// SPDX-License-Identifier: Apache-2.0
#include "log/cloudtrail_digest/digest.h"

#include <utility>

#include "log/json.h"

namespace ekshume::log::cloudtrail_digest {
namespace {

constexpr std::pair<std::string_view, std::string Digest::*> kMembers[] = {
    {"awsAccountId", &Digest::aws_account_id},
    {"digestStartTime", &Digest::digest_start_time},
    {"digestEndTime", &Digest::digest_end_time},
    {"digestS3Bucket", &Digest::digest_s3_bucket},
    {"digestS3Object", &Digest::digest_s3_object},
    {"digestPublicKeyFingerprint", &Digest::digest_public_key_fingerprint},
    {"digestSignatureAlgorithm", &Digest::digest_signature_algorithm},
    {"previousDigestS3Bucket", &Digest::previous_digest_s3_bucket},
    {"previousDigestS3Object", &Digest::previous_digest_s3_object},
    {"previousDigestHashValue", &Digest::previous_digest_hash_value},
    {"previousDigestSignature", &Digest::previous_digest_signature},
};

bool ReadLogFile(JsonValue value, NamedLogFile& file) {
  bool whole = true;
  const bool object = ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "s3Object") whole = JsonText(inner, file.object) && whole;
    if (key == "hashValue") whole = JsonText(inner, file.hash) && whole;
  });
  return object && whole;
}

}  // namespace

DigestResult ReadDigest(const Record& record, Digest& digest) {
  bool parts_whole = true;
  const bool whole = ForEachMember(record, [&](std::string_view key, JsonValue value) {
    if (key == "logFiles") {
      const bool array = ForEachElement(value, [&](JsonValue element) {
        NamedLogFile file;
        parts_whole = ReadLogFile(element, file) && parts_whole;
        if (!file.object.empty()) digest.log_files.push_back(std::move(file));
      });
      parts_whole = array && parts_whole;
      return;
    }
    for (const auto& [name, member] : kMembers) {
      if (key == name) parts_whole = JsonText(value, digest.*member) && parts_whole;
    }
  });
  return {whole && parts_whole,
          !digest.digest_s3_object.empty() && !digest.digest_end_time.empty()};
}

}  // namespace ekshume::log::cloudtrail_digest
