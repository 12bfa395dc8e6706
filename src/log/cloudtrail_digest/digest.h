// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "log/format.h"

namespace ekshume::log::cloudtrail_digest {

// A log file as a digest names it.
struct NamedLogFile {
  std::string object;  // S3 key
  std::string hash;    // SHA-256 of the uncompressed file, lower-case hexadecimal
};

// One digest file. Every hour CloudTrail writes one for each region of a trail, which names the log
// files that were delivered in that hour and the digest before it. Structure: AWS CloudTrail user
// guide, "CloudTrail digest file structure". Fields keep CloudTrail's names; an empty text is null.
struct Digest {
  std::string aws_account_id;
  std::string digest_start_time;  // as written; it is part of what is signed
  std::string digest_end_time;
  std::string digest_s3_bucket;
  std::string digest_s3_object;
  std::string digest_public_key_fingerprint;
  std::string digest_signature_algorithm;
  std::string previous_digest_s3_bucket;
  std::string previous_digest_s3_object;  // empty: logging began, or began again, with this digest
  std::string previous_digest_hash_value;
  std::string previous_digest_signature;  // hexadecimal
  std::vector<NamedLogFile> log_files;

  // What the record itself does not say; the ingest fills it in.
  std::string evidence;  // for diagnostics
  std::string sha256;    // of the uncompressed digest file; empty when not known
  std::string
      signature;  // hexadecimal, the object's metadata x-amz-meta-signature; mostly not known

  std::optional<Timestamp> start() const { return ParseTimestamp(digest_start_time); }
  std::optional<Timestamp> end() const { return ParseTimestamp(digest_end_time); }
};

// Reads a record. kNotMine when it is no digest; `whole` false when the JSON is broken.
struct DigestResult {
  bool whole = false;
  bool is_digest = false;
};
DigestResult ReadDigest(const Record& record, Digest& digest);

}  // namespace ekshume::log::cloudtrail_digest
